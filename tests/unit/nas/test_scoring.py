"""`srnas score`: networks by sets, with everything that a figure needs to be believed."""

import csv
import io
import json
import math

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from evaluator import checkpoints
from evaluator.data.degrade import imresize
from evaluator.metadata import Metadata
from evaluator.metrics.protocol import GRAY, get_protocol
from evaluator.model import build_model
from evaluator.recipe import RECIPES, Recipe
from nas import contenders, scoring
from nas.cli import app
from nas.contenders import Contender, common_scale, read_contenders
from nas.export import score_table
from nas.export.model import export_model
from nas.models import Upscaler
from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.network import build
from search_space.published import PUBLISHED, published_genotype

RUNNER = CliRunner()
GENOTYPE = Genotype.parse("f32|conv-k3-f16-n1:0|tail:0,1")
ALL = ("psnr_db", "ssim", "fsds_db", "fsds_si_db")


def noise(width=32, height=24, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "Set5"
    root.mkdir()
    Image.fromarray(noise()).save(root / "a.png")
    Image.fromarray(noise(seed=1)).save(root / "b.png")
    return root


def run(*arguments):
    return RUNNER.invoke(app, ["score", *map(str, arguments)])


def refusal(*arguments):
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert not result.stdout
    assert "Traceback" not in result.stderr
    return result.stderr


def upscaler(network=None, *, channels=1, genotype=GENOTYPE):
    """A network that is MATLAB's bicubic, if no other is given."""

    def bicubic(images):
        return np.stack([[imresize(plane.astype(np.float64), 2) for plane in image] for image in images])

    metadata = Metadata(genotype=genotype, recipe=Recipe(), scale=2, channels=channels)
    return Upscaler.ours(metadata, network or bicubic)


def measured(*networks, data, protocol="y-float", metrics=ALL, **options):
    entered = [Contender(name=f"n{index}", upscaler=network) for index, network in enumerate(networks)]
    return scoring.score(entered, data, get_protocol(protocol), scale=2, metrics=metrics, **options)


def exported(path, *, channels=1):
    recipe = Recipe()
    model = build_model(GENOTYPE, recipe, scale=2, channels=channels, generator=torch.Generator().manual_seed(1))
    metadata = Metadata(genotype=GENOTYPE, recipe=recipe, scale=2, channels=channels)
    weights = checkpoints.to_bytes(model.network.state_dict(), metadata)
    export_model(
        genotype=GENOTYPE,
        recipe=recipe,
        scale=2,
        channels=channels,
        weights=weights,
        file_format=path.suffix[1:],
        path=path,
    )
    return path


def released(path, genotype=GENOTYPE):
    np.savez(path, **{name: tensor.numpy() for name, tensor in build(genotype, scale=2).state_dict().items()})
    return path


def test_a_network_and_bicubic_on_two_sets_make_four_rows(folder, tmp_path):
    other = tmp_path / "more"
    other.mkdir()
    Image.fromarray(noise(seed=2)).save(other / "c.png")
    result = run(
        "bicubic", GENOTYPE, "--weights", released(tmp_path / "w.npz"), "--data", folder, "--data", other, "--json"
    )
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert [(row["model"], row["set"], row["images"]) for row in document["rows"]] == [
        ("bicubic", "Set5", 2),
        ("w.npz", "Set5", 2),
        ("bicubic", "more", 1),
        ("w.npz", "more", 1),
    ]
    assert document["protocol"]["id"] == "y-float"
    for row in document["rows"]:
        assert (row["protocol"], row["gray"], row["lr"]) == ("y-float", GRAY, "made, symmetric border")
        assert len(row["per_image"]) == row["images"]
        mean = np.mean([entry["psnr_db"] for entry in row["per_image"]])
        assert row["means"]["psnr_db"] == pytest.approx(mean)


def test_every_kind_of_file_of_one_network_scores_alike(folder, tmp_path):
    files = [exported(tmp_path / f"n.{suffix}") for suffix in ("onnx", "safetensors")]
    table = json.loads(run(*files, "--data", folder, "--json").stdout)
    onnx, safetensors = (row["means"] for row in table["rows"])
    assert onnx == pytest.approx(safetensors, abs=1e-3)
    named = json.loads(run(GENOTYPE, "--weights", files[1], "--data", folder, "--json").stdout)
    assert named["rows"][0]["means"] == safetensors


def test_colour_networks_are_scored_in_colour(folder):
    table = measured(upscaler(channels=3), None, data=[folder], protocol="rgb")
    assert [row.channels for row in table.rows] == [3, 3]
    network, bicubic = (row.means["psnr_db"] for row in table.rows)
    assert network == pytest.approx(bicubic, abs=0.1)


def test_means_do_not_hide_what_was_infinite(tmp_path):
    root = tmp_path / "flat"
    root.mkdir()
    Image.fromarray(np.full((32, 32, 3), 77, np.uint8)).save(root / "a.png")
    table = measured(None, data=[root])
    (row,) = table.rows
    assert row.per_image["a"]["psnr_db"] == math.inf
    assert (row.means["psnr_db"], row.capped["psnr_db"]) == (100.0, 1)
    assert row.means["fsds_db"] is None
    assert any("infinite psnr_db" in note for note in score_table.notes(table))
    document = score_table.to_json(table)["rows"][0]
    assert document["per_image"][0]["psnr_db"] is None
    json.dumps(document, allow_nan=False)


def test_nothing_is_done_to_images_in_silence(tmp_path):
    root = tmp_path / "odd"
    root.mkdir()
    Image.fromarray(noise(33, 25)).save(root / "cut.png")
    Image.fromarray(noise()[..., 0]).save(root / "gray.png")
    Image.fromarray(noise()).quantize(8).save(root / "palette.png")
    Image.fromarray(noise(channels=4)).save(root / "alpha.png")
    Image.fromarray(noise()[..., 0].astype(np.uint16) * 257).save(root / "deep.png")
    images = measured(None, data=[root], metrics=("psnr_db",)).rows[0].images
    assert images.gray == ("deep", "gray")
    assert images.cut == {"cut": "33x25 to 32x24"}
    assert images.converted == {
        "alpha": "transparency composited on black",
        "deep": "16-bit gray divided by 257",
        "palette": "palette to RGB",
    }
    text = run("bicubic", "--scale", 2, "--data", root).stdout
    for word in (GRAY, "33x25 to 32x24", "palette to RGB: palette", "on black: alpha", "divided by 257: deep"):
        assert word in text


def test_gray_images_score_as_their_luma(tmp_path):
    for name, pixels in (("gray", noise()[..., :1].repeat(3, axis=2)), ("plain", noise()[..., 0])):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "a.png")
    for protocol in ("y-float", "falsr", "y-rounded", "rgb"):
        rows = measured(None, upscaler(), data=[tmp_path / "gray", tmp_path / "plain"], protocol=protocol).rows
        assert rows[0].means == rows[2].means
        assert rows[1].means == rows[3].means


