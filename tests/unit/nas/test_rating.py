"""A model on benchmark sets: measured beside bicubic, timed, and in agreement with a published table."""

import csv
import io
import json
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from evaluator.data.degrade import imresize
from evaluator.latency.measure import draw_weights
from evaluator.latency.onnx_graph import to_onnx
from evaluator.latency.plan import plan_network
from evaluator.latency.timing import Repeats
from evaluator.latency.torch_runtime import TorchRuntime
from evaluator.latency_target import LatencyTarget
from evaluator.metadata import Metadata
from evaluator.metrics.protocol import get_protocol
from evaluator.recipe import Recipe
from evaluator.score import METRICS
from nas import scoring
from nas.cli import app
from nas.contenders import Contender
from nas.export.benchmark_row import from_json, to_json
from nas.models import Upscaler, open_model
from nas.rating.rate import benchmark_sets, rate_model
from nas.rating.timing import latencies, target_of
from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.network import build
from search_space.published import PUBLISHED

RUNNER = CliRunner()
GENOTYPE = Genotype.parse("f32|conv-k3-f16-n1:0|tail:0,1")
ONCE = Repeats(warm_up=0, at_least=2, at_most=2)
TABLE_DB, TABLE_SSIM = 0.005, 0.0005


def photograph(side=40, seed=0):
    smooth = imresize(np.random.default_rng(seed).random((10, 10)), side / 10)
    return np.uint8(255 * np.stack([smooth.clip(0, 1)] * 3, axis=-1))


@pytest.fixture
def images(tmp_path):
    """A root of two benchmark sets."""
    for name, seeds in (("Two", (0, 1)), ("One", (2,))):
        (tmp_path / "sets" / name).mkdir(parents=True)
        for seed in seeds:
            Image.fromarray(photograph(seed=seed)).save(tmp_path / "sets" / name / f"{seed}.png")
    (tmp_path / "sets" / "Empty").mkdir()
    (tmp_path / "sets" / "readme.txt").write_text("no set")
    return tmp_path / "sets"


def bicubic(images):
    return np.stack([[imresize(plane.astype(np.float64), 2) for plane in image] for image in images])


def upscaler(network=bicubic, *, channels=1):
    return Upscaler.ours(Metadata(genotype=GENOTYPE, recipe=Recipe(), scale=2, channels=channels), network)


@pytest.fixture
def released(tmp_path):
    path = tmp_path / "own.npz"
    np.savez(path, **{name: tensor.numpy() for name, tensor in build(GENOTYPE, scale=2).state_dict().items()})
    return path


def run(*arguments):
    return RUNNER.invoke(app, ["benchmark", *map(str, arguments)])


def test_sets_are_the_folders_of_images_below_the_root(images):
    assert benchmark_sets(images) == [images / "One", images / "Two"]
    assert benchmark_sets(images / "nowhere") == []


def test_a_model_and_bicubic_are_measured_on_every_set_under_every_protocol(images):
    found = rate_model(upscaler(), benchmark_sets(images), name="mine", latency=False)
    assert [(one.network, one.set, one.protocol) for one in found.scores] == [
        (network, name, protocol)
        for protocol in ("y-float", "falsr")
        for name in ("One", "Two")
        for network in ("model", "bicubic")
    ]
    assert [(one.name, one.images) for one in found.sets] == [("One", 1), ("Two", 2)]
    assert (found.params, found.scale, found.channels) == (18_873, 2, 1)
    assert found.published
    assert found.latencies == ()
    assert from_json(to_json(found)) == found
    json.dumps(to_json(found), allow_nan=False)


def test_one_run_under_two_protocols_gives_what_two_runs_give(images):
    runs = []

    def counted(seen):
        runs.append(seen.shape)
        return bicubic(seen)

    found = rate_model(upscaler(counted), [images / "Two"], name="mine", latency=False)
    assert len(runs) == 2
    for protocol in ("y-float", "falsr"):
        contenders = [Contender(name="mine", upscaler=upscaler()), Contender(name="bicubic", upscaler=None)]
        apart = scoring.score(contenders, [images / "Two"], get_protocol(protocol), scale=2, metrics=METRICS)
        own = [one for one in found.scores if one.protocol == protocol]
        assert [one.model_dump(include=set(METRICS)) for one in own] == [dict(row.means) for row in apart.rows]


def test_networks_of_another_make_have_no_costs_and_rgb_ones_are_measured_too(images):
    foreign = Upscaler(network=bicubic, scale=2, channels=3)
    found = rate_model(foreign, [images / "One"], name="theirs")
    assert (found.genotype, found.params, found.mult_adds, found.latencies) == (None, None, None, ())
    assert len(found.published) == len(PUBLISHED)


def test_a_scale_that_is_not_the_models_is_refused(images):
    with pytest.raises(InvalidInput):
        rate_model(upscaler(), [images / "One"], name="mine", scale=3)


def test_protocols_of_different_borders_are_not_scored_together(images):
    protocols = [get_protocol("y-float"), replace(get_protocol("falsr"), border="replicate")]
    with pytest.raises(ValueError, match="border"):
        scoring.score_under([], [images / "One"], protocols, scale=2, metrics=METRICS)


