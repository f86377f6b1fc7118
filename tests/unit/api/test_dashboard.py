"""Pages: what they show and to whom, how one signs in, and that nothing of a user's runs in them."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
import typer.main
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from api.app import create_app
from api.cookies import COOKIE, PROOF_HEADER, proof_of
from api.dashboard import assets
from api.dashboard.session import MOST_BYTES, local_path
from api.dashboard.views import HEIGHT, WIDTH, sparkline
from api.headers import SITE
from api.settings import ApiSettings
from api.testing import SHORT_RECIPE, connect, finish_training
from api.verbs import app as verbs_of_the_program
from nas.presets import PRESETS
from nas.records import ArtifactState, Role, SearchState
from nas.service import utc_now
from nas.store.base import StoreUnavailable
from nas.store.memory import MemoryStore
from nas.tokens import Tokens

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class House:
    """An application that asks for tokens."""

    def __init__(self, http: httpx.Client, store: MemoryStore) -> None:
        self.http, self.store = http, store
        self._tokens = Tokens(store, utc_now)

    def token(self, name: str, role: Role = Role.SUBMITTER) -> str:
        """A new token."""
        return self._tokens.create(name, role, by="root")[1]

    def sign_in(self, token: str, **fields: str) -> httpx.Response:
        """Send the form."""
        return self.http.post("/sign-in", data={"token": token, **fields}, headers=BROWSER)

    def as_(self, token: str) -> dict[str, str]:
        """The headers of a browser that bears a token."""
        return {"Cookie": f"{COOKIE}={token}", **BROWSER}


@pytest.fixture
def house(settings: ApiSettings, store: MemoryStore) -> Iterator[House]:
    guarded = settings.model_copy(update={"require_token": True, "requests_per_s": 0.0})
    with connect(create_app(guarded, store)) as http:
        yield House(http, store)


class Markup(HTMLParser):
    """What a policy without inline script would stop, and what the page loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.loaded: list[str] = []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self._script = tag == "script"
        if tag == "style" or (tag == "script" and "src" not in named):
            self.inline.append(tag)
        self.inline += [name for name in named if name == "style" or name.startswith("on")]
        self.inline += [name for name, value in attrs if (value or "").strip().lower().startswith("javascript:")]
        self.loaded += [
            named[key] or "" for key in ("src", "href") if tag in ("script", "link", "img") and key in named
        ]

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.inline.append(data)
        self._script = False


def check_page(answer: httpx.Response) -> str:
    """Its text, if it is a page as all of them are."""
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].encode() == SITE
    assert b"unsafe" not in SITE
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "same-origin")
    found = Markup(answer.text)
    assert found.inline == []
    assert all(address.startswith("/static/") for address in found.loaded)
    return answer.text


# -- every page --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/?state=running&q=x", "/?before=ffffffff", "/models", "/nowhere", "/?state=odd"]
)
def test_every_page_has_the_policy_and_nothing_inline(http: httpx.Client, recorded: Any, path: str) -> None:
    assert "<h1>" in check_page(http.get(path, headers=BROWSER))


def test_what_people_call_their_searches_stays_text(http: httpx.Client, spec: dict[str, Any]) -> None:
    name = """<script>alert(1)</script>" onclick='alert(2)' <img src=x onerror=alert(3)>"""
    http.post("/v1/searches", json={**spec, "name": name})
    for path in ("/", f"/?q={name}"):
        text = check_page(http.get(path, headers=BROWSER))
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "&lt;script&gt;alert(1)" in text


def test_programs_get_problems_and_browsers_pages(http: httpx.Client) -> None:
    for path in ("/nowhere", "/v1/searches/ffffffff"):
        assert http.get(path).headers["content-type"] == "application/problem+json"
        answer = http.get(path, headers=BROWSER)
        assert answer.status_code == 404
        assert "What to do" in check_page(answer) or path.startswith("/v1")


def test_a_store_out_of_reach_is_a_page_with_a_hint(settings: ApiSettings) -> None:
    class Broken:
        def __getattr__(self, verb: str) -> Any:
            def fail(*_: object, **__: object) -> None:
                raise StoreUnavailable("password@host")

            return fail

    with connect(create_app(settings, Broken())) as http, capture_logs():  # type: ignore[arg-type]  # any verb
        answer = http.get("/", headers=BROWSER)
    assert answer.status_code == 503
    assert "What to do" in check_page(answer)
    assert "password" not in answer.text


# -- signing in --------------------------------------------------------------------------------------------------------


