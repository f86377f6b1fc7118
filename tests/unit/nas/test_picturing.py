from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from PIL import Image

from evaluator import checkpoints
from evaluator.data.images import ImagePair
from evaluator.metrics.protocol import PROTOCOLS
from evaluator.model import SRModel, build_model
from evaluator.recipe import Recipe
from evaluator.score import score_bicubic
from nas.analysing.pictures import SIGNED
from nas.picturing.archive import INDEX, draw
from nas.picturing.impulse import WITHIN_PX, answers, coloured, figures
from nas.picturing.photographs import GAIN, MAGMA, error_map, photographs, show
from nas.preparing import images
from nas.spec import SearchSpec
from search_space.errors import InvalidInput
from search_space.genotype import Genotype

GENOTYPE = Genotype.parse("f8|conv-k3-f8-n1:0|conv-k3-f8-n1:1|tail:2")
KINDS = {"lr", "bicubic", "network", "hr", "network-error", "bicubic-error"}


def network(channels: int = 1, scale: int = 2) -> SRModel:
    generator = torch.Generator().manual_seed(0)
    return build_model(GENOTYPE, Recipe(), scale=scale, channels=channels, generator=generator).eval()


def pair(height: int, width: int, scale: int = 2) -> ImagePair:
    rng = np.random.default_rng(0)
    hr = rng.integers(0, 256, (scale * height, scale * width, 3), dtype=np.uint8)
    lr = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return ImagePair(name="noise", hr=hr, lr=lr)


def spec(**dataset: Any) -> SearchSpec:
    return SearchSpec.model_validate({"space": "tiny", "dataset": {"train": "photos"} | dataset})


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
@pytest.mark.parametrize("channels", [1, 3])
def test_a_photograph_has_pictures_of_one_size_and_the_figures_of_its_protocol(channels: int, protocol: Any) -> None:
    photograph = pair(20, 24)
    shown = show(network(channels), photograph, protocol)
    assert {kind: pixels.shape for kind, pixels in shown.pictures.items()} == dict.fromkeys(KINDS, (40, 48, 3))
    assert {pixels.dtype.name for pixels in shown.pictures.values()} == {"uint8"}
    assert (shown.pictures["lr"][::2, 1::2] == photograph.lr).all()
    expected = score_bicubic(photograph, channels, protocol, metrics=("psnr_db",)).psnr_db
    assert shown.psnr_db["bicubic"] == expected
    assert np.isfinite(shown.psnr_db["network"])


def test_errors_of_luma_are_coloured_from_none_to_the_largest() -> None:
    truth = np.zeros((1, 3, 3), dtype=np.uint8)
    picture = np.array([[[0] * 3, [32] * 3, [255] * 3]], dtype=np.uint8)
    colours = ["#" + bytes(pixel).hex() for pixel in error_map(picture, truth)[0].tolist()]
    assert colours == [MAGMA[0], MAGMA[-1], MAGMA[-1]]
    assert (error_map(picture, truth) == error_map(truth, picture)).all()
    assert GAIN * 32 > 255


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path, model = tmp_path / "weights.safetensors", network()
    checkpoints.write(path, checkpoints.to_bytes(model.network.state_dict(), model.metadata))
    return path


def test_an_archive_tells_of_every_picture_in_it(sample_dir: Path, weights: Path) -> None:
    document = draw(spec(), sample_dir.parent.joinpath, weights, name="a-1")
    assert document == draw(spec(), sample_dir.parent.joinpath, weights, name="a-1")
    with ZipFile(BytesIO(document)) as archive:
        index = json.loads(archive.read(INDEX))
        named = [name for one in index["photographs"] for name in one["files"].values()]
        dots = list(index["impulse"]["files"].values())
        assert [*named, *dots, INDEX] == archive.namelist()
        for one in index["photographs"]:
            assert set(one["files"]) == KINDS
            assert set(one["psnr_db"]) == {"network", "bicubic"}
            for name in one["files"].values():
                with Image.open(BytesIO(archive.read(name))) as picture:
                    assert (picture.format, picture.size) == ("PNG", (one["width_px"], one["height_px"]))
    assert (index["model"], index["scale"], index["protocol"], index["error"]["gain"]) == ("a-1", 2, "y-float", GAIN)
    assert 1 <= len(index["photographs"]) <= 4


@pytest.mark.parametrize(
    "dataset", [{}, {"train_limit": 3}, {"validation": "photos", "validation_limit": 2}], ids=["held", "few", "own"]
)
def test_the_photographs_are_those_that_the_search_scores_on(sample_dir: Path, dataset: dict[str, Any]) -> None:
    searched = images(spec(**dataset), sample_dir.parent.joinpath).validation
    seen = photographs(spec(**dataset), sample_dir.parent.joinpath)
    assert [one.name for one in seen] == [one.name for one in searched][:4]
    assert all(max(one.lr.shape) <= 256 for one in seen)


def test_photographs_that_are_gone_are_named(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="dataset"):
        draw(spec(), tmp_path.joinpath, weights, name="a-1")


# -- a dot -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_dot_is_answered_in_pictures_of_one_scale_and_in_figures(scale: int, channels: int) -> None:
    found = answers(network(channels, scale))
    told = found.told
    side = told["enlarged"] * told["size_px"]
    assert told["size_px"] == scale * told["dot"]["size"]
    assert {kind: pixels.shape for kind, pixels in found.pictures.items()} == dict.fromkeys(
        ("network", "bicubic"), (side, side, 3)
    )
    blocks = found.pictures["network"].reshape(told["size_px"], told["enlarged"], told["size_px"], -1, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()
    assert told["reach"] == max(
        abs(told["figures"][kind][name]) for kind in found.pictures for name in ("peak", "lowest")
    )
    for one in told["figures"].values():
        shares = one["energy_within"]
        assert len(shares) == len(WITHIN_PX)
        assert shares == sorted(shares)
        assert 0 <= shares[0] <= shares[-1] <= 1
    assert json.loads(json.dumps(told, allow_nan=False))["figures"]["bicubic"]["dc"] == pytest.approx(1, abs=1e-6)


def test_bicubic_keeps_what_is_slow_and_the_ideal_cuts_where_the_input_ends() -> None:
    told = answers(network()).told["frequencies"]
    assert {len(row) for row in told.values()} == {64}
    assert (told["cycles_per_px"][0], told["bicubic"][0], told["ideal"][0]) == (0, pytest.approx(1), 1)
    assert [x for x, passed in zip(told["cycles_per_px"], told["ideal"], strict=True) if passed][-1] == 0.25
    assert max(told["bicubic"][-8:]) < 0.1


def test_colours_are_white_at_zero_and_end_where_the_scale_ends() -> None:
    pixels = coloured(np.array([[-2.0, 0.0, 2.0]]), 2.0, 1)[0].tolist()
    assert pixels == [list(SIGNED[0]), [255, 255, 255], list(SIGNED[-1])]


def test_a_network_that_answers_nothing_has_neither_shares_nor_a_cosine() -> None:
    told = figures(np.zeros((1, 22, 22)), 2)
    assert told["energy_within"] == [None] * len(WITHIN_PX)
    assert told["sinc_cosine"] is None