def test_a_latency_says_what_was_timed_where_and_how_often(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("nas.rating.timing.OUTPUT_WIDTH", 32)
    monkeypatch.setattr("nas.rating.timing.OUTPUT_HEIGHT", 24)
    (found,) = latencies(upscaler(), repeats=ONCE, clock=map(float, count()).__next__)
    assert (found.place, found.timed, found.output) == ("cpu", "luma network", "32x24")
    assert (found.warm_up, found.repeats) == (0, 2)
    assert (found.lower_ms, found.median_ms, found.upper_ms) == (1000.0, 1000.0, 1000.0)
    assert found.runtime.startswith("onnxruntime ")


def test_on_a_gpu_torch_is_timed_too(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    on_cpu = TorchRuntime(torch.device("cpu"), ONCE, clock=map(float, count()).__next__)
    monkeypatch.setattr("nas.rating.timing.TorchRuntime", lambda device, repeats, clock: on_cpu)
    monkeypatch.setattr("nas.rating.timing.target_of", lambda scale: LatencyTarget(lr_width=16, lr_height=12))
    found = latencies(upscaler(channels=3), repeats=ONCE, clock=map(float, count()).__next__)
    assert [(one.place, one.timed, one.output) for one in found] == [
        ("cpu", "RGB network", "32x24"),
        ("cuda", "RGB network", "32x24"),
    ]
    assert found[1].runtime.startswith("torch ")


def test_an_onnx_file_is_timed_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("nas.rating.timing.target_of", lambda scale: LatencyTarget(lr_width=16, lr_height=12))
    made = upscaler().metadata
    plan = plan_network(made.genotype, made.recipe, scale=2, channels=1)
    path = tmp_path / "mine.onnx"
    path.write_bytes(to_onnx(plan, draw_weights(plan, np.random.default_rng(0))))
    (found,) = latencies(Upscaler(network=bicubic, scale=2, channels=1), path, repeats=ONCE)
    assert found.timed == "mine.onnx"


@pytest.mark.parametrize(("scale", "size"), [(2, "640x360"), (3, "427x240"), (4, "320x180")])
def test_pictures_of_one_size_come_out_at_every_scale(scale, size):
    assert str(target_of(scale)) == size


def test_the_verb_prints_rows_and_writes_what_the_files_name_says(images, released, tmp_path):
    common = released, "--genotype", GENOTYPE, "--data", images / "One", "--no-latency"
    printed = run(*common, "--protocol", "y-float")
    assert printed.exit_code == 0, printed.stderr
    assert "| own.npz | measured | 18,873 |" in printed.stdout
    for name, read in (("a.json", json.loads), ("a.csv", lambda text: list(csv.DictReader(io.StringIO(text))))):
        written = run(*common, "--output", tmp_path / "out" / name)
        assert (written.exit_code, written.stdout) == (0, "")
        assert read((tmp_path / "out" / name).read_text(encoding="utf-8"))
    (document,) = json.loads((tmp_path / "out" / "a.json").read_text(encoding="utf-8"))["benchmarks"]
    assert from_json(document).name == "own.npz"


def test_without_data_every_registered_set_is_taken(images, released, monkeypatch):
    monkeypatch.setenv("SRNAS_BENCHMARKS_ROOT", str(images))
    found = json.loads(run(released, "--genotype", GENOTYPE, "--no-latency", "--protocol", "y-float", "--json").stdout)
    assert [one["name"] for one in found["benchmarks"][0]["sets"]] == ["One", "Two"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--json", "--csv"), "one at most"),
        (("--output", "rows.xls"), ".md, .json, .csv"),
        (("--protocol", "y-float,psnr"), "y-rounded"),
        ((), "one for each .npz"),
        (("--genotype", str(GENOTYPE)), "SRNAS_BENCHMARKS_ROOT"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_measured(arguments, complaint, released, tmp_path, monkeypatch):
    monkeypatch.setenv("SRNAS_BENCHMARKS_ROOT", str(tmp_path / "nowhere"))
    result = run(released, *arguments)
    assert result.exit_code == 2, result.output
    assert complaint in " ".join(result.stderr.split())


@pytest.mark.slow
@pytest.mark.parametrize("face", ["luma", "rgb"])
def test_falsr_b_scores_as_its_table_says_bare_and_behind_its_rgb_face(face, reference_dir, images_dir):
    network = open_model(reference_dir / "falsr" / "falsr_b.npz", PUBLISHED["falsr-b"].genotype)
    if face == "rgb":  # as an exported RGB file is fed: RGB in, RGB out
        network = replace(network, network=network.rgb, channels=3)
    (table,) = scoring.score_under(
        [Contender(name="falsr-b", upscaler=network)],
        [images_dir / "benchmarks" / name for name in ("Set5", "Set14")],
        [get_protocol("falsr")],
        scale=2,
        metrics=("psnr_db", "ssim"),
    )
    for row in table.rows:
        reported = next(one for one in PUBLISHED["falsr-b"].scores if one.dataset == row.images.name)
        assert row.means["psnr_db"] == pytest.approx(reported.psnr_db, abs=TABLE_DB)
        assert row.means["ssim"] == pytest.approx(reported.ssim, abs=TABLE_SSIM)
