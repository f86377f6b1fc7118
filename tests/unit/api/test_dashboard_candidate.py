"""The pages of a candidate and of a finished model: what they show of a network, and to whom they offer what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from api.cookies import COOKIE
from api.dashboard.benchmark import tables
from api.dashboard.curves import HEIGHT, WIDTH, bars, curve, ticks
from api.dashboard.files import FORMS
from api.settings import ApiSettings
from api.testing import SHORT_RECIPE, SPEC, connect, finish_training, make_benchmark, record_search
from nas.export.benchmark_document import Published, ReportedFigures
from nas.records import EXPORT_FORMATS, ArtifactState, Role
from nas.service import utc_now
from nas.store.memory import MemoryStore
from nas.tokens import Tokens

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FIGURES = st.floats(-1e6, 1e6)


def read_page(http: httpx.Client, path: str, **headers: str) -> str:
    """The text of a page that is shown."""
    answer = http.get(path, headers={**BROWSER, **headers})
    assert answer.status_code == 200, answer.text
    assert " style=" not in answer.text
    return unescape(answer.text)


@pytest.fixture
def model(http: httpx.Client, store: MemoryStore, recorded: Any) -> str:
    """The id of a finished model of candidate 1."""
    asked = http.post(f"/v1/candidates/{recorded.candidates[1].id}/trainings", json={"recipe": SHORT_RECIPE})
    assert asked.status_code == 202, asked.text
    finish_training(store, 50)
    return finish_training(store).id


# -- a candidate -------------------------------------------------------------------------------------------------------


def test_a_candidate_is_drawn_and_its_figures_curves_and_recipes_are_shown(http: httpx.Client, recorded: Any) -> None:
    candidate = recorded.candidates[1]
    text = read_page(http, f"/candidates/{candidate.id}")
    for words in (
        "on the front over psnr, params: number 1 of 2 by psnr",
        "32.00",
        "bicubic: 28.00, +4.00 dB",
        "1st of 2 on the front",
        "2nd of 3 scored",
        f'href="/searches/new?from={candidate.search_id}&start={candidate.id}"',
        "y-float",
        str(candidate.genotype),
        "Loss over the training",
        "band 5 of 5: 0.125",
        "A chain of cells",
        "Make pictures",
    ):
        assert words in text
    assert all(f'value="{recipe}"' in text for recipe in ("quick", "standard", "paper"))
    assert "<strong>quick</strong>, 10,000 steps, about " in text
    assert 'name="steps" min="1" max="10000000" value="10000"' in text
    assert all(f'data-form="{form}"' in text for form in EXPORT_FORMATS)


def test_a_failed_candidate_says_what_to_do_and_offers_nothing(http: httpx.Client, recorded: Any) -> None:
    text = read_page(http, f"/candidates/{recorded.candidates[3].id}")
    assert "the loss rose to 1e9" in text
    assert "What to do" in text
    assert not any(words in text for words in ("Make pictures", "data-make", 'id="finishing"'))


def test_a_candidate_in_flight_says_so(http: httpx.Client, recorded: Any) -> None:
    text = read_page(http, f"/candidates/{recorded.candidates[4].id}")
    assert "being trained" in text
    assert 'data-live="on"' in text


def test_a_candidate_that_is_none_is_a_page_of_its_own(http: httpx.Client) -> None:
    for path in ("/candidates/00000000-0", "/models/000000000000"):
        answer = http.get(path, headers=BROWSER)
        assert answer.status_code == 404
        assert "<h1>" in answer.text


def test_parents_and_children_lead_to_each_other(http: httpx.Client, recorded: Any, store: MemoryStore) -> None:
    first, second = recorded.candidates[:2]
    found = store.candidates

    def bred(*args: Any, **fields: Any) -> Any:
        parents = (first.genotype.digest, "f" * 32)
        return [replace(one, parents=parents) if one.id == second.id else one for one in found(*args, **fields)]

    store.candidates = bred  # type: ignore[method-assign]
    store.candidate = lambda id_: next(one for one in bred(first.search_id) if one.id == id_)  # type: ignore[method-assign]
    text = read_page(http, f"/candidates/{first.id}")
    assert f'href="/candidates/{second.id}"' in text
    assert 'random, 32.00 dB <span class="whole">(+2.00 dB)</span>' in text
    text = read_page(http, f"/candidates/{second.id}")
    assert f'href="/candidates/{first.id}"' in text
    assert "ffffffff</code>" in text


def test_full_trainings_are_shown_as_they_go_on_and_lead_to_the_model(
    http: httpx.Client, recorded: Any, store: MemoryStore
) -> None:
    path = f"/candidates/{recorded.candidates[1].id}"
    http.post(f"/v1{path}/trainings", json={"recipe": SHORT_RECIPE})
    finish_training(store, 50)
    text = read_page(http, path)
    assert "50 of 100 steps" in text
    assert 'data-live="on"' in text
    done = finish_training(store)
    assert f'href="/models/{done.id}"' in read_page(http, path)


def test_files_are_offered_while_they_are_made_when_ready_and_when_they_failed(
    http: httpx.Client, recorded: Any, store: MemoryStore
) -> None:
    path = f"/candidates/{recorded.candidates[1].id}"
    asked = http.post(f"/v1{path}/exports", json={"format": "onnx"}).json()["id"]
    assert f'data-artifact="{asked}"' in read_page(http, path)
    claimed = store.claim_artifact(at=datetime.now(UTC), stale_after_s=60)
    assert claimed is not None
    ended = replace(claimed, finished_at=datetime.now(UTC))
    failed = replace(ended, state=ArtifactState.FAILED, detail={"error": "the disk is full"})
    store.finish_artifact(failed)
    text = read_page(http, path)
    assert "the disk is full" in text
    assert 'aria-label="Make onnx"' in text


def test_every_form_is_explained() -> None:
    assert tuple(FORMS) == EXPORT_FORMATS


def test_each_seed_is_told_with_their_mean_and_only_the_searchs_own_is_ranked(
    http: httpx.Client, store: MemoryStore
) -> None:
    assert http.post("/v1/searches", json=SPEC).status_code == 202
    candidates = record_search(store, {1: 32.5})
    text = read_page(http, f"/candidates/{candidates[1].id}")
    assert "2 seeds: 32.00, 32.50; mean 32.25 ± 0.35" in text
    assert "1st of 2 on the front, 2nd of 3 scored" in text
    confirmation = read_page(http, f"/candidates/{candidates[5].id}")
    assert "2 seeds: 32.00, 32.50; mean 32.25 ± 0.35" in confirmation
    assert "of 3 scored" not in confirmation


# -- who may press what ------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(settings: ApiSettings) -> Iterator[tuple[httpx.Client, MemoryStore]]:
    store = MemoryStore()
    with connect(create_app(settings.model_copy(update={"require_token": True}), store)) as http:
        yield http, store


@pytest.mark.parametrize(
    ("name", "role", "offered"),
    [("alice", Role.SUBMITTER, True), ("bob", Role.SUBMITTER, False), ("carol", Role.VIEWER, False)],
)
def test_nobody_sees_buttons_that_are_not_theirs(
    guarded: tuple[httpx.Client, MemoryStore], name: str, role: Role, offered: bool
) -> None:
    http, store = guarded
    tokens = Tokens(store, utc_now)
    alice, other = (tokens.create(who, kind, by="root")[1] for who, kind in (("alice", Role.SUBMITTER), (name, role)))
    http.post("/v1/searches", json=SPEC, headers={"Authorization": f"Bearer {alice}"})
    candidate = record_search(store)[1]
    text = read_page(http, f"/candidates/{candidate.id}", Cookie=f"{COOKIE}={other}")
    for words in ("data-pictures", "data-make", 'id="finishing"'):
        assert (words in text) is offered
    searched = read_page(http, f"/searches/{candidate.search_id}", Cookie=f"{COOKIE}={other}")
    assert ('id="finish-front"' in searched) is offered
    assert 'id="full-trainings"' in searched
    assert ("Start a search from here" in text) is (role is Role.SUBMITTER)


# -- a finished model --------------------------------------------------------------------------------------------------


def test_a_model_shows_its_figures_and_how_it_came_to_them(http: httpx.Client, model: str, recorded: Any) -> None:
    text = read_page(http, f"/models/{model}")
    for words in ("PSNR over the training", "bicubic 28.00, in its search 32.00", "its ONNX file is there", "quick"):
        assert words in text
    assert f'href="/candidates/{recorded.candidates[1].id}"' in text
    assert f'href="/models/{model}">sample, {recorded.candidates[1].id}<' in read_page(http, "/models")


def test_a_model_with_its_files_enlarges_and_shows_what_a_paper_prints(
    http: httpx.Client, store: MemoryStore, settings: ApiSettings, model: str
) -> None:
    (settings.home / "b.json").write_text(make_benchmark().model_dump_json())
    for form in ("onnx", "card", "benchmark"):
        http.post(f"/v1/models/{model}/exports", json={"format": form})
        claimed = store.claim_artifact(at=datetime.now(UTC), stale_after_s=60)
        assert claimed is not None
        ready = replace(claimed, state=ArtifactState.READY, path="b.json", sha256="0" * 64, size_bytes=9)
        store.finish_artifact(replace(ready, finished_at=datetime.now(UTC)))
    text = read_page(http, f"/models/{model}")
    for words in ("<strong>36.90</strong> / <strong>0.9500</strong>", "33.60 / 0.9300", 'type="file"', "Model card"):
        assert words in text
    assert text.count('aria-label="Download ') == 2


def test_a_benchmark_whose_file_is_gone_is_none(http: httpx.Client, store: MemoryStore, model: str) -> None:
    http.post(f"/v1/models/{model}/exports", json={"format": "benchmark"})
    claimed = store.claim_artifact(at=datetime.now(UTC), stale_after_s=60)
    assert claimed is not None
    store.finish_artifact(replace(claimed, state=ArtifactState.READY, path="gone", finished_at=datetime.now(UTC)))
    assert "The file of its benchmark is gone" in read_page(http, f"/models/{model}")


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ({"error": "benchmark sets: missing; give folders of images", "hint": "Ask again."}, "no benchmark sets here"),
        ({"error": "OSError: disk full"}, "benchmark failed: OSError: disk full"),
    ],
)
def test_both_pages_say_the_same_of_a_benchmark_that_is_not_there(
    http: httpx.Client, store: MemoryStore, model: str, detail: dict[str, str], words: str
) -> None:
    paths = "/models", f"/models/{model}"
    assert all("enchmark not made yet" in read_page(http, path) for path in paths)
    http.post(f"/v1/models/{model}/exports", json={"format": "benchmark"})
    claimed = store.claim_artifact(at=datetime.now(UTC), stale_after_s=60)
    assert claimed is not None
    assert all("enchmark being made" in read_page(http, path) for path in paths)
    failed = replace(claimed, state=ArtifactState.FAILED, detail=detail, finished_at=datetime.now(UTC))
    store.finish_artifact(failed)
    assert all(words[1:] in read_page(http, path) for path in paths)
    assert detail.get("hint", "") in read_page(http, paths[1])


def test_what_others_report_stands_between_bicubic_and_the_model_under_its_protocol_only() -> None:
    reported = ReportedFigures(set="set5", protocol="falsr", psnr_db=37.0, ssim=0.9)
    other = Published(title="Other", params=1000, mult_adds=10**9, scores=(reported,), source="a paper")
    elsewhere = other.model_copy(update={"scores": (reported.model_copy(update={"protocol": "y-float"}),)})
    document = make_benchmark().model_copy(update={"published": (other, elsewhere)})
    (table,) = tables(document)
    assert [line.network for line in table.lines] == ["bicubic", "Other", "network"]
    assert table.lines[1].cells[0].figures == (("37.00", True), ("0.9000", False))
    assert table.lines[2].cells[0].figures == (("36.90", False), ("0.9500", True))


def test_sets_stand_in_the_order_of_papers() -> None:
    document = make_benchmark()
    (one,) = {one.name: one for one in document.sets}.values()
    names = ("Own", "Urban100", "B100", "Set14", "Set5")
    sets = tuple(one.model_copy(update={"name": name}) for name in names)
    (table,) = tables(document.model_copy(update={"sets": sets}))
    assert table.sets == ("Set5", "Set14", "B100", "Urban100", "Own")


# -- curves ------------------------------------------------------------------------------------------------------------


@given(low=FIGURES, high=FIGURES)
def test_ticks_span_their_range_in_even_steps(low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)
    found = ticks(low, high)
    assert 2 <= len(found) <= 8
    assert found == sorted(set(found))
    if high - low > 1e-3:
        slack = (high - low) * 1e-6
        assert found[0] <= low + slack
        assert found[-1] >= high - slack


def test_a_chart_has_its_figures_as_a_table() -> None:
    drawn = curve("loss", [(0, 1.0), (10, 0.123456789), (1_000_000, None), (2_000_000, 0.5)], x_name="x", y_name="y")
    assert drawn is not None
    assert drawn.rows == (("0", "1"), ("10", "0.123457"), ("2000000", "0.5"))
    shares = bars("bands", (0.5, 0.25), x_name="x", y_name="y")
    assert shares is not None
    assert shares.rows == (("1", "0.5"), ("2", "0.25"))


@given(st.lists(st.tuples(st.integers(0, 10**6), FIGURES), min_size=2, unique_by=lambda point: point[0]))
def test_a_curve_stays_within_its_picture(points: list[tuple[int, float]]) -> None:
    drawn = curve("x", sorted(points), x_name="x", y_name="y")
    assert drawn is not None
    placed = [tuple(map(float, pair.split(","))) for pair in drawn.line.split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in placed)
    assert [x for x, _ in placed] == sorted(x for x, _ in placed)


def test_a_line_that_hardly_changes_has_short_figures_beside_it() -> None:
    drawn = curve("x", [(0, 36.50001), (10, 36.50002)], x_name="x", y_name="y")
    assert drawn is not None
    assert all(len(tick.text) <= 6 for tick in drawn.y_ticks)
    assert len({tick.text for tick in drawn.y_ticks}) == len(drawn.y_ticks)


def test_what_cannot_be_drawn_is_none() -> None:
    assert curve("x", [(1, 2.0), (2, None), (3, float("nan"))], x_name="", y_name="") is None
    assert bars("x", (), x_name="", y_name="") is None


def test_drawings_in_a_page_are_well_formed(http: httpx.Client, recorded: Any) -> None:
    text = http.get(f"/candidates/{recorded.candidates[0].id}", headers=BROWSER).text
    pictures = ["<svg" + part.partition("</svg>")[0] + "</svg>" for part in text.split("<svg")[1:]]
    assert len(pictures) >= 3
    for picture in pictures:
        ElementTree.fromstring(picture)
