import json

import numpy as np
import pytest

from nas.benchmarking import rivals
from nas.benchmarking.contest import Contest, hold, write
from nas.benchmarking.entrants import BASES, CHANGES, RIVALS, read_entrants
from nas.benchmarking.race import Plan, Run, race, run
from nas.benchmarking.rivals import Asked, MissingOptuna
from nas.benchmarking.summary import duels, needed, summarise
from nas.benchmarking.table import tabulate
from nas.benchmarking.writing import duel_rows, hypervolume_rows, notes, to_json, to_markdown
from nas.engine.testing import TWO_OBJECTIVES, synthetic_scores
from nas.pareto import hypervolume
from search_space.errors import InvalidInput
from search_space.spaces import get_space

ALL = [*RIVALS, "srnas-plain", "srnas-plain+stratified", "srnas-falsr"]


def entrant(name, table):
    return read_entrants([name], table)[0]


@pytest.mark.parametrize("in_flight", [1, 8])
@pytest.mark.parametrize("name", ALL)
def test_everybody_spends_the_budget_and_never_loses_ground(name, in_flight, falsr, falsr_landscape):
    found = run(entrant(name, falsr), in_flight, 0, falsr_landscape, 80)
    assert found.evaluations == 80
    assert len(found.hypervolume) == 80
    assert (np.diff(found.hypervolume) >= 0).all()
    assert found.hypervolume[-1] > 0


@pytest.mark.parametrize("name", ALL)
def test_a_run_is_the_same_again_and_another_with_another_seed(name, falsr, falsr_landscape):
    first, again, other = (run(entrant(name, falsr), 3, seed, falsr_landscape, 40) for seed in (0, 0, 1))
    assert first.hypervolume.tolist() == again.hypervolume.tolist() != other.hypervolume.tolist()


@pytest.mark.parametrize("name", [*RIVALS, "srnas-plain", "srnas"])
def test_a_plain_table_can_be_raced_on(name, toy, toy_landscape):
    found = run(entrant(name, toy), 4, 0, toy_landscape, 60)
    assert 0 < found.evaluations <= 60
    assert len(found.hypervolume) == 60


def test_ours_finds_the_whole_exact_front_once_it_has_seen_a_space_whole(toy, toy_landscape):
    found = run(entrant("srnas-plain", toy), 1, 0, toy_landscape, 60)
    assert found.evaluations == 54
    assert found.duplicates == 0
    assert found.front_after <= 54
    exact = hypervolume(list(toy_landscape.exact_front), toy.objectives, toy.reference)
    assert found.hypervolume[found.front_after - 1] == pytest.approx(exact)
    assert found.hypervolume[-1] == pytest.approx(exact)


def test_the_tiny_space_is_searched_by_a_table_of_all_its_scores():
    space = get_space("tiny")
    table = tabulate(space, TWO_OBJECTIVES, ((g, synthetic_scores(g)) for g in space.enumerate()))
    result = hold(table, Contest(engines=["random", "srnas-plain"], evaluations=60, seeds=2))
    assert result.landscape.report.complete
    assert "front found after" in hypervolume_rows(result)[0]


class Lagging:
    """Asks for rows in order, and notes how many results it had seen at each ask."""

    def __init__(self, rows):
        self.rows, self.seen, self.told = iter(rows), [], 0

    def ask(self):
        self.seen.append(self.told)
        return Asked(genotype=next(self.rows).genotype)

    def tell(self, asked, values):
        self.told += 1


class Entered:
    name = "lagging"

    def __init__(self, searcher):
        self.searcher = searcher

    def build(self, landscape, seed):
        return self.searcher

    def lag(self, in_flight):
        return in_flight


@pytest.mark.parametrize(("in_flight", "seen"), [(1, [0, 1, 2, 3, 4]), (3, [0, 0, 0, 1, 2])])
def test_a_result_is_seen_so_many_asks_after_its_own(in_flight, seen, toy, toy_landscape):
    searcher = Lagging(toy.rows)
    found = run(Entered(searcher), in_flight, 0, toy_landscape, 5)
    assert searcher.seen == seen
    assert searcher.told == 5
    points = toy.means[:5]
    assert found.hypervolume[-1] == hypervolume(points, toy.objectives, toy.reference)


def test_what_was_asked_before_costs_again_and_is_counted(toy, toy_landscape):
    found = run(Entered(Lagging([toy.rows[0]] * 5)), 1, 0, toy_landscape, 5)
    assert (found.evaluations, found.duplicates) == (5, 4)


def test_ordered_commit_waits_for_four_results_of_each_worker(falsr):
    assert entrant("srnas+ordered", falsr).lag(8) == 32
    assert entrant("srnas+ordered+lag=5", falsr).lag(8) == 5
    assert entrant("srnas", falsr).lag(8) == 8


