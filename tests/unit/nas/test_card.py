"""A card says what is known and leaves out what is not; what it has people copy does what it says."""

import re
import shlex
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
import yaml
from PIL import Image
from typer.main import get_command

from nas.cli import app
from nas.export.card import card_text
from nas.export.facts import UNKNOWN_TERMS, Found, ImagesUsed, Trained, terms_of
from nas.export.loading import ways_to_load
from nas.fronts import Front
from nas.records import Training, TrainingPoint, TrainingStatus
from nas.testing.builders import START, make_candidate, make_evaluation, make_search
from nas.testing.facts import METADATA, full_facts, sparse_facts

SECTIONS = ("Figures", "Architecture", "Where it comes from", "Training", "Files", "How to load it", "Limitations")
FULL, SPARSE = card_text(full_facts()), card_text(sparse_facts())


def sections(text):
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


def section(text, name):
    return text.split(f"## {name}\n", 1)[1].split("\n## ", 1)[0]


def front_matter(text):
    _, matter, _ = text.split("---\n", 2)
    return yaml.safe_load(matter)


def code(tool, name="sparrow-x2"):
    return re.fullmatch(r"```(?:python|sh)\n(.*)\n```", ways_to_load(name)[tool], re.DOTALL)[1]


def test_a_full_card_has_every_section_and_a_sparse_one_those_that_need_nothing():
    assert sections(FULL) == [*SECTIONS, "Terms"]
    assert sections(SPARSE) == ["Architecture", "How to load it", "Limitations", "Terms"]


def test_front_matter_is_yaml_and_names_no_licence_that_nobody_gave():
    assert front_matter(FULL)["license"] == "cc-by-4.0"
    assert "license" not in front_matter(SPARSE)
    assert "x2" in front_matter(SPARSE)["tags"]


def test_every_figure_stands_with_its_protocol():
    figures = section(FULL, "Figures")
    assert "images of Kodak24, under the protocol `y-float`" in figures
    assert "| 35.12 | 0.9376 | 41.50 | 38.25 |" in figures
    assert "protocol `falsr`" in figures
    assert "FALSR-C" in figures


def test_a_model_that_was_scored_on_no_set_says_so():
    assert "scored on no benchmark set" in section(card_text(replace(full_facts(), benchmark=None)), "Figures")


def test_the_table_of_cells_says_what_the_drawing_shows():
    text = section(SPARSE, "Architecture")
    assert "architecture.svg" not in text  # which does not lie beside a card alone
    assert "(architecture.svg)" in card_text(sparse_facts(), drawn=True)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 1 + len(METADATA.genotype.cells) + 1
    assert "| 1 | inverted bottleneck | 3 | 16 | 1 |  | 0 |" in rows
    assert "| 6 | convolution in 4 groups | 3 | 16 | 4 |  | 2, 4, 5 |" in rows
    assert str(METADATA.genotype) in text


def test_the_place_on_the_front_is_told():
    assert (
        "number 2 of the 9 on its front by psnr, mult_adds. Its short training there scored 33.50 dB under `y-float`."
        in FULL
    )
    for found, text in (
        (Found(search_id="a", candidate_id="a-1"), "Candidate `a-1` of search `a`."),
        (Found(search_id="a", candidate_id="a-1", front_size=3), "search `a`, not among the 3 on its front."),
    ):
        assert text in card_text(replace(full_facts(), found=found))


def test_training_is_told_with_its_images_and_their_terms():
    training = section(FULL, "Training")
    for fact in ("`quick`", "10,000 of 8 patches of 24x24", "1:02:05", "teacher `0123456789ab`", "c0dec0de", "float32"):
        assert fact in training
    assert "| training | photos2k | 100 | see ATTRIBUTION.tsv in photos2k |" in training
    assert f"| validation | Kodak24 | 24 | {UNKNOWN_TERMS} |" in training
    assert f"Images that it was trained on: {UNKNOWN_TERMS}." in SPARSE


def test_terms_of_weights_that_nobody_stated_say_who_trained_them_on_what():
    unstated = replace(full_facts(), license="", owner="anna")
    assert "* Weights: trained by anna on photos2k; no licence was stated." in card_text(unstated)
    assert "* Weights: no licence was stated." in SPARSE


def test_a_network_from_a_search_names_the_images_of_that_search():
    train = ImagesUsed(name="photos", count=80, terms="see README.md in photos")
    found = Found(search_id="a", candidate_id="a-1", train=train)
    text = card_text(replace(sparse_facts(), found=found))
    assert "| training | photos | 80 | see README.md in photos |" in section(text, "Training")
    assert "* Images of photos: see README.md in photos." in text
    assert "trained on photos; no licence" in text


def test_a_header_tells_of_a_training_in_words_and_figures_alone():
    header = {"steps": 10_000, "psnr_db": 35.1234, "protocol": "y-`\nfloat", "seed": None, "search": [1], "other": 1}
    rows = [
        line for line in section(card_text(replace(sparse_facts(), header=header)), "Training").splitlines() if line
    ]
    assert rows[2:] == [
        "| steps | 10,000 |",
        "| protocol | `y- float` |",
        "| PSNR on the validation images (dB) | 35.12 |",
    ]


