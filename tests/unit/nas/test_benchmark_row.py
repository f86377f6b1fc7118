"""The row that a paper prints: what was measured stands apart from what was reported, and nothing is lost."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.export.benchmark_document import BenchmarkDocument, BenchmarkSet, Latency, SetScore, of_its_size
from nas.export.benchmark_row import as_csv, as_markdown, from_json, to_json
from search_space.errors import InvalidInput
from search_space.published import PUBLISHED

FIGURES = st.none() | st.floats(0, 100, allow_nan=False)
FALSR_B = PUBLISHED["falsr-b"]


def score(network="model", protocol="falsr", psnr_db=37.61, ssim=0.9585, images="Set5", **fields):
    return SetScore(
        **{"fsds_db": 34.4, "fsds_si_db": 30.8} | fields,
        network=network,
        protocol=protocol,
        set=images,
        psnr_db=psnr_db,
        ssim=ssim,
    )


def latency(**fields):
    return Latency(
        **{
            "place": "cpu",
            "device": "EPYC (1 thread)",
            "runtime": "onnxruntime 1.31",
            "timed": "luma network",
            "output": "1280x720",
            "warm_up": 2,
            "repeats": 5,
            "median_ms": 1234.56,
            "lower_ms": 1200.0,
            "upper_ms": 1300.0,
        }
        | fields
    )


def document(**fields):
    defaults = {
        "name": "mine",
        "genotype": str(FALSR_B.genotype),
        "scale": 2,
        "channels": 1,
        "params": 324_745,
        "mult_adds": 74_502_144_000,
        "sets": (BenchmarkSet(name="Set5", images=5, digest="d", lr="as given"),),
        "scores": (
            score(),
            score("bicubic", psnr_db=33.61, ssim=0.929, fsds_db=32.7, fsds_si_db=25.4),
            score(protocol="y-float", psnr_db=37.68),
            score("bicubic", "y-float", psnr_db=33.67),
        ),
        "latencies": (latency(),),
        "published": of_its_size(324_745, 74_502_144_000, 2),
        "device": "cpu (1 thread, x86_64)",
        "versions": {"torch": "2.13"},
        "notes": ("Set5: something was done",),
    }
    return BenchmarkDocument(**defaults | fields)


def lines_of(markdown, heading):
    """The cells of the lines of the table under a heading."""
    (part,) = (part for part in markdown.split("### ") if part.startswith(heading))
    rows = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in (rows[0], *rows[2:])]


@given(st.lists(st.tuples(FIGURES, FIGURES, FIGURES), min_size=1, max_size=4))
def test_a_document_comes_back_from_json_as_it_was(figures):
    scores = tuple(
        score(images=f"S{i}", psnr_db=psnr_db, ssim=ssim, fsds_db=fsds_db, capped={"psnr_db": i})
        for i, (psnr_db, ssim, fsds_db) in enumerate(figures)
    )
    whole = document(scores=scores)
    assert from_json(to_json(whole)) == whole


def test_a_document_that_is_none_names_what_is_wrong():
    broken = to_json(document()) | {"scale": "two", "colour": 1}
    with pytest.raises(InvalidInput) as caught:
        from_json(broken)
    assert {problem.field for problem in caught.value.problems} == {"benchmark.scale", "benchmark.colour"}


def test_reported_figures_stand_under_the_protocol_of_their_authors_alone():
    text = as_markdown(document())
    falsr = [row[0] for row in lines_of(text, "x2, luma, protocol `falsr`")]
    assert falsr == ["network", "bicubic", "FALSR-B", "FALSR-C", "mine"]
    assert [row[0] for row in lines_of(text, "x2, luma, protocol `y-float`")] == ["network", "bicubic", "mine"]
    assert f"[1] {FALSR_B.source}" in text


def test_the_best_of_a_column_is_bold_and_so_is_what_prints_the_same():
    rows = {row[0]: row for row in lines_of(as_markdown(document()), "x2, luma, protocol `falsr`")}
    assert rows["FALSR-C"][-1] == "**37.66** / **0.9586**"
    assert rows["mine"][1:] == ["measured", "324,745", "74.5 G", "37.61 / 0.9585"]
    assert rows["FALSR-B"][1] == "reported [1]"
    level = document(scores=(score(psnr_db=37.6649, ssim=None), score("bicubic", psnr_db=None, ssim=0.9)))
    rows = {row[0]: row for row in lines_of(as_markdown(level), "x2, luma, protocol `falsr`")}
    assert (rows["mine"][-1], rows["FALSR-C"][-1]) == ("**37.66** / –", "**37.66** / **0.9586**")
    assert rows["bicubic"][-1] == "– / 0.9000"


def test_spectra_and_latency_stand_once_whatever_the_protocols():
    text = as_markdown(document())
    assert lines_of(text, "x2, luma: FSDS") == [
        ["network", "Set5"],
        ["bicubic", "32.70 / 25.40"],
        ["mine", "**34.40** / **30.80**"],
    ]
    assert lines_of(text, "Latency")[1][:4] == ["mine", "1234.6", "1200.0–1300.0", "5 after 2"]
    assert "Latency" not in as_markdown(document(latencies=()))


def test_notes_versions_and_devices_stand_below():
    text = as_markdown(document())
    assert "* Set5: something was done\n" in text
    assert text.endswith("* mine: scored on cpu (1 thread, x86_64), with torch 2.13\n")


def test_several_models_share_the_tables_of_their_task():
    text = as_markdown(document(), document(name="other"), document(name="larger", scale=4, published=()))
    assert [row[0] for row in lines_of(text, "x2, luma, protocol `falsr`")][-2:] == ["mine", "other"]
    assert [row[0] for row in lines_of(text, "x4, luma, protocol `falsr`")][-2:] == ["bicubic", "larger"]


def test_a_model_that_was_scored_on_no_set_stands_with_its_costs_alone():
    bare = document(sets=(), scores=())
    text = as_markdown(bare, document(name="larger", scale=4, sets=(), scores=(), params=None, mult_adds=None))
    assert lines_of(text, "x2, luma: scored on no benchmark set")[1] == ["mine", "324,745", "74.5 G"]
    assert lines_of(text, "x4, luma: scored on no benchmark set")[1] == ["larger", "–", "–"]
    assert lines_of(text, "Latency")[1][0] == "mine"
    (row,) = csv.DictReader(io.StringIO(as_csv(bare)))
    assert (row["network"], row["params"], row["set"], row["latency_ms_cpu"]) == ("mine", "324745", "", "1234.56")
    assert from_json(to_json(bare)) == bare


def test_csv_holds_every_figure_in_full():
    rows = list(csv.DictReader(io.StringIO(as_csv(document(latencies=(latency(), latency(place="cuda")))))))
    mine = next(row for row in rows if row["network"] == "mine" and row["protocol"] == "falsr")
    assert (mine["figures"], mine["set"], mine["params"]) == ("measured", "Set5", "324745")
    assert [float(mine[column]) for column in ("psnr_db", "ssim", "fsds_db", "fsds_si_db")] == [
        37.61,
        0.9585,
        34.4,
        30.8,
    ]
    assert float(mine["latency_ms_cpu"]) == float(mine["latency_ms_cuda"]) == 1234.56
    reported = next(row for row in rows if row["network"] == "FALSR-B")
    assert (reported["figures"], reported["source"], reported["fsds_db"]) == ("reported", FALSR_B.source, "")


def test_networks_of_the_same_size_are_set_beside_it():
    assert [one.title for one in of_its_size(324_745, 74_502_144_000, 2)] == ["FALSR-B", "FALSR-C"]
    assert [one.title for one in of_its_size(10_000, 2_000_000_000, 2)] == ["FALSR-B"]
    assert [one.title for one in of_its_size(10**8, 10**13, 2)] == ["FALSR-A"]
    assert len(of_its_size(None, None, 2)) == len(PUBLISHED)
    assert of_its_size(324_745, 74_502_144_000, 4) == ()
