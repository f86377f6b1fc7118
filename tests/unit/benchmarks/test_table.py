"""The table of evaluations holds what was measured, and only what belongs together."""

import json
from functools import partial

import pytest

from benchmarks import table
from benchmarks.measuring import RowFile
from benchmarks.table import OBJECTIVES, RECIPE, Training, fill, verify, write
from benchmarks.waves import FIRST, SPACE, WAVE
from evaluator.cost import costs
from search_space.encoding import decode
from search_space.genotype import Genotype


def fake(task: Training) -> dict:
    """A row as training gives it, with scores made up from the network and the seed."""
    luck = int(task.genotype.digest[:4], 16) / 65536
    scores = [
        {
            "steps": steps,
            "psnr_db": 29 + rung / 4 + luck + task.seed / 8,
            "ssim": 0.8,
            "fsds_db": 20 + luck,
            "fsds_si_db": 15.0,
        }
        for rung, steps in enumerate(RECIPE.rung_steps)
    ]
    return {"index": task.index, "seed": task.seed, "genotype": str(task.genotype), "data": "d", "scores": scores}


def computing(rows: RowFile, work=fake, log=None):
    def compute_all(tasks, title):
        for task in tasks:
            if log is not None:
                log.append(task.index)
            rows.append(work(task))

    return compute_all


@pytest.fixture
def rows(tmp_path):
    return RowFile(tmp_path / "rows.jsonl", ("index", "seed"))


def test_a_table_that_was_cut_off_goes_on_with_the_same_networks(rows, tmp_path):
    whole = fill(rows, FIRST + WAVE + 10, computing(rows))
    assert len(set(whole)) == len(whole) == FIRST + WAVE + 10
    cut = RowFile(tmp_path / "cut.jsonl", ("index", "seed"))
    for row in list(rows.rows.values())[: FIRST + 7]:
        cut.append(row)
    log: list[int] = []
    assert fill(cut, FIRST + WAVE + 10, computing(cut, log=log)) == whole
    assert log == list(range(FIRST + 7, FIRST + WAVE + 10))


def test_a_small_table_is_the_beginning_of_a_large_one(rows):
    assert fill(rows, 5, computing(rows)) == fill(rows, FIRST + 1, computing(rows))[:5]


def test_rows_of_other_networks_are_refused(rows):
    fill(rows, 3, computing(rows))
    rows.rows[1, 0]["genotype"] = rows.rows[2, 0]["genotype"]
    with pytest.raises(SystemExit, match="row 1 is of another network"):
        fill(rows, 3, computing(rows))


def test_verifying_stops_at_a_score_that_is_not_the_same(rows, capsys):
    fill(rows, 4, computing(rows))
    verify(rows, 2, fake)
    assert capsys.readouterr().out.count("the same scores again") == 2

    def other(task):
        row = fake(task)
        row["scores"][0]["psnr_db"] += 1e-12
        return row

    with pytest.raises(SystemExit, match="training again gives"):
        verify(rows, 2, other)


@pytest.fixture
def document(rows, monkeypatch):
    """A table of six networks: two with three seeds, one that failed."""
    networks = fill(rows, 6, computing(rows))
    for task in (Training(i, networks[i], seed) for i in range(2) for seed in (1, 2)):
        rows.append(fake(task))
    rows.rows[3, 0]["scores"][-1] = {"steps": 240, "failure": "diverged"}

    class Data:
        digest, validation = "d", ()

    monkeypatch.setattr(table, "images", lambda root, limit: Data)
    monkeypatch.setattr(table, "baseline", lambda *_: {"psnr_db": 29.67834, "fsds_db": 20.0})
    return table.table(rows, networks, None)


def test_a_row_says_its_network_three_times_alike(document):
    for row in document["rows"]:
        genotype = Genotype.parse(row["genotype"])
        assert decode(SPACE, row["genes"]) == genotype
        assert row["scores"][-1] == costs(genotype, RECIPE, scale=2, channels=1).mult_adds
        assert [steps for steps, *_ in row["curve"]] == [30, 60, 120, 240]
    assert [len(choices) for choices in document["space"].values()] == [len(gene.choices) for gene in SPACE.genes]


def test_a_row_has_a_score_for_each_objective_and_a_list_where_seeds_were_repeated(document):
    for place, row in enumerate(document["rows"]):
        psnr, fsds, mult_adds = row["scores"]
        assert len(OBJECTIVES) == len(row["scores"])
        assert isinstance(mult_adds, int)
        if place < 2:
            assert len(psnr) == len(fsds) == 3
            assert psnr[1] - psnr[0] == pytest.approx(1 / 8)
        else:
            assert [psnr, fsds] == row["curve"][-1][1:]


def test_networks_that_failed_have_no_row(document):
    assert len(document["rows"]) == 5


def test_the_written_table_has_a_line_for_each_row(document, tmp_path):
    path = tmp_path / "deep" / "table.json"
    write(document, path)
    text = path.read_text()
    assert json.loads(text) == document
    assert sum(line.startswith('{"genes"') for line in text.splitlines()) == 5
    assert document["reference"]["psnr"] == 29.6783


@pytest.mark.slow
def test_training_again_gives_the_same_row(images_dir):
    smallest = Genotype.parse("f32|" + "|".join(f"conv-k1-f16-n1:{i}" for i in range(7)) + "|tail:7")
    train = partial(table.train, images_dir)
    first, second = (train(Training(0, smallest)) for _ in range(2))
    assert first["scores"] == second["scores"]
    assert all("psnr_db" in score for score in first["scores"])
