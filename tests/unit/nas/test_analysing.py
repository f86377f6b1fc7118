"""From a model's file and a photograph to figures, pictures and a page."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from evaluator.data.degrade import imresize
from evaluator.metadata import Metadata
from evaluator.recipe import RECIPES
from evaluator.spectrum.impulse import Dot
from nas.analysing.charts import Curve, line_chart
from nas.analysing.model import analyse
from nas.analysing.page import to_html
from nas.analysing.pictures import pictures
from nas.analysing.writing import write
from nas.models import Upscaler, open_model
from nas.upscaling import open_image
from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.published import PUBLISHED, published_genotype

GENOTYPE = Genotype.parse("f32|conv-k3-f16-n1:0|tail:0,1")


def bicubic_model(scale: int, channels: int) -> Upscaler:
    metadata = Metadata(genotype=GENOTYPE, recipe=RECIPES["paper"], scale=scale, channels=channels)

    def network(images):
        planes = [[imresize(plane.astype(np.float64), scale) for plane in image] for image in images]
        return np.asarray(planes, dtype=np.float32)

    return Upscaler.ours(metadata, network)


@pytest.fixture
def photo(sample_dir) -> Image.Image:
    return Image.open(sample_dir / "coffee.png").convert("RGB").crop((100, 100, 137, 123))


@pytest.fixture
def analysis(photo):
    return analyse(bicubic_model(2, 1), photo)


@pytest.mark.parametrize(("scale", "channels"), [(2, 1), (3, 3), (4, 1)])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_bicubic_network_is_linear_on_a_photograph(photo, scale, channels, mode):
    found = analyse(bicubic_model(scale, channels), photo.convert(mode), dot=Dot(size=7))
    inner = np.s_[:, 2 * scale : -2 * scale, 2 * scale : -2 * scale]  # at the border bicubic mirrors
    assert found.image.shape == (channels, 23, 37)
    assert np.abs(found.nonlinear[inner]).max() < 1e-5
    assert found.impulse.statistics.sinc_cosine == pytest.approx(found.bicubic.statistics.sinc_cosine, abs=1e-5)


def test_a_large_photograph_is_cut_to_its_middle(photo):
    found = analyse(bicubic_model(2, 3), photo, window_px=9)
    assert np.array_equal(found.image, np.moveaxis(np.asarray(photo)[7:16, 14:23] / 255, 2, 0))


def test_every_picture_is_titled_explained_and_large_enough_to_read(analysis):
    shown = pictures(analysis)
    assert len({picture.name for picture in shown}) == len(shown) == 8
    for picture in shown:
        assert picture.title
        assert picture.caption.endswith(".")
        assert picture.image.mode == "RGB"
        assert picture.image.width > 440


def test_zero_is_white_in_a_signed_picture(analysis):
    response = next(picture.image for picture in pictures(analysis) if picture.name == "impulse-response")
    assert response.getpixel((30, 60)) == (255, 255, 255)
    colours = np.asarray(response).reshape(-1, 3).astype(int)
    assert (colours[:, 0] > colours[:, 2] + 50).any()
    assert (colours[:, 2] > colours[:, 0] + 20).any()


def test_the_page_loads_nothing_runs_nothing_and_escapes_names(analysis):
    page = to_html(analysis, model="<b>net</b>", image="a&b.png")
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=.(?!data:image/png)", page)
    assert "&lt;b&gt;net&lt;/b&gt; on a&amp;b.png" in page
    assert page.count("<img ") == 8
    assert page.count("<svg ") == 2


def test_files_are_written_and_the_figures_read_back(tmp_path, analysis):
    files = write(analysis, tmp_path / "new" / "folder", model="net", image="photo.png")
    assert {path.name for path in files} == {path.name for path in files[0].parent.iterdir()}
    document = json.loads((files[0].parent / "analysis.json").read_text())
    assert (document["model"], document["photograph"], document["scale"]) == ("net", "photo.png", 2)
    assert document["network"]["dc"] == analysis.impulse.statistics.dc
    for path in files[2:]:
        with Image.open(path) as picture:
            assert picture.width > 400


def test_a_black_photograph_and_a_dead_network_are_analysed(tmp_path):
    dead = replace(bicubic_model(2, 1), network=lambda images: 0 * images.repeat(2, axis=2).repeat(2, axis=3))
    found = analyse(dead, Image.new("L", (6, 5)))
    write(found, tmp_path, model="dead", image="black")
    assert json.loads((tmp_path / "analysis.json").read_text())["network"]["sinc_cosine"] is None


def test_charts_have_round_ticks_and_hold_constant_curves():
    x = np.linspace(-1, 1, 5)
    svg = line_chart([Curve(name="a<b", x=x, y=0 * x, colour="#000")], title="t", x_label="x")
    assert "a&lt;b" in svg
    assert ">0.5<" in svg
    assert "nan" not in svg


def test_arrays_need_a_genotype_and_a_file_that_exists(tmp_path):
    with pytest.raises(InvalidInput) as caught:
        open_model(tmp_path / "none.npz")
    assert [problem.field for problem in caught.value.problems] == ["model", "genotype"]
    with pytest.raises(InvalidInput):
        open_model(tmp_path / "none.onnx")


def test_a_published_network_is_analysed(reference_dir, images_dir):
    model = open_model(reference_dir / "falsr" / "falsr_b.npz", published_genotype("falsr-b"))
    photograph = open_image(images_dir / "benchmarks" / "Set5" / "img_003_SRF_2_LR.png")
    found = analyse(model, photograph, window_px=48)
    assert model.genotype == PUBLISHED["falsr-b"].genotype
    assert found.impulse.statistics.dc == pytest.approx(1.684, abs=1e-3)
    assert found.impulse.statistics.truncated_energy < 1e-4
    assert found.nonlinear_share > 0.1
