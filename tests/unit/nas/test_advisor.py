"""The surrogate speaks once it has seen enough and while it ranks well; what it picks follows from what was told."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from nas.engine.advisor import Advisor
from nas.engine.base import EngineSettings, Vectors
from nas.engine.testing import costs_of, settings_for
from nas.engine.unseen import Unseen
from nas.objectives import Objective, Prediction
from search_space.spaces import get_space

PSNR, MULT_ADDS, FSDS = (Objective.of(metric) for metric in ("psnr", "mult_adds", "fsds"))
WATCHED = 40
"""Pairs of predicted and found values by which predictions are judged, at most."""


def falsr(*objectives: Objective, **options: Any) -> EngineSettings:
    return settings_for("falsr", objectives=objectives or (PSNR, MULT_ADDS), **options)


def vectors_of(n: int, seed: int = 0) -> Vectors:
    return Unseen(falsr()).random(n, np.random.default_rng(seed))


KNOWN = costs_of(get_space("falsr"))


def psnr_db(vector: np.ndarray, rung: int = 0) -> float:
    """Learnable: it grows with the logarithm of the size, and with every skip."""
    params = KNOWN(vector[None])["params"][0]
    return float(27 + np.log10(params) + 0.02 * vector[35:].sum() + rung)


def losses_of(found: EngineSettings, vector: np.ndarray, rung: int = 0) -> np.ndarray:
    figures = {"psnr": psnr_db(vector, rung), "fsds": 2 * psnr_db(vector, rung) - 30}
    figures |= {name: float(column[0]) for name, column in KNOWN(vector[None]).items()}
    return np.array([o.sign * figures[o.metric] for o in found.objectives])


def tell(advisor: Advisor, found: EngineSettings, vectors: Vectors, **changes: Any) -> None:
    rung = changes.pop("rung", 0)
    for vector in vectors:
        advisor.tell(vector, losses_of(found, vector, rung), rung=rung, **{"predicted": {}, **changes})


def tell_pairs(advisor: Advisor, found: EngineSettings, vectors: Vectors, means: Sequence[float]) -> None:
    for vector, mean in zip(vectors, means, strict=True):
        tell(advisor, found, vector[None], predicted={"psnr": Prediction(mean=mean, std=0.1)})


def choose(advisor: Advisor, *, seed: int = 0) -> int:
    assert advisor.speaks
    vectors = vectors_of(60, seed=99)
    return advisor.choose(vectors[:40], vectors[40:56], vectors[56:], np.random.default_rng(seed))[0]


# -- when it speaks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "refit"), [(8, 1), (16, 8), (24, 8), (20, 1)])
def test_it_is_silent_until_it_has_seen_enough(after: int, refit: int) -> None:
    found = falsr(surrogate_after=after, surrogate_refit=refit)
    advisor, vectors = Advisor(found), vectors_of(after)
    for vector in vectors:
        assert not advisor.speaks
        assert advisor.predict(vector) == {}
        tell(advisor, found, vector[None])
    assert advisor.speaks
    assert set(advisor.predict(vectors[0])) == {"psnr"}


def test_failures_teach_nothing_and_are_not_counted() -> None:
    found = falsr(surrogate_after=8, surrogate_refit=1)
    advisor, vectors = Advisor(found), vectors_of(40)
    for vector in vectors[:30]:
        advisor.tell(vector, None, rung=0, predicted={"psnr": Prediction(mean=30.0, std=1.0)})
    tell(advisor, found, vectors[30:37])
    assert not advisor.speaks
    tell(advisor, found, vectors[37:38])
    twin = Advisor(found)
    tell(twin, found, vectors[30:38])
    assert advisor.speaks
    assert advisor.predict(vectors[39]) == twin.predict(vectors[39])
    assert choose(advisor) == choose(twin)


def test_it_is_silent_while_its_predictions_rank_badly_and_speaks_again_once_they_rank_well() -> None:
    found = falsr(surrogate_after=16, surrogate_refit=16, surrogate_min_tau=0.2)
    advisor, vectors = Advisor(found), vectors_of(16 + 3 * WATCHED)
    tell(advisor, found, vectors[:16])
    assert advisor.speaks
    told, bad = vectors[16:], [-psnr_db(vector) for vector in vectors[16:]]
    tell_pairs(advisor, found, told[:11], bad[:11])
    assert advisor.speaks  # too few to doubt
    tell_pairs(advisor, found, told[11:WATCHED], bad[11:WATCHED])
    assert not advisor.speaks
    assert advisor.predict(vectors[0])  # it goes on to foretell, so that it can be believed again
    good = told[WATCHED : 2 * WATCHED]
    tell_pairs(advisor, found, good, [psnr_db(vector) for vector in good])
    assert advisor.speaks


def test_one_objective_that_ranks_badly_silences_it() -> None:
    found = falsr(PSNR, FSDS, MULT_ADDS)
    advisor, vectors = Advisor(found), vectors_of(60)
    tell(advisor, found, vectors[:16])
    for vector in vectors[16:]:
        good, bad = Prediction(mean=psnr_db(vector), std=1.0), Prediction(mean=-psnr_db(vector), std=1.0)
        tell(advisor, found, vector[None], predicted={"psnr": good, "fsds": bad})
    assert not advisor.speaks


def test_a_network_is_a_test_of_predictions_once_at_its_first_rung() -> None:
    """Those that come back were chosen by what they scored."""
    found = falsr(rungs=2)
    advisor, vectors = Advisor(found), vectors_of(60)
    tell(advisor, found, vectors)
    for vector in vectors:
        bad = {"psnr": Prediction(mean=-psnr_db(vector), std=1.0)}
        tell(advisor, found, vector[None], rung=1, predicted=bad)
    assert advisor.speaks


# -- what it learns from -------------------------------------------------------------------------------------------


def test_it_is_fitted_at_multiples_only() -> None:
    found = falsr(surrogate_after=16, surrogate_refit=8)
    advisor, vectors = Advisor(found), vectors_of(40)
    foretold = []
    for vector in vectors[:33]:
        tell(advisor, found, vector[None])
        foretold.append(advisor.predict(vectors[39]))
    changes = [i + 1 for i in range(1, 33) if foretold[i] != foretold[i - 1]]
    assert changes == [16, 24, 32]


@pytest.mark.parametrize("n", [16, 23, 24, 31, 40])
def test_whether_it_was_asked_in_between_makes_no_difference(n: int) -> None:
    found = falsr(surrogate_after=16, surrogate_refit=8)
    asked, silent = Advisor(found), Advisor(found)
    for vector in vectors_of(n):
        for advisor in (asked, silent):
            tell(advisor, found, vector[None])
        if asked.speaks:
            asked.predict(vector)
            choose(asked, seed=5)
    assert asked.speaks
    assert silent.speaks
    assert [choose(asked, seed=seed) for seed in range(5)] == [choose(silent, seed=seed) for seed in range(5)]
    assert asked.predict(vectors_of(1, seed=3)[0]) == silent.predict(vectors_of(1, seed=3)[0])


def test_predictions_rank_networks_as_their_scores_do() -> None:
    found = falsr()
    advisor, vectors = Advisor(found), vectors_of(120)
    tell(advisor, found, vectors[:80])
    means = [advisor.predict(vector)["psnr"].mean for vector in vectors[80:]]
    assert np.corrcoef(means, [psnr_db(vector) for vector in vectors[80:]])[0, 1] > 0.8


def test_with_rungs_it_foretells_the_highest_that_it_knows() -> None:
    found = falsr(rungs=2)
    advisor, vectors = Advisor(found), vectors_of(60)
    tell(advisor, found, vectors[:40])
    short = advisor.predict(vectors[50])["psnr"].mean
    tell(advisor, found, vectors[:16], rung=1)
    assert advisor.predict(vectors[50])["psnr"].mean - short == pytest.approx(1.0, abs=0.3)


def test_rungs_with_few_outcomes_each_leave_it_silent() -> None:
    found = falsr(rungs=3)
    advisor, vectors = Advisor(found), vectors_of(21)
    for rung in range(3):
        tell(advisor, found, vectors[7 * rung : 7 * rung + 7], rung=rung)
    assert not advisor.speaks
    assert advisor.predict(vectors[0]) == {}


# -- what it picks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reference", [None, "told"])
@pytest.mark.parametrize(
    "objectives",
    [(PSNR,), (PSNR, MULT_ADDS), (MULT_ADDS, FSDS), (PSNR, FSDS), (PSNR, FSDS, MULT_ADDS)],
    ids=lambda objectives: "-".join(o.metric for o in objectives),
)
def test_it_picks_a_child_whatever_the_objectives(objectives: tuple[Objective, ...], reference: str | None) -> None:
    bad = {"psnr": 28.0, "fsds": 25.0, "mult_adds": 2e11}
    point = tuple(bad[o.metric] for o in objectives) if reference else None
    found = settings_for("falsr", objectives=objectives, reference=point)
    advisor = Advisor(found)
    tell(advisor, found, vectors_of(24))
    assert advisor.speaks
    picked = [choose(advisor, seed=seed) for seed in range(4)]
    assert picked == [choose(advisor, seed=seed) for seed in range(4)]
    assert set(picked) <= set(range(40))


def test_with_one_objective_it_picks_among_the_best() -> None:
    found = falsr(PSNR)
    advisor = Advisor(found)
    tell(advisor, found, vectors_of(64))
    children = vectors_of(60, seed=99)[:40]  # as in `choose`
    scores = np.array([psnr_db(vector) for vector in children])
    picked = [choose(advisor, seed=seed) for seed in range(8)]
    assert np.mean(scores[picked]) > np.quantile(scores, 0.8)


def test_a_child_that_is_in_flight_already_is_not_picked_again() -> None:
    found = falsr(PSNR, MULT_ADDS, reference=(28.0, 2e11))
    advisor = Advisor(found)
    tell(advisor, found, vectors_of(32))
    assert advisor.speaks
    children, members = vectors_of(10, seed=7), vectors_of(8, seed=8)
    first, _ = advisor.choose(children, members, members[:0], np.random.default_rng(0))
    picked = {
        advisor.choose(children, members, children[first : first + 1], np.random.default_rng(seed))[0]
        for seed in range(20)
    }
    assert first not in picked


def test_an_only_child_is_picked() -> None:
    found = falsr()
    advisor, vectors = Advisor(found), vectors_of(20)
    tell(advisor, found, vectors)
    assert advisor.speaks
    only = vectors_of(1, seed=5)
    row, predicted = advisor.choose(only, vectors[:1], vectors[:0], np.random.default_rng(0))
    assert row == 0
    assert predicted["psnr"].mean == pytest.approx(advisor.predict(only[0])["psnr"].mean)


def test_scores_that_are_all_the_same_are_survived() -> None:
    found = falsr()
    advisor, vectors = Advisor(found), vectors_of(20)
    for vector in vectors:
        advisor.tell(vector, np.array([-30.0, losses_of(found, vector)[1]]), rung=0, predicted={})
    assert 0 <= choose(advisor) < 40