def test_rungs_are_paid_by_steps_and_only_full_trainings_count(falsr, falsr_landscape):
    found = run(entrant("srnas-plain+rungs=3", falsr), 1, 0, falsr_landscape, 20)
    assert set(found.rungs) == {-3, -2, -1}
    assert found.evaluations > 20
    assert len(found.hypervolume) == 20
    assert found.hypervolume[0] == 0.0
    assert (np.diff(found.hypervolume) >= 0).all()


def test_processes_find_what_one_process_finds(toy, toy_landscape):
    plan = Plan(entrants=tuple(read_entrants(["random", "pymoo"], toy)), evaluations=20, seeds=2, in_flight=(1,))
    steps = []
    here = race(plan, toy_landscape, step=lambda name, total: steps.append((name, total)))
    spread = race(plan, toy_landscape, workers=2)
    assert [(r.entrant, r.seed, r.hypervolume.tolist()) for r in here] == [
        (r.entrant, r.seed, r.hypervolume.tolist()) for r in spread
    ]
    assert steps == [("random", 4)] * 2 + [("pymoo", 4)] * 2


def test_every_name_and_change_that_is_offered_can_be_entered(falsr):
    names = [*RIVALS, *BASES, *(f"srnas+{change}" for change in CHANGES), "srnas+surrogate_children=40"]
    assert [entrant.name for entrant in read_entrants(names, falsr)] == names


def test_every_name_that_cannot_be_entered_is_told(falsr, toy):
    with pytest.raises(InvalidInput) as caught:
        read_entrants(["rando", "srnas+fast", "srnas+rungs=9", "srnas+crossover=3"], falsr)
    assert [problem.field for problem in caught.value.problems] == [
        "engines.rando",
        "engines.srnas+fast",
        "engines.srnas+rungs=9",
        "engines.srnas+crossover=3",
    ]
    with pytest.raises(InvalidInput, match="no cells"):
        read_entrants(["srnas-falsr"], toy)
    with pytest.raises(InvalidInput, match="each of them once"):
        read_entrants(["random", "random"], falsr)


def test_a_missing_optuna_says_how_to_install_it(falsr, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingOptuna) as caught:
        read_entrants(["optuna"], falsr)
    assert "srnas[bench]" in caught.value.hint


def made_up(name, *curves):
    return [
        Run(
            entrant=name,
            in_flight=1,
            seed=seed,
            hypervolume=np.array(curve, dtype=float),
            evaluations=len(curve),
            duplicates=1,
            rungs={-1: len(curve)},
            cpu_ms=2.0,
            front_after=None,
        )
        for seed, curve in enumerate(curves)
    ]


def test_a_duel_compares_medians_over_seeds():
    runs = [*made_up("random", [1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4])]
    runs += made_up("fast", [0, 4, 4, 4], [4, 4, 4, 4], [0, 0, 4, 5])
    slow, fast = duels(runs, [("random", 4)])
    assert (slow.needed, slow.faster) == (4.0, 1.0)
    assert (fast.mark, fast.needed, fast.faster, fast.reached) == (4.0, 2.0, 2.0, 3)
    assert (fast.low, fast.high) == (pytest.approx(4 / 3), 4.0)


def test_who_does_not_arrive_needs_for_ever():
    assert needed(np.array([[1.0, 2.0], [1.0, 1.0]]), 2.0).tolist() == [2.0, np.inf]
    runs = made_up("random", [1, 2], [1, 2], [1, 2]) + made_up("slow", [0, 1], [0, 1], [0, 2])
    duel = duels(runs, [("random", 2)])[1]
    assert (duel.needed, duel.faster, duel.low, duel.reached) == (None, None, None, 1)


def test_a_line_has_means_with_intervals():
    (line,) = summarise(made_up("a", [1.0, 2.0], [1.0, 4.0]))
    (point,) = line.checkpoints
    assert (point.evaluations, point.mean, line.duplicates) == (2, 3.0, 0.5)
    assert point.reach == pytest.approx(12.706, rel=1e-3)  # Student's t for one degree of freedom


def test_a_contest_is_written_for_people_and_for_programs(tmp_path, falsr):
    contest = Contest(engines=["random", "srnas-plain"], evaluations=40, seeds=2, in_flight=(1, 4))
    steps = []
    result = hold(falsr, contest, lambda text, total: steps.append((text, total)))
    assert len(steps) == steps[0][1] == 2 + 8
    page, document, *pictures = write(result, tmp_path / "out" / "search")
    figures = json.loads(document.read_text())
    assert figures == json.loads(json.dumps(to_json(result)))
    assert len(figures["runs"]) == 8
    text = page.read_text()
    assert "| random | 1 |" in text
    assert "search.svg" in text
    assert pictures[0].read_text().count("srnas-plain") >= 1
    assert pictures[1].stat().st_size > 1000
    assert duel_rows(result)[0] == ["engine", "in flight", "random after 40"]
    assert any("60 rows" in note for note in notes(result))
    assert "#### Hypervolume" in to_markdown(result, level=4)


def test_importing_rivals_leaves_optuna_alone():
    assert not hasattr(rivals, "optuna")