def test_published_figures_stand_beside_those_of_the_same_set_and_scale(folder, tmp_path):
    other = tmp_path / "photos"
    other.mkdir()
    Image.fromarray(noise()).save(other / "a.png")
    network = upscaler(genotype=published_genotype("falsr-b"))
    table = measured(network, None, data=[folder, other], protocol="falsr", compare=True)
    reported = PUBLISHED["falsr-b"].scores[0]
    assert [row.reported for row in table.rows] == [reported, None, None, None]
    row = table.rows[0]
    assert row.difference("psnr_db", table.protocol) == row.means["psnr_db"] - 37.61
    assert row.difference("psnr_db", get_protocol("y-float")) is None
    document = score_table.to_json(table)["rows"]
    assert document[0]["reported"] == {"psnr_db": 37.61, "ssim": 0.9585, "protocol": "falsr"}
    assert document[1]["reported"] is None
    assert "37.61 (falsr)" in score_table.to_markdown(table)


def test_figures_reported_under_another_protocol_are_shown_but_not_subtracted(folder):
    network = upscaler(genotype=published_genotype("falsr-b"))
    table = measured(network, data=[folder], metrics=("psnr_db",), compare=True)
    assert score_table.grid(table)[1][-2:] == ["37.61 (falsr)", "–"]
    assert any("does not compare" in note for note in score_table.notes(table))