def test_every_file_stands_with_its_digest_and_how_far_it_is_from_the_network():
    files = section(FULL, "Files")
    for file in full_facts().files:
        assert f"{file.sha256}  {file.name}" in files
    assert "| `sparrow-x2.onnx` | 1,000,000 | 1.5e-06 | 0.0001 | onnxruntime 1.31.1 |" in files
    assert "loses 0.051 dB" in files
    assert "compared with the PyTorch network on a photograph of odd size" in files


def test_limitations_of_luma_are_told_of_luma_networks_alone():
    colour = replace(sparse_facts(), metadata=replace(METADATA, channels=3, scale=4))
    assert "colour is as soft as bicubic leaves it" in section(SPARSE, "Limitations")
    assert "soft" not in section(card_text(colour), "Limitations")
    assert "It enlarges 4 times" in section(card_text(colour), "Limitations")


@pytest.mark.parametrize("tool", ["spandrel", "onnxruntime", "PyTorch alone", "TorchScript"])
@pytest.mark.parametrize("name", ["sparrow-x2", 'a "quoted" name\\'])
def test_every_snippet_is_python(tool, name):
    compile(code(tool, name), tool, "exec")
    assert ways_to_load("sparrow-x2")[tool] in FULL


def test_tools_whose_files_were_not_made_are_left_out():
    files = tuple(file for file in full_facts().files if file.form in ("onnx", "safetensors"))
    text = section(card_text(replace(full_facts(), files=files)), "How to load it")
    assert re.findall(r"^### (.+)$", text, re.MULTILINE) == ["srnas", "spandrel", "onnxruntime"]


def test_the_command_of_the_card_is_one_that_srnas_knows():
    program, verb, *arguments = shlex.split(code("srnas", "two words"))
    assert program == "srnas"
    command = get_command(app).commands[verb]
    parsed = command.make_context(verb, arguments).params
    assert [str(parsed["model"]), *map(str, parsed["images"])] == ["two words.safetensors", "photo.png"]


def doubled(tmp_path, tool):
    """Write the files that a snippet loads: a network that doubles every pixel."""
    if tool == "onnxruntime":
        places = [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, 3, None, None])
            for name in ("input", "output")
        ]
        attributes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
        node = onnx.helper.make_node("Resize", ["input", "", "scales"], ["output"], **attributes)
        scales = onnx.helper.make_tensor("scales", onnx.TensorProto.FLOAT, [4], [1, 1, 2, 2])
        graph = onnx.helper.make_graph([node], "g", places[:1], places[1:], [scales])
        opsets = [onnx.helper.make_opsetid("", 18)]
        onnx.save(onnx.helper.make_model(graph, ir_version=10, opset_imports=opsets), tmp_path / "sparrow-x2.onnx")
    elif tool == "TorchScript":
        torch.jit.trace(torch.nn.Upsample(scale_factor=2), torch.zeros(1, 3, 4, 4)).save(tmp_path / "sparrow-x2.pt")
    else:
        source = "import torch\n\ndef load(path):\n    return torch.nn.Upsample(scale_factor=2).eval()\n"
        (tmp_path / "sparrow-x2-arch.py").write_text(source, encoding="utf-8")


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("tool", ["onnxruntime", "PyTorch alone", "TorchScript"])
def test_snippets_enlarge_a_picture(tool, tmp_path, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    doubled(tmp_path, tool)
    monkeypatch.chdir(tmp_path)
    exec(compile(code(tool), tool, "exec"), {})
    assert np.array_equal(np.asarray(Image.open("larger.png")), pixels.repeat(2, axis=0).repeat(2, axis=1))


def test_terms_are_where_a_folder_says_so(tmp_path):
    assert terms_of(tmp_path) == UNKNOWN_TERMS
    assert terms_of(tmp_path / "nowhere") == UNKNOWN_TERMS
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "ATTRIBUTION.tsv").touch()
    (tmp_path / "README.md").touch()
    (tmp_path / "LICENSES.md").touch()
    assert terms_of(tmp_path) == f"see LICENSES.md, b/ATTRIBUTION.tsv in {tmp_path.name}"


def test_facts_are_read_off_the_rows_of_a_training_and_of_its_front():
    facts = full_facts()
    point = TrainingPoint(step=10, loss=0.1, psnr_db=35.0, ssim=0.9, fsds_db=40.0, fsds_si_db=38.0)
    training = Training(
        id="fedcba987654",
        candidate_id="00000001-0",
        search_id="00000001",
        recipe=facts.trained.recipe,
        dataset={"train": "photos2k"},
        seed=3,
        digest="d",
        status=TrainingStatus.COMPLETED,
        created_at=START,
        step=10,
        points=(point,),
        protocol="y-float",
    )
    trained = Trained.of(training, train=facts.trained.train)
    assert (trained.steps, trained.seed, trained.data_digest) == (10, 3, "")
    assert trained.figures == {"psnr_db": 35.0, "ssim": 0.9, "fsds_db": 40.0, "fsds_si_db": 38.0}
    members = tuple(make_candidate(ordinal=ordinal) for ordinal in (1, 0))
    member = replace(members[1], evaluation=make_evaluation(members[1]))
    front = Front(
        search=make_search(),
        objectives=(),
        members=members,
        scored=2,
        feasible_only=True,
        hypervolume=None,
    )
    found = Found.on(front, member)
    assert (found.rank, found.front_size, found.psnr_db) == (2, 2, pytest.approx(30 + 1 / 3))
    assert Found.on(front, make_candidate(ordinal=5)).rank is None