def test_whoever_has_no_token_is_sent_to_the_form_and_back(house: House) -> None:
    sent = house.http.get("/?state=running&q=a b", headers=BROWSER)
    assert sent.status_code == 303
    assert sent.headers["location"] == "/sign-in?next=%2F%3Fstate%3Drunning%26q%3Da%2520b"
    assert house.http.get("/").status_code == 401
    form = check_page(house.http.get(sent.headers["location"], headers=BROWSER))
    assert 'name="next" value="/?state=running&amp;q=a%20b"' in form
    answer = house.sign_in(house.token("alice"), next="/models?before=a")
    assert (answer.status_code, answer.headers["location"]) == (303, "/models?before=a")


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(house: House) -> None:
    token = house.token("alice")
    plain = house.sign_in(token).headers["set-cookie"]
    assert plain == f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict"
    secure = house.http.post("https://localhost/sign-in", data={"token": token}).headers["set-cookie"]
    assert secure == f"{plain}; Secure"


def test_the_cookie_counts_as_bearer_over_rest_and_streams(house: House, spec: dict[str, Any]) -> None:
    alice = house.token("alice")
    search = house.http.post("/v1/searches", json=spec, headers={"Authorization": f"Bearer {alice}"}).json()["id"]
    cookie = {"Cookie": f"a=b; {COOKIE}={alice}"}
    assert house.http.get("/v1/me", headers=cookie).json()["name"] == "alice"
    stream = {**cookie, "Accept": "text/event-stream"}
    with house.http.stream("GET", f"/v1/searches/{search}/events", headers=stream) as answer:
        assert answer.status_code == 200
    assert house.http.get("/v1/me", headers={"Cookie": f"{COOKIE}=srnas_x"}).status_code == 401
    wrong_header = {**cookie, "Authorization": "Bearer wrong"}
    assert house.http.get("/v1/me", headers=wrong_header).status_code == 401


def test_a_change_with_the_cookie_takes_the_proof_of_a_page(house: House, spec: dict[str, Any]) -> None:
    alice, bob = house.token("alice"), house.token("bob")
    cookie = {"Cookie": f"{COOKIE}={alice}"}
    for wrong in ({}, {PROOF_HEADER: ""}, {PROOF_HEADER: proof_of(bob)}, {PROOF_HEADER: "é"}):
        headers = {**cookie, **{name: value.encode() for name, value in wrong.items()}}
        refused = house.http.post("/v1/searches", json=spec, headers=headers)
        assert refused.status_code == 403
        assert PROOF_HEADER in refused.json()["hint"]
    proven = {**cookie, PROOF_HEADER: proof_of(alice)}
    foreign = house.http.post("/v1/searches", json=spec, headers={**proven, "Origin": "http://evil.example"})
    assert foreign.status_code == 403
    assert house.http.post("/v1/searches", json=spec, headers=proven).status_code == 202
    assert f'content="{proof_of(alice)}"' in house.http.get("/", headers=house.as_(alice)).text


def test_not_even_origins_that_may_read_change_anything_with_a_cookie(
    settings: ApiSettings, store: MemoryStore, spec: dict[str, Any]
) -> None:
    update = {"require_token": True, "cors_origins": ("https://lab.example",)}
    with connect(create_app(settings.model_copy(update=update), store)) as http:
        token = Tokens(store, utc_now).create("alice", Role.SUBMITTER, by="root")[1]
        headers = {"Cookie": f"{COOKIE}={token}", PROOF_HEADER: proof_of(token), "Origin": "https://lab.example"}
        assert http.post("/v1/searches", json=spec, headers=headers).status_code == 403


def test_wrong_tokens_are_refused_and_soon_not_looked_at(house: House) -> None:
    seen = [house.sign_in("srnas_00000000_" + "x" * 43) for _ in range(11)]
    assert [answer.status_code for answer in seen] == [401] * 10 + [429]
    assert all("set-cookie" not in answer.headers for answer in seen)
    assert "no token of this service" in check_page(seen[0])
    assert int(seen[-1].headers["retry-after"]) > 0
    assert house.sign_in("ünïcode").status_code == 429


def test_a_token_that_is_none_any_more_is_dropped(house: House) -> None:
    stale = house.as_("srnas_00000000_" + "x" * 43)
    for path in ("/", "/sign-in"):
        assert "Max-Age=0" in house.http.get(path, headers=stale).headers["set-cookie"]


def test_whoever_is_signed_in_goes_on_from_the_form(house: House) -> None:
    signed_in = house.as_(house.token("alice"))
    assert house.http.get("/sign-in?next=/models", headers=signed_in).headers["location"] == "/models"


