"""Every spec to begin with can be submitted with nothing but images, and warns of nothing that it does not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.presets import PRESETS
from nas.service import Service
from nas.settings import Settings
from nas.store.memory import MemoryStore

WARNED_OF = {"faithful-falsr": ["rank the networks of the space falsr alike"], "latency": ["latency_ms is measured"]}


@pytest.fixture
def service(tmp_path: Path, sample_dir: Path) -> Service:
    return Service(MemoryStore(), Settings(home=tmp_path, images_root=sample_dir.parent))


def test_presets_are_offered_from_the_shortest_look_on() -> None:
    assert list(PRESETS) == ["first-look", "faithful-falsr", "balanced", "latency"]
    assert all(preset.name == name for name, preset in PRESETS.items())


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_accepted_for_real_photographs_and_keeps_its_word(
    name: str, service: Service, sample_dir: Path
) -> None:
    preset = PRESETS[name]
    search = service.submit(preset.for_images(sample_dir.name))
    assert search.spec.name == preset.title
    expected = WARNED_OF.get(name, [])
    assert len(search.warnings) == len(expected)
    assert all(text in warning for text, warning in zip(expected, search.warnings, strict=True))
    assert ("warned" in preset.purpose) == bool(expected)


def test_the_faithful_one_is_the_papers() -> None:
    document = PRESETS["faithful-falsr"].document
    assert (document["engine"], document["recipe"], document["population"]) == ("falsr", "paper", 64)
    assert document["objectives"] == ["psnr", "mult_adds", "params"]
    assert document["budget"] == {"evaluations": 10_000}
