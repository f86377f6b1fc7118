"""Outcomes and the small values around them."""

import pickle
import platform
from dataclasses import replace
from typing import get_args

import pytest

from evaluator import provenance
from evaluator.executor import ExecutorError
from evaluator.outcome import HINTS, Failure, FailureKind, Scores
from evaluator.provenance import code_digest, cpu_name
from evaluator.seeding import training_seed
from evaluator.testing import TINY_RUNGS, synthetic, tiny_data, tiny_job


def test_every_kind_of_failure_has_a_hint() -> None:
    assert HINTS.keys() == set(get_args(FailureKind))
    assert Failure(kind="timeout", message="late").hint == HINTS["timeout"]


def test_a_score_without_a_protocol_is_refused() -> None:
    with pytest.raises(ValueError, match="protocol"):
        Scores(protocol="", psnr_db=30.0, ssim=0.9, fsds_db=20.0, fsds_si_db=18.0, params=1, mult_adds=1)


def test_outcomes_and_jobs_cross_process_borders_unchanged() -> None:
    job = tiny_job(tiny_data())
    for value in (job, synthetic(job), Failure(kind="diverged", message="at step 3")):
        assert pickle.loads(pickle.dumps(value)) == value


def test_the_key_of_a_job_depends_on_all_that_decides_its_outcome() -> None:
    data = tiny_data()
    job = tiny_job(data)
    assert job.key == tiny_job(data, timeout_s=5.0).key
    others = [tiny_job(data, seed=1), tiny_job(tiny_data(seed=1)), tiny_job(data, channels=3)]
    assert len({job.key, *(other.key for other in others)}) == 4


def test_a_start_is_no_part_of_a_key_and_stays_out_of_sight() -> None:
    data = tiny_data()
    job = tiny_job(data, start=b"a state", keep_state=True)
    assert job.key == tiny_job(data).key
    assert repr(job) == repr(tiny_job(data))


def test_jobs_that_differ_in_steps_alone_are_of_one_lineage() -> None:
    data = tiny_data()
    short, long = (tiny_job(data, recipe=TINY_RUNGS.at_rung(rung)) for rung in range(2))
    assert short.key != long.key
    assert short.lineage == long.lineage == tiny_job(data, recipe=TINY_RUNGS).lineage
    others = [replace(TINY_RUNGS, batch=3), replace(TINY_RUNGS, decay_fraction=0.3)]
    foreign = [tiny_job(data, seed=1), *(tiny_job(data, recipe=recipe) for recipe in others)]
    assert len({short.lineage, *(job.lineage for job in foreign)}) == 4


def test_an_executor_error_says_what_to_do_next() -> None:
    error = ExecutorError("no GPU", retryable=False, hint="add one")
    assert (str(error), error.retryable, error.hint) == ("no GPU", False, "add one")


def test_seeds_differ_between_networks_and_searches_and_fit_63_bits() -> None:
    seeds = {training_seed(search, digest) for search in range(20) for digest in ("a", "b")}
    assert len(seeds) == 40
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert training_seed(1, "a") == 7731371354980135148


def test_provenance_names_the_sources_and_the_processor() -> None:
    assert code_digest() == code_digest()
    assert len(code_digest()) == 32
    assert cpu_name(1).startswith("cpu (1 thread,")
    assert cpu_name(2).startswith("cpu (2 threads,")


def test_processors_of_different_models_have_different_names(monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for model in ("AMD EPYC 9354", "Intel Xeon 8488C", ""):
        monkeypatch.setattr(provenance, "processor_name", lambda model=model: model)
        names.add(cpu_name(1))
    machine = platform.machine()
    assert names == {f"cpu (1 thread, {machine}{model})" for model in (", AMD EPYC 9354", ", Intel Xeon 8488C", "")}