def test_signing_out_takes_the_proof_and_forgets_the_token(house: House) -> None:
    alice = house.token("alice")
    cookie = house.as_(alice)
    assert house.http.post("/sign-out", data={"csrf": "x"}, headers=cookie).status_code == 403
    out = house.http.post("/sign-out", data={"csrf": proof_of(alice)}, headers=cookie)
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert out.headers["set-cookie"].startswith(f"{COOKIE}=; ")
    assert house.http.post("/sign-out", data={"csrf": ""}, headers={"Origin": "http://evil.example"}).status_code == 403


def test_forms_of_other_sites_sizes_and_kinds_are_refused(house: House) -> None:
    alice = house.token("alice")
    assert house.http.post("/sign-in", data={"token": alice}, headers={"Origin": "null"}).status_code == 403
    assert house.http.post("/sign-in", data={"token": "x" * MOST_BYTES}).status_code == 413
    assert house.http.post("/sign-in", json={"token": alice}).status_code == 400
    assert house.http.post("/sign-in", content=b"&".join([b"a=b"] * 9), headers=FORM).status_code == 400
    assert house.http.post("/sign-in", content=b"\xff\xfe", headers=FORM).status_code == 400


def test_no_token_is_logged_and_none_is_in_a_url(house: House) -> None:
    token = house.token("alice")
    with capture_logs() as log:
        answer = house.sign_in(token, next="/models")
        house.http.get("/", headers=house.as_(token))
        house.http.get("/sign-in", headers=house.as_("srnas_11111111_" + "y" * 43))
    assert len(log) >= 3
    assert not re.search(r"srnas_\w{8}_", repr(log))
    assert "srnas_" not in answer.headers["location"]


