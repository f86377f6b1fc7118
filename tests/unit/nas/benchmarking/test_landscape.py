import pickle

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from nas.benchmarking.features import Features
from nas.benchmarking.landscape import build_landscape
from nas.benchmarking.models import FAMILIES, Forest, Pairs, predict
from nas.benchmarking.rungs import FULL, Rungs, rung_steps
from nas.benchmarking.table import table_of
from nas.ranking import kendall_tau
from search_space.encoding import encode
from search_space.errors import InvalidInput


def test_a_complete_table_is_looked_up(toy, toy_landscape):
    for row, means in zip(toy.rows, toy.means, strict=True):
        assert toy_landscape.truth(row.genotype) == tuple(means)
    assert toy_landscape.report.complete


def test_the_exact_front_of_a_complete_table_is_known(toy, toy_landscape):
    points = [tuple(means) for means in toy.means]
    assert toy_landscape.exact_front == {
        p for p in points if not any(q[0] >= p[0] and q[1] <= p[1] and q != p for q in points)
    }


def test_an_incomplete_table_is_modelled_and_its_costs_are_exact(falsr, falsr_landscape):
    foretold = np.array([falsr_landscape.truth(row.genotype) for row in falsr.rows])
    assert kendall_tau(foretold[:, 0], falsr.means[:, 0]) > 0.5
    assert foretold[:, 1].tolist() == falsr.means[:, 1].tolist()
    assert falsr_landscape.exact_front == frozenset()
    quality = falsr_landscape.report.quality["psnr"]
    assert set(quality) == set(FAMILIES)
    assert falsr_landscape.report.family["psnr"] == min(quality, key=lambda name: quality[name].rmse)


def test_costs_of_many_are_those_of_each_one(falsr, falsr_landscape):
    vectors = np.array([encode(falsr.space, row.genotype) for row in falsr.rows])
    known = falsr_landscape.known(vectors)
    assert known["mult_adds"].tolist() == falsr.means[:, 1].tolist()
    assert set(known) == {"params", "mult_adds"}


def test_plain_tables_know_costs_only_by_name(toy_document):
    toy_document["objectives"][1]["name"] = "params"
    landscape = build_landscape(table_of(toy_document, name="t"))
    assert landscape.known(np.array([[0, 2, 0, 1], [0, 0, 0, 0]])) == {"params": pytest.approx([8.0, 1.0])}


def test_noise_is_measured_on_rows_of_several_seeds(falsr_landscape):
    assert falsr_landscape.noise[0] == pytest.approx(0.07, rel=0.5)
    assert falsr_landscape.noise[1] == 0.0
    assert falsr_landscape.report.noise_rows == 10


def test_a_seed_sees_a_genotype_always_alike_and_another_seed_otherwise(falsr, falsr_landscape):
    genotype = falsr.rows[0].genotype
    seen = falsr_landscape.observe(genotype, seed=1)
    assert seen == falsr_landscape.observe(genotype, seed=1)
    assert seen[0] != falsr_landscape.observe(genotype, seed=2)[0]
    assert seen[1] == falsr_landscape.truth(genotype)[1]
    draws = [
        falsr_landscape.observe(row.genotype, seed=1)[0] - falsr_landscape.truth(row.genotype)[0] for row in falsr.rows
    ]
    assert np.std(draws) == pytest.approx(falsr_landscape.noise[0], rel=0.4)


def test_other_processes_get_the_same_landscape(falsr, falsr_landscape):
    copied = pickle.loads(pickle.dumps(falsr_landscape))
    again = build_landscape(falsr, repeats=1)
    for row in falsr.rows[:5]:
        assert copied.truth(row.genotype) == falsr_landscape.truth(row.genotype) == again.truth(row.genotype)


def test_a_rough_landscape_has_as_much_more_spread_as_models_leave_unexplained(falsr):
    rough = build_landscape(falsr, family="smooth", rough=True, repeats=1, noise=0.0)
    smooth = build_landscape(falsr, family="smooth", repeats=1, noise=0.0)
    added = [rough.truth(row.genotype)[0] - smooth.truth(row.genotype)[0] for row in falsr.rows]
    assert np.std(added) == pytest.approx(smooth.report.quality["psnr"]["smooth"].rmse, rel=0.4)


def test_families_and_rows_are_checked(falsr, falsr_document):
    few = table_of(falsr_document | {"rows": falsr_document["rows"][:5]}, name="t")
    with pytest.raises(InvalidInput) as caught:
        build_landscape(few, family="gaussian")
    assert [problem.field for problem in caught.value.problems] == ["landscape", "rows"]


def test_trees_side_by_side_foretell_what_scikit_learn_does(rng):
    x, y = rng.standard_normal((80, 6)), rng.standard_normal(80)
    forest = ExtraTreesRegressor(20, random_state=0).fit(x, y)
    ours = Forest.of([tree.tree_ for tree in forest.estimators_], 1 / 20, 0.0)
    assert predict(ours, x + 0.1) == pytest.approx(forest.predict(x + 0.1))


def test_pairs_find_products_of_features_and_know_their_own_error(rng):
    x = rng.standard_normal((120, 5))
    y = x[:, 0] * x[:, 1] + x[:, 2]
    model = Pairs.fit(x[:-20], y[:-20])
    assert np.corrcoef(predict(model, x[-20:]), y[-20:])[0, 1] > 0.9
    without = Pairs.fit(x[1:-20], y[1:-20])
    assert np.abs(model.left_out[0] - without(x[0])) < 0.2


def test_networks_have_a_shape_besides_their_genes(falsr):
    features = Features(falsr.space)
    x = np.array([features(row.genotype) for row in falsr.rows])
    assert x.shape[1] > features.genes
    assert np.isfinite(x).all()
    assert set(np.unique(x[:, : features.genes])) == {0.0, 1.0}


def test_shorter_trainings_rank_as_they_do_in_the_table(falsr, falsr_landscape):
    rungs = falsr_landscape.rungs
    assert rungs.steps == rung_steps(falsr) == (60, 120, 240)
    full = [falsr_landscape.observe(row.genotype, seed=0)[0] for row in falsr.rows]
    short = [falsr_landscape.observe(row.genotype, seed=0, rung=-3)[0] for row in falsr.rows]
    assert kendall_tau(short, full) == pytest.approx(rungs.taus[60][0], abs=0.1)
    assert np.mean(np.subtract(full, short)) == pytest.approx(0.6, abs=0.05)


def test_resuming_saves_the_stable_phase_of_the_rung_below():
    rungs = Rungs(steps=(60, 120, 240), decay=0.2)
    assert rungs.cost(FULL) == 1.0
    assert rungs.cost(-3) == 0.25
    assert rungs.cost(FULL, after=-2) == pytest.approx((240 - 96) / 240)
    assert rungs.factor == 2


def test_a_table_without_curves_has_one_rung(toy, toy_landscape):
    assert rung_steps(toy) == (1,)
    assert toy_landscape.rungs.cost(FULL) == 1.0
