"""A worker that waits does so for as long as its network is large, and says how long that was."""

import subprocess
import sys
from dataclasses import replace

import numpy as np

from benchmarks.waiting import CHEAPEST, SPREAD, WaitingWorker, relative_duration
from evaluator.outcome import Success
from evaluator.provenance import code_digest
from evaluator.testing import TINY_RECIPE, synthetic, tiny_data, tiny_job
from search_space.cost import mult_adds
from search_space.spaces import get_space


def test_trainings_have_a_tenfold_spread_and_follow_mult_adds():
    space, rng = get_space("falsr"), np.random.default_rng(0)
    genotypes = sorted((space.sample(rng) for _ in range(300)), key=lambda g: mult_adds(g, scale=2, channels=1))
    lengths = [relative_duration(genotype) for genotype in genotypes]
    assert lengths == sorted(lengths)
    assert (lengths[0], lengths[-1]) == (1.0, SPREAD)
    middle = genotypes[150]
    assert relative_duration(middle) == mult_adds(middle, scale=2, channels=1) / CHEAPEST


def test_a_worker_gives_made_up_scores_after_its_wait():
    data = tiny_data()
    job = tiny_job(data, recipe=replace(TINY_RECIPE, steps=2))
    worker = WaitingWorker("cpu", 1)
    assert worker.hello().code_digest == code_digest()
    outcome = worker.evaluate(job, data)
    assert isinstance(outcome, Success)
    assert outcome.scores == synthetic(job).scores
    assert outcome.train_s >= 0.002


def test_a_process_that_waits_loads_nothing_heavy():
    program = "import sys, benchmarks.waiting; print(*{'torch', 'nas', 'pymoo', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