def test_where_no_token_is_needed_a_cookie_says_nothing(http: httpx.Client, spec: dict[str, Any]) -> None:
    for cookie in ({}, {"Cookie": f"{COOKIE}=srnas_of_another_port"}):
        text = check_page(http.get("/", headers=cookie))
        assert "local" in text
        assert "Sign out" not in text
        assert http.post("/v1/searches", json=spec, headers=cookie).status_code == 202
        assert http.get("/sign-in?next=/models", headers=cookie).headers["location"] == "/models"
        assert http.post("/sign-in", data={"token": "x"}, headers=cookie).headers["location"] == "/"
    foreign = http.post("/v1/searches", json=spec, headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403


@given(st.text(max_size=40) | st.text("/\\.:@ \t\nab", max_size=12))
def test_nobody_is_sent_to_another_host(wanted: str) -> None:
    found = httpx.URL("http://localhost/sign-in").join(local_path(wanted))
    assert found.host == "localhost"
    assert local_path(wanted).startswith("/")
    assert not local_path(wanted).startswith(("//", "/\\"))
    assert not re.search(r"[\s\\]", local_path(wanted))


# -- searches ----------------------------------------------------------------------------------------------------------


def row_of(text: str, search_id: str) -> str:
    """The row of a search, as text."""
    (row,) = re.findall(rf'<tr data-id="{search_id}".*?</tr>', text, re.DOTALL)
    return str(row)


def test_a_row_tells_a_search_at_a_glance(http: httpx.Client, recorded: Any) -> None:
    row = row_of(check_page(http.get("/")), recorded.id)
    for told in ("sample", "running", "30.25 dB", "+2.25 dB", "4 of 10", 'value="40"', "<polyline points=", "local"):
        assert told in row, told
    assert f'href="/searches/{recorded.id}"' in row
    assert re.findall(r'data-action="(\w+)"', row) == ["pause", "extend", "cancel"]
    assert f'href="/searches/new?from={recorded.id}"' in row


def test_buttons_are_shown_to_whom_they_obey_only(house: House, spec: dict[str, Any]) -> None:
    alice = house.token("alice")
    house.http.post("/v1/searches", json=spec, headers={"Authorization": f"Bearer {alice}"})
    people = {
        alice: True,
        house.token("bob"): False,
        house.token("eve", Role.VIEWER): False,
        house.token("root", Role.ADMIN): True,
    }
    for token, may in people.items():
        assert ("data-action" in check_page(house.http.get("/", headers=house.as_(token)))) is may


def test_everybody_who_may_submit_may_clone_any_search(house: House, spec: dict[str, Any]) -> None:
    alice = {"Authorization": f"Bearer {house.token('alice')}"}
    search = house.http.post("/v1/searches", json=spec, headers=alice).json()["id"]
    for role, may in {Role.VIEWER: False, Role.SUBMITTER: True}.items():
        bearer = house.as_(house.token(f"some-{role}", role))
        for url in ("/", f"/searches/{search}"):
            text = house.http.get(url, headers=bearer).text
            assert (f"/searches/new?from={search}" in text) is may
            assert "data-action" not in text


@pytest.mark.parametrize(
    ("steps", "buttons"),
    [([], ["pause", "extend", "cancel"]), (["pause"], ["resume", "extend", "cancel"]), (["cancel"], [])],
)
def test_buttons_are_those_of_the_state(
    http: httpx.Client, spec: dict[str, Any], steps: list[str], buttons: list[str]
) -> None:
    search = http.post("/v1/searches", json=spec).json()["id"]
    for step in steps:
        assert http.post(f"/v1/searches/{search}/{step}").status_code == 200
    assert re.findall(r'data-action="(\w+)"', http.get("/").text) == buttons
    own = re.findall(r'data-action="(\w+)"', http.get(f"/searches/{search}").text)
    assert [button for button in own if button != "change"] == buttons
    assert ("change" in own) is ("cancel" in buttons)


def test_the_url_says_which_searches_are_shown(http: httpx.Client, spec: dict[str, Any]) -> None:
    first = http.post("/v1/searches", json={**spec, "name": "Straße"}).json()["id"]
    second = http.post("/v1/searches", json={**spec, "name": "other"}).json()["id"]
    http.post(f"/v1/searches/{second}/pause")
    for query, shown in {
        "state=paused": [second],
        "state=queued": [first],
        "q=STRASSE": [first],
        f"q={second}": [second],
        "q=local": [second, first],
        "state=&q=": [second, first],
        "state=queued&q=other": [],
    }.items():
        text = check_page(http.get(f"/?{query}"))
        assert re.findall(r'<tr data-id="(\w+)"', text) == shown, query
        assert ("No search is like that" in text) is not shown


def test_every_search_is_on_one_page_in_order(http: httpx.Client, spec: dict[str, Any]) -> None:
    made = [http.post("/v1/searches", json={**spec, "name": f"n{number % 2}"}).json()["id"] for number in range(43)]
    for query, wanted in {"": made, "?q=n1": made[1::2]}.items():
        url, seen = f"/{query}", list[str]()
        while url:
            text = http.get(url).text
            seen += re.findall(r'<tr data-id="(\w+)"', text)
            older = re.search(r'rel="next" href="([^"]+)"', text)
            url = older[1].replace("&amp;", "&") if older else ""
        assert seen == wanted[::-1]


def test_an_empty_page_says_how_to_begin(http: httpx.Client, house: House) -> None:
    first = check_page(http.get("/"))
    assert first.index('href="/searches/new?preset=first-look"') < first.index("srnas submit spec.json")
    looking = check_page(house.http.get("/", headers=house.as_(house.token("eve", Role.VIEWER))))
    assert "srnas submit" not in looking
    assert "/searches/new" not in looking


def test_the_preset_that_an_empty_page_names_is_accepted(http: httpx.Client) -> None:
    ((name, images),) = re.findall(r"srnas preset (\S+) --dataset (\S+)", http.get("/").text)
    assert http.post("/v1/searches", json=PRESETS[name].for_images(images)).status_code == 202


def test_commands_that_pages_show_are_those_of_the_program(http: httpx.Client) -> None:
    shown = "\n".join(re.findall(r"<code>(.*?)</code>", http.get("/").text + http.get("/models").text, re.DOTALL))
    commands = [words.split() for words in re.findall(r"^(?:SRNAS_URL=\S+ )?srnas ([^&\n]+)", shown, re.MULTILINE)]
    assert [words[0] for words in commands] == ["preset", "submit", "front", "finish"]
    verbs: Any = typer.main.get_command(verbs_of_the_program)
    for words in commands:
        verb = verbs.commands[words[0]]
        verb.make_context(words[0], words[1:]).close()


def test_a_page_that_did_not_change_is_not_sent_again(http: httpx.Client, spec: dict[str, Any]) -> None:
    tag = http.get("/").headers["etag"]
    assert http.get("/", headers={"If-None-Match": tag}).status_code == 304
    http.post("/v1/searches", json=spec)
    assert http.get("/", headers={"If-None-Match": tag}).status_code == 200


def test_a_sparkline_stays_in_its_box_and_ends_at_the_last_outcome() -> None:
    course = [(count, float(count - 1)) for count in range(1, 301)]
    points = [tuple(map(float, pair.split(","))) for pair in sparkline(course).split()]
    assert points == sorted(points)
    assert (points[0], points[-1]) == ((1.0, HEIGHT - 1.0), (WIDTH - 1.0, 1.0))
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    flat = [(count, 0.0) for count, _ in course]
    assert [sparkline(few) for few in ([], course[:1], flat)] == ["", "", ""]


def test_the_list_reads_no_whole_search_for_its_sparklines(
    http: httpx.Client, store: MemoryStore, recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "told_rows", None)
    (line,) = re.findall(r'<polyline[^>]* points="([^"]+)"', http.get("/").text)
    assert line.split()[-1] == f"{WIDTH - 1}.0,1.0"


# -- models ------------------------------------------------------------------------------------------------------------


def test_models_are_listed_with_what_can_be_fetched(http: httpx.Client, store: MemoryStore, recorded: Any) -> None:
    assert "No finished model yet" in check_page(http.get("/models"))
    http.post(f"/v1/candidates/{recorded.candidates[1].id}/trainings", json={"recipe": SHORT_RECIPE})
    model = finish_training(store).id
    for form in ("card", "onnx", "benchmark"):
        asked = http.post(f"/v1/models/{model}/exports", json={"format": form}).json()["id"]
        claimed = store.claim_artifact(at=datetime.now(UTC), stale_after_s=60)
        assert claimed is not None
        assert claimed.id == asked
        assert "benchmark being made" in (text := check_page(http.get("/models"))) or form != "benchmark"
        ready = replace(claimed, state=ArtifactState.READY, path=form, sha256="0" * 64, size_bytes=48_000)
        store.finish_artifact(replace(ready, finished_at=datetime.now(UTC)))
        text = check_page(http.get("/models"))
        assert f"/v1/artifacts/{asked}/file" in text or form == "benchmark"
    assert f'href="/v1/models/{model}/benchmark?format=md"' in text
    assert 'title="48 kB">onnx<' in text
    assert "+8.50 dB" in text


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*assets.OWN, assets.PLOTLY])
def test_files_are_served_to_everybody_and_kept_for_ever(house: House, name: str) -> None:
    zipped = house.http.get(assets.url(name), headers={"Accept-Encoding": "gzip"})
    plain = house.http.get(assets.url(name), headers={"Accept-Encoding": "identity"})
    assert zipped.content == plain.content == assets.content(name).body
    assert plain.headers["content-type"].partition(";")[0] == assets.OWN.get(name, "text/javascript")
    assert "immutable" in plain.headers["cache-control"]
    again = house.http.get(assets.url(name), headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert gzip.decompress(assets.content(name).zipped) == plain.content


@pytest.mark.parametrize(
    "name", ["../session.py", "%2e%2e%2fsession.py", "..%5c", "x.css", "", "page.css/", "page.css%00"]
)
def test_nothing_else_is_served(http: httpx.Client, name: str) -> None:
    digest = assets.url("page.css").split("/")[2]
    assert http.get(f"/static/{digest}/{name}").status_code in (307, 404)


def test_another_digest_is_another_file(http: httpx.Client) -> None:
    assert http.get("/static/0/page.css").status_code == 404


def test_scripts_import_what_is_in_the_table_and_load_nothing_else() -> None:
    for name, media_type in assets.OWN.items():
        text = assets.content(name).body.decode()
        if media_type == assets.SCRIPT:
            assert set(re.findall(r'from "\./([^"]+)"', text)) <= set(assets.OWN)
            assert not re.search(r"innerHTML|insertAdjacentHTML|\beval\b|document\.write", text)
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
        assert "@import" not in text


def luminance(colour: str) -> float:
    """Of an sRGB colour, as WCAG 2.2 has it."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_and_shapes_stand_out(scheme: int) -> None:
    style = assets.content("colours.css").body.decode()
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", style)
    colours = {name: pair[scheme] for name, *pair in found}
    grounds = [colours[name] for name in ("ground", "raised", "wash")]
    for ground in grounds:
        for words in ("ink", "soft", "blue", "vermillion"):
            assert contrast(colours[words], ground) >= 4.5, (words, ground)
        for shape in ("edge", "green", "orange", "purple"):
            assert contrast(colours[shape], ground) >= 3, (shape, ground)
    assert contrast(colours["on-blue"], colours["blue"]) >= 4.5


def test_every_state_has_a_shape_of_its_own(http: httpx.Client) -> None:
    text = http.get("/").text
    shapes = [re.search(rf'class="state {state}">(<svg.*?</svg>)', text, re.DOTALL) for state in SearchState]
    assert len({shape[1] for shape in shapes if shape}) == len(SearchState)
