"""What a controller's engine costs, and how quickly a search is restored and replayed.

    python benchmarks/controller.py [--outcomes 5000] [--cycles 320] [--replayed 500] [--json]

Networks of the FALSR space get made-up scores, eight are in flight, and nothing is trained or stored: what is left is
the engine. Each engine is fed a log of so many outcomes; then the CPU time of every further ask with its tell is taken.
To restore a log is to admit and tell it, as a controller does that takes a search over; to replay it is to ask and
tell, as `srnas replay` does. The last is done on a log of its own, as long as told, from an empty engine on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from evaluator.cost import costs
from nas import history
from nas.breeding import engine_of
from nas.engine.base import Engine, Proposal
from nas.engine.testing import synthetic_scores
from nas.options import EngineOptions
from nas.records import Candidate, CandidateId, CandidateState, Evaluation, Search, SearchId, SearchState
from nas.replaying import replay
from nas.spec import SearchSpec
from search_space.genotype import Genotype

IN_FLIGHT = 8
NOISE_DB = 0.03
"""Standard deviation of what the seed of a training adds to its scores."""

AT = datetime(2026, 1, 1, tzinfo=UTC)
RECIPE = {"name": "default", "steps": 240}


@dataclass(frozen=True)
class Case:
    """One kind of search.

    Attributes:
        surrogate: Whether a model picks among children.
        rungs: Trainings of growing length that a network may get.
        objectives: What is optimised.
    """

    surrogate: bool
    rungs: int = 1
    objectives: tuple[str, ...] = ("psnr", "mult_adds")

    @property
    def search(self) -> Search:
        """A search of this kind, begun."""
        document = {
            "space": "falsr",
            "dataset": {"train": "none"},
            "objectives": self.objectives,
            "recipe": {**RECIPE, "rungs": self.rungs},
            "engine": {"surrogate": self.surrogate},
            "budget": {"evaluations": 1_000_000},
        }
        reference = {"psnr": 29.0, "fsds": 20.0, "mult_adds": 3e11}
        return Search(
            id=SearchId("a"),
            spec=SearchSpec.model_validate(document),
            state=SearchState.RUNNING,
            created_at=AT,
            data_digest="none",
            reference_point={name: reference[name] for name in self.objectives},
        )


CASES = (
    Case(surrogate=False),
    Case(surrogate=True),
    Case(surrogate=False, rungs=3),
    Case(surrogate=True, rungs=3),
    Case(surrogate=False, objectives=("psnr", "fsds", "mult_adds")),
    Case(surrogate=True, objectives=("psnr", "fsds", "mult_adds")),
)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one kind of search costs.

    Attributes:
        surrogate: As the case has it.
        rungs: Likewise.
        objectives: Likewise.
        outcomes: Recorded before asks and tells were timed.
        mean_ms: Mean CPU time of an ask with its tell.
        p99_ms: 99th percentile of the same.
        restored_per_s: Steps of the log that are admitted or told in a CPU second.
        replayed: Outcomes of the log that was replayed.
        replayed_per_s: Steps of that log that are asked or told in a CPU second.
    """

    surrogate: bool
    rungs: int
    objectives: tuple[str, ...]
    outcomes: int
    mean_ms: float
    p99_ms: float
    restored_per_s: float
    replayed: int
    replayed_per_s: float


class Simulation:
    """A search whose trainings end at once, in a random order. Keeps its log.

    Args:
        search: The search.
        engine: Its engine, to which the log was told.
        log: What was recorded so far.
    """

    def __init__(self, search: Search, engine: Engine, log: Sequence[Candidate] = ()) -> None:
        self._search, self._engine = search, engine
        self.log = list(log)
        self._waiting = [c.ordinal for c in self.log if c.told_ordinal is None]
        self._rng = np.random.default_rng(len(self.log))

    def run(self) -> Iterator[float]:
        """Tell one outcome when enough are in flight, and ask for another network; CPU seconds of each round."""
        while True:
            told = self._outcome() if len(self._waiting) == IN_FLIGHT else None
            began_s = time.process_time()
            if told is not None:
                history.tell(self._engine, told, self._search.spec)
            proposal = self._engine.ask()
            took_s = time.process_time() - began_s
            assert proposal is not None, "the space is large"
            self._record(proposal)
            if told is not None:
                yield took_s

    def _outcome(self) -> Candidate:
        ordinal = self._waiting.pop(int(self._rng.integers(IN_FLIGHT)))
        candidate = self.log[ordinal]
        tells = len(self.log) - len(self._waiting) - 1
        scored = {"state": CandidateState.SCORED, "told_ordinal": tells, "violation": 0.0}
        self.log[ordinal] = replace(candidate, **scored, evaluation=scores_of(candidate))  # type: ignore[arg-type]
        return self.log[ordinal]

    def _record(self, proposal: Proposal) -> None:
        ordinal, spec = len(self.log), self._search.spec
        cost = costs(proposal.genotype, spec.recipe, scale=spec.scale, channels=spec.channels)
        candidate = Candidate(
            id=CandidateId(f"a-{ordinal}"),
            search_id=self._search.id,
            ordinal=ordinal,
            tells_before=ordinal - len(self._waiting),
            genotype=proposal.genotype,
            state=CandidateState.EVALUATING,
            params=cost.params,
            mult_adds=cost.mult_adds,
            evaluation_key=str(ordinal),
            operator=proposal.operator,
            parents=proposal.parents,
            rung=proposal.rung,
            arm=proposal.arm,
            predicted=proposal.predicted,
            asked_at=AT,
        )
        self._waiting.append(ordinal)
        self.log.append(candidate)