def test_csv_has_a_line_for_each_image_and_each_mean(folder):
    result = run("bicubic", "--scale", 2, "--data", folder, "--csv", "--metrics", "psnr,fsds_si", "--compare")
    lines = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [line["image"] for line in lines] == ["a", "b", "mean"]
    assert {line["protocol"] for line in lines} == {"y-float"}
    assert float(lines[2]["fsds_si_db"]) == pytest.approx(np.mean([float(line["fsds_si_db"]) for line in lines[:2]]))


def test_text_and_markdown_show_images_on_request(folder):
    for form in ([], ["--markdown"]):
        short = run("bicubic", "--scale", 2, "--data", folder, *form).stdout
        long = run("bicubic", "--scale", 2, "--data", folder, *form, "--per-image").stdout
        assert len(long.splitlines()) == len(short.splitlines()) + 2
        assert "mean" in long


def test_swapped_fsds_is_another_figure_and_says_so(folder):
    plain, swapped = (measured(None, data=[folder], denominator=which) for which in ("target", "prediction"))
    assert plain.rows[0].means["fsds_db"] != swapped.rows[0].means["fsds_db"]
    assert "swapped" in score_table.notes(swapped)[-1]
    assert "swapped" in run("bicubic", "--scale", 2, "--data", folder, "--swap-fsds").stdout


def test_every_image_is_a_step(folder):
    steps = []
    measured(None, upscaler(), data=[folder], step=lambda text, total: steps.append((text, total)))
    assert steps == [("n0 on Set5", 4)] * 2 + [("n1 on Set5", 4)] * 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--metrics", "psnr,lpips,vif", "--scale", "2"], ["lpips", "vif", "fsds_si"]),
        (["--protocol", "y", "--scale", "2"], ["--protocol", "y-float"]),
        (["--scale", "7"], ["2, 3 or 4"]),
        ([], ["--scale"]),
        (["--scale", "2", "--json", "--csv"], ["one at most"]),
        (["--scale", "2", "--weights", "w.npz"], ["--weights", "1 files"]),
        (["--scale", "2", "--data", "absent"], ["absent"]),
    ],
)
def test_wrong_options_are_told(folder, arguments, said):
    message = refusal("bicubic", "--data", folder, *arguments)
    assert all(word in message for word in said)


def test_every_array_that_does_not_fit_is_named_at_once(folder, tmp_path):
    state = {name: tensor.numpy() for name, tensor in build(GENOTYPE, scale=2).state_dict().items()}
    state["feat.bias"] = state["feat.bias"][:3]
    del state["tail.out.bias"]
    state["tail.extra"] = np.zeros(2)
    np.savez(tmp_path / "w.npz", **state)
    message = refusal(GENOTYPE, "--weights", tmp_path / "w.npz", "--data", folder)
    assert all(name in message for name in ("feat.bias", "tail.out.bias", "tail.extra"))


def test_every_file_that_cannot_be_loaded_is_named_at_once(folder, tmp_path):
    files = ("none.onnx", "none.safetensors", "none.pth")
    message = refusal(*files, "falsr-b", "--weights", tmp_path / "w.npz", "--data", folder)
    assert all(name in message for name in (*files, "w.npz"))


def test_weights_of_another_network_are_refused(tmp_path):
    path = exported(tmp_path / "n.safetensors")
    with pytest.raises(InvalidInput, match="belong to"):
        read_contenders(["falsr-b"], [path])


def test_networks_of_two_scales_make_no_table():
    with pytest.raises(InvalidInput, match="one scale"):
        common_scale([Contender(name="a", upscaler=upscaler())], 3)


def test_a_set_with_an_unfit_image_is_refused_whole(tmp_path):
    root = tmp_path / "pairs"
    for role, size in (("hr", (32, 32)), ("lr", (15, 16))):
        (root / role).mkdir(parents=True)
        Image.fromarray(noise(*size)).save(root / role / "a.png")
        Image.fromarray(noise(*(32, 32) if role == "hr" else (16, 16))).save(root / role / "b.png")
    message = refusal("bicubic", "--scale", 2, "--data", root)
    assert "15x16" in message
    assert "another figure" in message


