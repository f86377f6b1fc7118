"""A drawing is well-formed SVG that shows every block and every skip, and fetches nothing."""

import dataclasses
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.drawing import draw
from search_space.genotype import Genotype
from search_space.published import PUBLISHED, published_genotype
from search_space.spaces.falsr import FALSR
from search_space.spaces.tiny import TINY
from search_space.testing import genotypes

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def hovers(root: ElementTree.Element) -> list[str]:
    return [group.findtext(f"{SVG}title") or "" for group in root.iter(f"{SVG}g")]


@settings(deadline=None, max_examples=30)
@given(genotypes(FALSR) | genotypes(TINY))
def test_every_block_and_every_skip_is_drawn_and_named(genotype: Genotype) -> None:
    names = hovers(parsed(draw(genotype)))
    skips = [name for name in names if name.startswith("skip")]
    assert len(skips) == len(set(skips)) == len(genotype.skips)
    assert len(names) - len(skips) == len(genotype.cells) + 2


@settings(deadline=None, max_examples=30)
@given(genotypes(FALSR) | genotypes(TINY))
def test_nothing_is_drawn_outside_the_picture(genotype: Genotype) -> None:
    root = parsed(draw(genotype))
    _, _, width, height = map(int, root.attrib["viewBox"].split())
    for path in root.iter(f"{SVG}path"):
        match = re.fullmatch(r"M(\d+) (\d+)C(\d+) (-?\d+) (\d+) (-?\d+) (\d+) (\d+)", path.attrib["d"])
        if match:
            start, rail, _, control, *_, end, _ = map(int, match.groups())
            assert 0 < start < end < width
            assert 0 < rail - (rail - control) * 3 / 4 < rail < height
    for rect in root.iter(f"{SVG}rect"):
        box = {name: int(rect.get(name, "0")) for name in ("x", "y", "width", "height")}
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height


@settings(deadline=None, max_examples=30)
@given(genotypes(FALSR))
def test_no_two_skips_share_a_port(genotype: Genotype) -> None:
    paths = [path.attrib["d"] for path in parsed(draw(genotype)).iter(f"{SVG}path") if "C" in path.attrib["d"]]
    starts = [path.split()[0] for path in paths]
    ends = [path.split()[-2] for path in paths]
    assert len(set(starts)) == len(starts)
    assert len(set(ends)) == len(ends)


@given(st.text())
def test_any_title_gives_a_picture(title: str) -> None:
    root = parsed(draw(published_genotype("falsr-b"), title=title))
    assert len(root.findtext(f"{SVG}title") or "") <= len(title)


def test_words_are_escaped() -> None:
    root = parsed(draw(published_genotype("falsr-b"), title="<script>&\"'"))
    assert root.findtext(f"{SVG}title") == "<script>&\"'"
    assert not list(root.iter(f"{SVG}script"))


@pytest.mark.parametrize("name", PUBLISHED)
def test_nothing_is_fetched(name: str) -> None:
    svg = draw(published_genotype(name)).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"http|href|url\(|@import|<image|<style|<script", svg)


def test_a_drawing_is_described_for_those_who_cannot_see_it() -> None:
    root = parsed(draw(published_genotype("falsr-b"), title="FALSR-B"))
    assert root.attrib["role"] == "img"
    ids = root.attrib["aria-labelledby"].split()
    words = {element.get("id"): element.text for element in root}
    assert words[ids[0]] == "FALSR-B"
    assert "cell 2: inverted bottleneck, 1x1, 48 channels, 2 times, with a residual" in (words[ids[1]] or "")
    assert "skip from features to cell 7" in (words[ids[1]] or "")


def test_the_title_is_the_digest_unless_given() -> None:
    genotype = published_genotype("falsr-b")
    assert parsed(draw(genotype)).findtext(f"{SVG}title") == f"Genotype {genotype.digest[:8]}"


def test_the_picture_keeps_its_proportions_at_any_width() -> None:
    genotype = published_genotype("falsr-b")
    for width in (300, 2000):
        root = parsed(draw(genotype, width=width))
        _, _, full_width, full_height = map(int, root.attrib["viewBox"].split())
        assert int(root.attrib["width"]) == width
        assert int(root.attrib["height"]) == pytest.approx(width * full_height / full_width, abs=1)


def test_a_dense_network_shows_all_its_skips() -> None:
    sparse = published_genotype("falsr-b")
    dense = dataclasses.replace(sparse, inputs=tuple(tuple(range(i + 1)) for i in range(8)))
    assert sum(name.startswith("skip") for name in hovers(parsed(draw(dense)))) == 28


def test_a_network_without_skips_says_so() -> None:
    assert "Skips: none." in draw(published_genotype("moremnas-d"))


@settings(deadline=None, max_examples=30)
@given(genotypes(FALSR))
def test_a_page_finds_every_block_and_the_ends_of_every_skip(genotype: Genotype) -> None:
    groups = list(parsed(draw(genotype)).iter(f"{SVG}g"))
    blocks = [int(group.attrib["data-block"]) for group in groups if group.get("class") == "block"]
    arcs = [group.attrib for group in groups if group.get("class") == "arc"]
    assert blocks == list(range(len(genotype.cells) + 2))
    assert {(int(arc["data-from"]), int(arc["data-to"])) for arc in arcs} == set(genotype.skips)


def test_every_colour_has_a_class_by_which_a_page_can_change_it() -> None:
    drawn = [one for one in parsed(draw(published_genotype("falsr-c"))).iter() if one.tag != f"{SVG}svg"]
    assert all("class" in one.attrib for one in drawn if {"fill", "stroke"} & set(one.attrib))
