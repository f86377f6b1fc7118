"""Which pictures become which files, and what is told of each."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from nas import models
from nas.cli import app
from nas.upscaling.errands import plan, save
from nas.upscaling.faces import bicubic_upscaler
from nas.upscaling.rounds import Done, Skipped, go
from search_space.errors import InvalidInput


def save_all(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4), "teal").save(root / name)


def targets(root: Path, *named: str, output: str = "out", **options) -> list[str]:
    found = plan([root / name for name in named], root / output, 2, **options)
    return [errand.target.relative_to(root).as_posix() for errand in found.errands]


def test_folders_are_mirrored_in_natural_order(tmp_path):
    save_all(tmp_path, "in/10.png", "in/9.jpg", "in/deep/er/a.webp", "b.bmp")
    assert targets(tmp_path, "b.bmp", "in") == ["out/b-x2.png", "out/9-x2.png", "out/10-x2.png", "out/deep/er/a-x2.png"]


def test_what_is_hidden_and_the_output_itself_are_passed_over(tmp_path):
    save_all(tmp_path, "in/a.png", "in/.thumbs/a.png", "in/.b.png", "in/out/a-x2.png")
    assert targets(tmp_path, "in", output="in/out", overwrite=True) == ["in/out/a-x2.png"]


def test_a_folder_may_be_its_own_output(tmp_path):
    save_all(tmp_path, "in/a.png")
    assert targets(tmp_path, "in", output="in") == ["in/a-x2.png"]
    save_all(tmp_path, "in/a-x2.png", "in/b.png")
    assert targets(tmp_path, "in", output="in") == ["in/b-x2.png"]
    assert targets(tmp_path, "in", output="in", overwrite=True) == ["in/a-x2.png", "in/b-x2.png"]


def test_one_picture_may_become_a_file(tmp_path):
    save_all(tmp_path, "a.png")
    assert targets(tmp_path, "a.png", output="larger.webp") == ["larger.webp"]


@pytest.mark.parametrize(
    ("named", "output", "said"),
    [
        (["a.png", "in"], "one.png", "a folder, or for one picture"),
        (["in"], "one.png", "a folder, or for one picture"),
        (["a.png"], "one.psd", "a folder, or for one picture"),
        (["a.png", "in/a.png"], "out", "different names"),
        (["a.png"], "old", "not there yet"),
        (["empty"], "out", "folders with pictures"),
    ],
)
def test_what_would_lose_a_picture_is_refused(tmp_path, named, output, said):
    save_all(tmp_path, "a.png", "in/a.png", "old/a-x2.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match=said):
        targets(tmp_path, *named, output=output)


def test_files_are_replaced_when_asked_for(tmp_path):
    save_all(tmp_path, "a.png", "out/a-x2.png")
    assert targets(tmp_path, "a.png", overwrite=True) == ["out/a-x2.png"]


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(OSError, match="JPEG"):
        save(Image.new("RGBA", (3, 3)), tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []


def carried_out(root: Path, *named: str, **options):
    ticks, steps = iter(range(100)), []
    planned = plan([root / name for name in named], root / "out", 2)
    told = list(
        go(
            bicubic_upscaler(2),
            planned,
            clock=lambda: float(next(ticks)),
            step=lambda text, total: steps.append((text, total)),
            **options,
        )
    )
    return told, steps


def test_every_file_is_told_of(tmp_path):
    save_all(tmp_path, "in/a.png", "in/b.png")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    (tmp_path / "in" / "cut.png").write_bytes((tmp_path / "in" / "a.png").read_bytes()[:-30])
    told, steps = carried_out(tmp_path, "in")
    done = [one for one in told if isinstance(one, Done)]
    skipped = {one.source.name: str(one) for one in told if isinstance(one, Skipped)}
    assert [(one.errand.source.name, one.width, one.height, one.seconds) for one in done] == [
        ("a.png", 12, 8, 1),
        ("b.png", 12, 8, 1),
    ]
    assert set(skipped) == {"notes.txt", "broken.png", "cut.png"}
    assert "no picture" in skipped["notes.txt"]
    assert steps == [("a.png", 3), ("b.png", 3)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-x2.png", "b-x2.png"]
    assert done[0].to_json()["tiles"] == 1


def test_a_named_file_that_is_no_picture_stops_all_before_anything_is_written(tmp_path):
    save_all(tmp_path, "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(InvalidInput, match=r"b\.png"):
        carried_out(tmp_path, "a.png", "b.png")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("mode", "name"), [("RGBA", "a.jpg"), ("LA", "a.bmp"), ("I;16", "a.jpg"), ("I;16", "a.pdf")])
def test_a_format_that_cannot_hold_a_picture_is_refused_before_it_is_enlarged(tmp_path, mode, name):
    Image.new(mode, (6, 4)).save(tmp_path / "a.png")
    asked = []
    with pytest.raises(InvalidInput, match=r"such as a\.png"):
        list(
            go(
                bicubic_upscaler(2),
                plan([tmp_path / "a.png"], tmp_path / name, 2),
                clock=lambda: 0.0,
                step=lambda *step: asked.append(step),
            )
        )
    assert not asked
    assert not (tmp_path / name).exists()


def test_bicubic_stands_beside_the_network_when_asked_for(tmp_path):
    save_all(tmp_path, "a.png")
    (one,), _ = carried_out(tmp_path, "a.png", compared_as="network")
    with Image.open(one.errand.target) as sheet:
        assert sheet.width > 2 * one.width == 24
        assert np.asarray(sheet).min() < 255


def test_the_verb_tells_of_each_file_and_replaces_none_unasked(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "load_model", lambda path: bicubic_upscaler(2))
    monkeypatch.chdir(tmp_path)
    save_all(tmp_path, "in/a.png", "in/deep/b.png")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    first = CliRunner().invoke(app, ["upscale", "n.onnx", "in", "--tile", "3"])
    assert first.exit_code == 0, first.stderr
    assert "a-x2.png (12 x 8" in first.stdout
    assert "skipped in/notes.txt" in first.stderr
    save_all(tmp_path, "in/new.png")
    again = CliRunner().invoke(app, ["upscale", "n.onnx", "in"])
    assert (again.exit_code, again.stdout.count("\n")) == (0, 1)
    assert "new-x2.png (12 x 8" in again.stdout
    assert "skipped in/a.png: upscaled/a-x2.png is there already" in again.stderr
    alone = CliRunner().invoke(app, ["upscale", "n.onnx", "in/a.png"])
    assert (alone.exit_code, "--overwrite" in alone.stderr) == (2, True)
    gone = CliRunner().invoke(app, ["upscale", "n.onnx", "gone.png"])
    assert (gone.exit_code, "no such file: gone.png" in gone.stderr) == (2, True)
    asked = CliRunner().invoke(app, ["upscale", "n.onnx", "in", "--overwrite", "--json"])
    found = json.loads(asked.stdout)
    assert [row["output"] for row in found["outputs"]] == [
        "upscaled/a-x2.png",
        "upscaled/deep/b-x2.png",
        "upscaled/new-x2.png",
    ]
    assert [row["image"] for row in found["skipped"]] == ["in/notes.txt"]
