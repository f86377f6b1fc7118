"""What a page costs the browser that opens it, and how well it answers while it changes. Drives a Chromium.

Times are the browser's own: `performance` for what a person waits for, and the DevTools protocol for what the main
thread of the tab was busy with. Nothing that the page itself does is changed.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Response, sync_playwright

from benchmarks.asking import share_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
VIEW = {"width": 1440, "height": 900}
PATIENCE_MS = 120_000

PARTS = "page", "cloud", "history", "plotly.min.js"
"""What is told of one by one: the page, and what addresses end in."""

OTHER = "other"

CLEAR = """
Object.assign(seen, { tasks: [], frames: [], delays: [] });
performance.clearResourceTimings();
performance.now()
"""

SCRIPT = """
let painted;
let waits = true;
window.seen = { tasks: [], frames: [], delays: [] };
window.seenDrawn = new Promise((done) => (painted = done));
new PerformanceObserver((list) => list.getEntries().forEach((task) => seen.tasks.push([task.startTime, task.duration])))
  .observe({ type: "longtask", buffered: true });
const hear = (event) => seen.delays.push(performance.now() - event.timeStamp);
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, hear, { capture: true });
let last = null;
const frame = (now) => {
  if (last !== null) seen.frames.push(now - last);
  last = now;
  if (waits && document.querySelector("#plot .point")) {
    waits = false;
    setTimeout(() => painted(performance.now())); // this frame is painted by then
  }
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
"""
"""Runs in every page before its own scripts: notes long tasks, frames, inputs, and when the plot was there."""

RESOURCES = """
[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .map((one) => [one.name, one.startTime, one.responseEnd, one.transferSize])
"""

Span = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What it took to open the page of a search.

    Attributes:
        drawn_s: From the start of the navigation until the front was painted.
        beyond_s: As much of that as nothing was being transferred.
        long_s: Tasks of more than 50 ms until then, together.
        busy_s: All work of the tab's main thread until then.
        script_s: Its scripts.
        layout_s: Its layout and styles.
        nodes: Nodes of all its documents.
        points: Candidates that the service sent.
        members: How many of them are on the front.
        kib: Bytes transferred, heads and bodies as compressed, by part; "other" for styles and scripts of our own.
        transfer_ms: Time of each part, from its request to its last byte.
    """

    drawn_s: float
    beyond_s: float
    long_s: float
    busy_s: float
    script_s: float
    layout_s: float
    nodes: int
    points: int
    members: int
    kib: Mapping[str, float]
    transfer_ms: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Watch:
    """How a page answered for some seconds.

    Attributes:
        longest_ms: The longest task; 0 where none took more than 50 ms.
        long_share: Share of the time that such tasks took.
        frame_p95_ms: What 5 % of the gaps between frames exceeded.
        frame_longest_ms: The longest gap.
        input_ms: The longest time that a click or a key waited for the page.
        heap_mib: By how much more memory scripts held at the end, garbage collected.
        requests_per_s: Requests in a second.
        kib_per_s: Bytes transferred in a second, those of the stream of events left out.
    """

    longest_ms: float
    long_share: float
    frame_p95_ms: float
    frame_longest_ms: float
    input_ms: float
    heap_mib: float
    requests_per_s: float
    kib_per_s: float


class Visit:
    """A page in a window of its own, with nothing in its cache.

    Args:
        context: The window; closing it is the caller's.
        url: Of the page of a search.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        context.add_init_script(SCRIPT)
        self._page: Page = context.new_page()
        self._page.set_default_timeout(PATIENCE_MS)
        self._protocol: CDPSession = context.new_cdp_session(self._page)
        self._protocol.send("Performance.enable")
        self._clouds: list[Response] = []
        self._page.on("response", self._note)
        self._url = url

    def _note(self, response: Response) -> None:
        if response.url.partition("?")[0].endswith("/cloud"):
            self._clouds.append(response)

    def open(self) -> Opening:
        """Go to the page, and stay there once its front is drawn."""
        self._page.goto(self._url, wait_until="commit")
        drawn_ms = self._page.evaluate("seenDrawn")  # scripts of ours that poll would need the policy to allow eval
        used = self._used()
        tasks = self._page.evaluate("seen.tasks")
        came = self._resources()
        cloud = json.loads(self._clouds[0].body())
        until_drawn = [(start, min(end, drawn_ms)) for _, start, end, _ in came if start < drawn_ms]
        return Opening(
            drawn_s=drawn_ms / 1000,
            beyond_s=(drawn_ms - covered(until_drawn)) / 1000,
            long_s=sum(length for start, length in tasks if start < drawn_ms) / 1000,
            busy_s=used["TaskDuration"],
            script_s=used["ScriptDuration"],
            layout_s=used["LayoutDuration"] + used["RecalcStyleDuration"],
            nodes=round(used["Nodes"]),
            points=len(cloud["ordinal"]),
            members=sum(cloud["front"]),
            kib=by_part(self._url, ((name, size / 1024) for name, _, _, size in came)),
            transfer_ms=by_part(self._url, ((name, end - start) for name, start, end, _ in came)),
        )

    def watch(self, seconds: float) -> Watch:
        """Stay there, and once a second click beside everything and press a key on the plot."""
        self._page.wait_for_load_state("load")
        heap = self._heap()
        began_ms = self._page.evaluate(CLEAR)
        self._use(seconds)
        seen, now_ms = self._page.evaluate("[seen, performance.now()]")
        came = self._page.evaluate(RESOURCES)[1:]
        spent_s = (now_ms - began_ms) / 1000
        lengths = [length for _, length in seen["tasks"]]
        return Watch(
            longest_ms=max(lengths, default=0.0),
            long_share=sum(lengths) / (1000 * spent_s),
            frame_p95_ms=share_of(seen["frames"] or [0.0], 0.95),
            frame_longest_ms=max(seen["frames"], default=0.0),
            input_ms=max(seen["delays"], default=0.0),
            heap_mib=(self._heap() - heap) / 2**20,
            requests_per_s=len(came) / spent_s,
            kib_per_s=sum(size for *_, size in came) / 1024 / spent_s,
        )

    def _resources(self) -> list[tuple[str, float, float, float]]:
        """Address, start, end (ms) and bytes of all that came, once the last of it, the history, is there."""
        limit = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < limit:
            came = [tuple(one) for one in self._page.evaluate(RESOURCES)]
            if any(name.endswith("/history") for name, *_ in came):
                return [one for one in came if one[2] > 0]
            self._page.wait_for_timeout(50)
        raise RuntimeError(f"{self._url} does not ask for its history")

    def _use(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._page.evaluate("document.getElementById('plot').focus({ preventScroll: true })")
            self._page.keyboard.press("ArrowRight")
            self._page.mouse.click(2, VIEW["height"] / 2)  # the margin
            self._page.wait_for_timeout(1000 * max(0.0, min(1.0, end - time.monotonic())))

    def _heap(self) -> float:
        self._protocol.send("HeapProfiler.collectGarbage")
        return self._used()["JSHeapUsedSize"]

    def _used(self) -> dict[str, float]:
        metrics = self._protocol.send("Performance.getMetrics")["metrics"]
        return {one["name"]: one["value"] for one in metrics}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium without a window; `RuntimeError` where there is none."""
    if CHROMIUM is None:
        raise RuntimeError("no Chromium here: install Debian's `chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(browser: Browser, url: str) -> Iterator[Visit]:
    """A visit to a page, in a window that is closed afterwards."""
    context = browser.new_context(viewport=VIEW)
    try:
        yield Visit(context, url)
    finally:
        context.close()


def by_part(page: str, values: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Values by address, added up by part.

    >>> found = by_part("http://host/a", [("http://host/a", 2.0), ("http://host/v1/searches/a/cloud?most=9", 1.0)])
    >>> found["page"], found["cloud"], found["other"]
    (2.0, 1.0, 0.0)
    """
    found = dict.fromkeys([*PARTS, OTHER], 0.0)
    for address, value in values:
        name = "page" if address == page else address.partition("?")[0].rpartition("/")[2]
        found[name if name in PARTS else OTHER] += value
    return found


def covered(spans: Sequence[Span]) -> float:
    """How much of the time spans cover, where they lie over one another once.

    >>> covered([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)])
    4.0
    """
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
