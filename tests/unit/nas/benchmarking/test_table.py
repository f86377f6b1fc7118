import copy
import json

import pytest

from nas.benchmarking.plain import Plain, TableSpace
from nas.benchmarking.table import InvalidTable, read_table, table_of, tabulate
from nas.objectives import Objective
from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.spaces import get_space


def test_plain_rows_are_of_a_space_of_their_own(toy):
    assert isinstance(toy.space, TableSpace)
    assert toy.space.distinct_size == toy.space.size == len(toy.rows) == 54
    assert toy.complete
    assert {row.genotype for row in toy.rows} == set(toy.space.enumerate())


def test_a_plain_space_does_what_engines_ask_of_a_space(toy, rng):
    space = toy.space
    genotype = space.sample(rng)
    assert space.contains(genotype)
    assert space.assemble(space.values(genotype)) == genotype
    assert len({one.digest for one in space.enumerate()}) == 54
    stranger = Plain(("plain", 3, False, 1))
    assert [problem.field for problem in space.explain(stranger)] == ["width"]
    with pytest.raises(InvalidInput, match="width"):
        space.values(stranger)
    assert not space.contains(Plain((1,)))


def test_the_genes_of_a_registered_space_make_networks_of_it(falsr, falsr_document):
    assert falsr.space is get_space("falsr")
    assert [str(row.genotype) for row in falsr.rows] == [row["genotype"] for row in falsr_document["rows"]]


def test_rows_may_hold_choices_or_their_indexes_and_genes_may_come_in_any_order(falsr_document):
    space = get_space("falsr")
    document = copy.deepcopy(falsr_document)
    names = list(reversed(document["space"]))
    document["space"] = {name: document["space"][name] for name in names}
    for row in document["rows"]:
        row["genes"] = list(reversed(space.values(Genotype.parse(row["genotype"]))))
    assert [row.genotype for row in table_of(document, name="t").rows] == [
        row.genotype for row in table_of(falsr_document, name="t").rows
    ]


def test_scores_are_means_over_seeds_and_costs_are_exact(falsr, falsr_document):
    first = falsr_document["rows"][0]["scores"]
    assert falsr.means[0, 0] == pytest.approx(sum(first[0]) / 3)
    assert falsr.means[0, 1] == first[2]


def test_what_a_recipe_adds_to_every_cost_is_kept(falsr_document):
    document = copy.deepcopy(falsr_document)
    for row in document["rows"]:
        row["scores"][2] += 1_000
    assert table_of(document, name="t").overheads == {"mult_adds": 1_000.0}
    document["rows"][3]["scores"][2] += 1
    with pytest.raises(InvalidTable, match=r"rows\[3\]\.scores\[2\].*mult_adds of its network"):
        table_of(document, name="t")


def test_the_reference_is_what_the_document_says_else_the_worst(falsr, toy_document):
    assert falsr.reference == (30.0, max(falsr.means[:, 1]))
    del toy_document["reference"]
    assert table_of(toy_document, name="t").reference == (1.5, 12.0)


def test_keys_that_are_not_known_are_kept(falsr):
    assert falsr.extra["recipe"] == {"decay_fraction": 0.2}
    assert falsr.rows[0].extra["genotype"] == str(falsr.rows[0].genotype)


def test_objectives_are_chosen_by_name_and_curves_follow(falsr_document):
    table = table_of(falsr_document, name="t").only(["mult_adds", "fsds"])
    assert [objective.metric for objective in table.objectives] == ["mult_adds", "fsds"]
    assert [len(scores) for _, scores in table.rows[0].curve] == [1, 1, 1]
    assert table.rows[0].curve[-1][1][0] == falsr_document["rows"][0]["curve"][-1][2]
    with pytest.raises(InvalidInput, match="psnr, fsds, mult_adds"):
        table_of(falsr_document, name="t").only(["speed"])


def test_every_problem_of_a_document_is_named(toy_document):
    rows = toy_document["rows"]
    rows[0]["genes"] = ["plain", 1]
    rows[1]["genes"] = ["plane", True, False, 1]
    rows[2]["scores"] = [float("nan"), []]
    rows[3]["curve"] = [[10, 1.0, 2.0], [5, 1.0, 2.0], [20, 1.0]]
    rows[5]["genes"] = rows[4]["genes"]
    toy_document["reference"] = {"work": "much"}
    with pytest.raises(InvalidTable) as caught:
        table_of(toy_document, name="t")
    assert [problem.field for problem in caught.value.problems] == [
        "rows[0].genes",
        "rows[1].genes[0]",
        "rows[1].genes[1]",
        "rows[2].scores[0]",
        "rows[2].scores[1]",
        "rows[3].curve[1]",
        "rows[3].curve[2]",
        "rows[5].genes",
        "reference.work",
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"space": {}}, "space"),
        ({"space": {"kind": ["a", "a"]}}, "space.kind"),
        ({"space": {"kind": [1.5]}}, "space.kind"),
        ({"objectives": []}, "objectives"),
        ({"objectives": [{"name": "a", "sense": "up"}]}, r"objectives\[0\].sense"),
        ({"objectives": [{"name": "a", "sense": "max"}] * 2}, r"objectives\[1\].name"),
        ({"rows": []}, "rows"),
        ({"reference": 3}, "reference"),
    ],
)
def test_a_document_without_a_part_is_refused(toy_document, change, field):
    with pytest.raises(InvalidTable, match=field):
        table_of(toy_document | change, name="t")


def test_a_file_is_read_or_refused(tmp_path, toy_document):
    path = tmp_path / "toy.json"
    path.write_text(json.dumps(toy_document))
    assert read_table(path).name == "toy"
    path.write_text("[")
    with pytest.raises(InvalidTable, match="a JSON document"):
        read_table(path)
    path.write_text("[]")
    with pytest.raises(InvalidTable, match="a JSON object"):
        read_table(path)


def test_a_table_is_made_of_scored_genotypes():
    space = get_space("tiny")
    table = tabulate(space, [Objective.of("psnr")], ((genotype, (1.0,)) for genotype in space.enumerate()))
    assert table.complete