def test_a_broken_image_is_named(folder):
    (folder / "c.png").write_bytes((folder / "a.png").read_bytes()[:200])
    assert "c.png" in refusal("bicubic", "--scale", 2, "--data", folder)


def test_images_that_are_too_small_for_ssim_are_named(folder):
    for name in ("tiny", "small"):
        Image.fromarray(noise(14, 40)).save(folder / f"{name}.png")
    message = refusal("bicubic", "--scale", 2, "--data", folder)
    assert "tiny" in message
    assert "small" in message
    assert "at least 11" in message
    assert run("bicubic", "--scale", 2, "--data", folder, "--metrics", "psnr").exit_code == 0


def test_a_network_that_gives_nan_is_refused_by_name(folder, monkeypatch):
    def broken(images):
        return np.full((1, 1, 2 * images.shape[2], 2 * images.shape[3]), np.nan, np.float32)

    broken_model = Contender(name="broken.onnx", upscaler=upscaler(broken))
    monkeypatch.setattr(contenders, "read_contenders", lambda *_: [broken_model])
    message = refusal("broken.onnx", "--data", folder)
    assert "broken.onnx on a" in message
    assert "NaN" in message


def test_a_network_that_gives_another_size_is_refused_by_name(folder):
    network = upscaler(lambda images: np.zeros((1, 1, 3, 4), np.float32))
    with pytest.raises(InvalidInput, match=r"n0 on a: .*\(1, 1, 3, 4\)"):
        measured(network, data=[folder])


def test_an_onnx_file_of_one_size_is_refused_for_others(folder, tmp_path):
    from onnx import TensorProto, helper, save

    places = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, *sides])
        for name, sides in (("x", (8, 8)), ("y", (16, 16)))
    ]
    attributes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], **attributes)
    scales = helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, 2, 2])
    graph = helper.make_graph([node], "g", places[:1], places[1:], [scales])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])
    save(model, tmp_path / "fixed.onnx")
    assert "(1, 1, 12, 16)" in refusal(tmp_path / "fixed.onnx", "--data", folder)


def test_a_released_network_is_taken_without_wrapping(reference_dir):
    (contender,) = read_contenders(["FALSR-B"], [reference_dir / "falsr" / "falsr_b.npz"])
    assert contender.name == "falsr-b"
    assert contender.upscaler.metadata.recipe == RECIPES["paper"]


def test_bicubic_on_the_benchmarks_is_that_of_the_literature(images_dir):
    arguments = ["--data", images_dir / "benchmarks" / "Set5", "--protocol", "y-rounded", "--metrics", "psnr,ssim"]
    for scale, psnr_db, ssim in ((2, 33.661, 0.9299), (3, 30.392, 0.8682), (4, 28.421, 0.8104)):
        (row,) = json.loads(run("bicubic", *arguments, "--scale", scale, "--json").stdout)["rows"]
        assert row["means"]["psnr_db"] == pytest.approx(psnr_db, abs=0.005)
        assert row["means"]["ssim"] == pytest.approx(ssim, abs=0.0005)
        assert row["lr"] == ("as given" if scale == 2 else "made, symmetric border")


def test_published_networks_score_what_their_authors_print(images_dir, reference_dir):
    weights = [item for name in ("b", "c") for item in ("--weights", reference_dir / "falsr" / f"falsr_{name}.npz")]
    data = images_dir / "benchmarks" / "Set5"
    result = run("falsr-b", "falsr-c", *weights, "--data", data, "--protocol", "falsr", "--compare", "--json")
    for row, psnr_db, ssim in zip(json.loads(result.stdout)["rows"], (37.614, 37.660), (0.9585, 0.9586), strict=True):
        assert row["means"]["psnr_db"] == pytest.approx(psnr_db, abs=0.005)
        assert row["means"]["ssim"] == pytest.approx(ssim, abs=0.0003)
        assert abs(row["difference"]["psnr_db"]) < 0.01
        assert abs(row["difference"]["ssim"]) < 0.0003