def scores_of(candidate: Candidate) -> Evaluation:
    """Made-up scores: a longer training gives more, and a seed some luck."""
    genotype = candidate.genotype
    psnr_db, _ = synthetic_scores(genotype)
    luck = np.random.default_rng([candidate.rung, int(genotype.digest[:8], 16)]).normal(scale=NOISE_DB, size=2)
    return Evaluation(
        key=candidate.evaluation_key,
        genotype_digest=genotype.digest,
        recipe_digest="",
        data_digest="none",
        code_digest="",
        seed=0,
        device="none",
        created_at=AT,
        psnr_db=psnr_db + 0.3 * candidate.rung + float(luck[0]),
        fsds_db=fsds_db(genotype) + 0.5 * candidate.rung + 10 * float(luck[1]),
    )


def fsds_db(genotype: Genotype) -> float:
    """A made-up FSDS: it prefers wide kernels and few groups, and so is no function of the PSNR."""
    reach = sum(cell.repeats * (cell.kernel // 2) for cell in genotype.cells)
    grouped = sum(cell.operator.startswith("group") for cell in genotype.cells)
    return 24.0 + 6.0 * float(np.tanh(reach / 10)) - 0.4 * grouped


def grown(search: Search, outcomes: int) -> list[Candidate]:
    """The log of a search by its own engine, with so many outcomes."""
    simulation = Simulation(search, engine_of(search))
    for _ in islice(simulation.run(), outcomes):
        pass
    return simulation.log


def restored(search: Search, log: Sequence[Candidate]) -> tuple[Engine, float]:
    """A new engine to which a log was told, and the steps of the log in a CPU second."""
    engine, steps = engine_of(search), list(history.history(log, search.spec.engine))
    began_s = time.process_time()
    for step in steps:
        if isinstance(step, history.Asked):
            engine.admit(history.proposal_of(step.candidate))
        else:
            history.tell(engine, step.candidate, search.spec)
    return engine, len(steps) / (time.process_time() - began_s)


def measure(case: Case, *, outcomes: int, cycles: int, replayed: int) -> Cost:
    """The cost of one kind of search; its log comes from the same kind without a surrogate, which is quicker."""
    search = case.search
    log = grown(replace(case, surrogate=False).search, outcomes)
    engine, restored_per_s = restored(search, log)
    engine.propose()  # derives the first population, and changes nothing
    rounds_ms = 1e3 * np.array(list(islice(Simulation(search, engine, log).run(), cycles)))
    own = grown(search, replayed)
    again = replay(search, own, engine_of(search))
    assert again.identical, again.difference
    return Cost(
        **asdict(case),
        outcomes=outcomes,
        mean_ms=float(rounds_ms.mean()),
        p99_ms=float(np.percentile(rounds_ms, 99)),
        restored_per_s=restored_per_s,
        replayed=replayed,
        replayed_per_s=again.events_per_s,
    )


def device() -> str:
    """The processor, as the system names it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = {line.partition(":")[2].strip() for line in lines if line.startswith("model name")}
    return f"{', '.join(sorted(names))}, 1 thread"


def to_markdown(costs: Sequence[Cost], device: str) -> str:
    """The page that stands in the documentation."""
    rows = "\n".join(map(_row, costs))
    sizes = {"outcomes": costs[0].outcomes, "replayed": costs[0].replayed}
    return PAGE.format(**sizes, refit=EngineOptions().surrogate_refit, device=device, rows=rows)


def _row(cost: Cost) -> str:
    kind = f"| {', '.join(cost.objectives)} | {cost.rungs} | {'yes' if cost.surrogate else 'no'} "
    speed = f"| {cost.restored_per_s:,.0f} | {cost.replayed_per_s:,.0f} |"
    return f"{kind}| {cost.mean_ms:.2f} | {cost.p99_ms:.1f} {speed}"


PAGE = """# What a controller costs

CPU time of an engine in the FALSR space with {outcomes:,} outcomes recorded, eight networks in flight and made-up
scores: milliseconds of one ask with one tell, mean and 99th percentile; and how many asks and tells of a log are
restored (admitted and told) in a CPU second. Replaying (asked and told) is on a log of {replayed:,} outcomes of the
engine's own. Device: {device}.

| objectives | rungs | surrogate | mean ms | p99 ms | restored /s | replayed /s |
|---|---|---|---|---|---|---|
{rows}

Asks that fit the surrogate anew, every {refit} outcomes, are the slow ones. The first ask of an engine derives the
first population, once, and is not counted. `python benchmarks/controller.py` measures again.
"""


def main() -> None:
    """Measure every kind of search and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outcomes", type=int, default=5000, help="outcomes recorded before timing (%(default)s)")
    parser.add_argument("--cycles", type=int, default=320, help="asks with a tell that are timed (%(default)s)")
    parser.add_argument("--replayed", type=int, default=500, help="outcomes of the log replayed (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    sizes = {"outcomes": arguments.outcomes, "cycles": arguments.cycles, "replayed": arguments.replayed}
    cases = track(CASES, "measuring", console=Console(stderr=True))
    found = [measure(case, **sizes) for case in cases]
    if arguments.json:
        print(json.dumps({"device": device(), "costs": [asdict(cost) for cost in found]}, indent=2))
    else:
        print(to_markdown(found, device()), end="")


if __name__ == "__main__":
    main()
