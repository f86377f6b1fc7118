// Keeps the page of a search up to date. Its events say when to look; the service draws every part anew, and what
// differs goes into this page, so that nothing jumps and the focus stays.

import { found, held, lost } from "./connection.js";
import { makeCurves } from "./curves.js";
import { makeFront } from "./front.js";
import { patchLog } from "./log.js";
import { makeLosses } from "./losses.js";
import { say } from "./notices.js";
import { makeOthers, namedBeside } from "./others.js";
import { pageReader, read as readDocument, reader } from "./requests.js";
import { steer } from "./steering.js";
import { read } from "./stream.js";

const SETTLE_MS = 2000;
const FIRST_MS = 1000;
const LONGEST_MS = 30_000;
const MOST = 2000; // candidates that are drawn: with more, each redraw holds up whoever clicks for half a second
const LOST = "connection lost";
const REST = 10; // plots rest for so many times as long as they took to draw

const search = document.getElementById("search");
const connection = document.getElementById("connection");
const searchId = search.dataset.id;
const own = `/v1/searches/${encodeURIComponent(searchId)}`;
const openCandidate = (id) => location.assign(`/candidates/${encodeURIComponent(id)}`);
const compare = {
  recent: async () => (await readDocument("/v1/searches?limit=50")).items,
  search: (id) => readDocument(`/v1/searches/${encodeURIComponent(id)}`),
  cloud: (id) => reader(`/v1/searches/${encodeURIComponent(id)}/cloud?most=${MOST}`),
};
const sources = { read: reader(`${own}/cloud?most=${MOST}`), readMembers: reader(`${own}/front`), compare };
const refreshPlots = [
  makeFront(searchId, { ...sources, name: search.dataset.name, open: openCandidate }),
  makeCurves(searchId, { read: reader(`${own}/history`), name: search.dataset.name, others: makeOthers(searchId) }),
];
const losses = makeLosses(searchId, search);
const readPage = pageReader();
const drawnAs = new Map(); // what the service gave for each part: scripts draw into some
let timer = null;
let due = Infinity; // when the page is looked at again
let looking = false;
let outcomes = false;
let drawing = Promise.resolve();
let drawn = 0;
let took = 0;
let beside = namedBeside();

// -- what is shown ----------------------------------------------------------------------------------------------------

/** Put what differs in a fresh page into this one. */
function patch(fresh) {
  const { state, name } = fresh.dataset;
  if (search.dataset.state !== state) say(`${name} is ${state}`);
  search.dataset.state = state;
  const focused = document.activeElement;
  const around = focused?.closest("[data-part]")?.dataset.part;
  for (const part of search.querySelectorAll("[data-part]")) {
    const wanted = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    bring(part, drawnAs.get(part.dataset.part), wanted);
    drawnAs.set(part.dataset.part, wanted);
  }
  if (around && !focused.isConnected) refocus(search.querySelector(`[data-part="${around}"]`), focused);
  losses.draw();
  patchLog(fresh.querySelector("#log"));
  held();
}

/**
 * Bring what is shown from what the service drew before to what it draws now: what is alike stays, however deep it is,
 * with its focus and as far as it is scrolled.
 */
function bring(shown, before, wanted) {
  if (before.isEqualNode(wanted)) return;
  const [own, old, fresh] = [shown, before, wanted].map((node) => [...node.childNodes]);
  const isKept =
    fresh.length > 0 &&
    [own, old].every(({ length }) => length === fresh.length) &&
    before.cloneNode().isEqualNode(wanted.cloneNode());
  if (isKept) fresh.forEach((part, place) => bring(own[place], old[place], part));
  else shown.replaceWith(wanted.cloneNode(true));
}

/** Give the focus back to what took the place of an element. */
function refocus(part, lost) {
  const same = [...part.querySelectorAll("a, button")].find((one) => one.outerHTML === lost.outerHTML);
  (same ?? part.querySelector(lost.localName) ?? part.querySelector("a, button"))?.focus();
}

/** Ask for this page anew, and for what the plots show where an outcome has come. */
async function look() {
  due = Infinity;
  if (looking) return soon();
  if (document.hidden) return; // whoever comes back looks
  looking = true;
  try {
    const page = await readPage();
    if (connection.textContent !== LOST) foundAgain();
    if (page) patch(page.getElementById("search"));
    const rest = (outcomes ? Math.min(REST * took, LONGEST_MS) : LONGEST_MS) - (performance.now() - drawn);
    if (rest <= 0) await drawPlots();
    else soon(rest);
  } catch {
    outcomes = true;
    lost(); // of a search that has ended, no stream says so
  }
  looking = false;
  soon(LONGEST_MS); // times go on, and a busy service may have shown the moment before
}

/** Bring the plots up to date, once they are what was asked for before. */
function drawPlots() {
  drawing = drawing.then(refreshAll);
  return drawing;
}

async function refreshAll() {
  outcomes = false;
  drawn = performance.now();
  beside = namedBeside();
  try {
    for (const refresh of refreshPlots) await refresh(); // one by one: who asks for two at once is shown an older one
  } catch {
    outcomes = true;
    say("What the plots show cannot be fetched. Trying again …", { grave: true });
    soon(LONGEST_MS);
  }
  took = performance.now() - drawn;
}

/** Look in a moment, once for all that comes until then. */
function soon(wait = SETTLE_MS) {
  const at = performance.now() + wait;
  if (at >= due) return;
  clearTimeout(timer);
  due = at;
  timer = setTimeout(look, wait);
}

// -- what happens -----------------------------------------------------------------------------------------------------

/** Say how the connection is; once, for screen readers repeat it. */
function tell(words) {
  if (connection.textContent !== words) connection.textContent = words;
}

function opened() {
  tell("live");
  foundAgain();
}

function foundAgain() {
  if (!found()) return;
  outcomes = true;
  soon(0);
}

let wake = () => {};
const pause = (ms) => new Promise((done) => setTimeout((wake = done), ms));

/** Wait until somebody looks. */
async function seen() {
  if (document.hidden) await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
}

/** Follow the search's events. */
async function follow() {
  let after = Number(search.dataset.latest);
  let wait = FIRST_MS;
  const came = (ordinal, kind, detail) => {
    wait = FIRST_MS;
    after = Math.max(after, ordinal);
    losses.came(kind, detail);
    outcomes ||= kind !== "training_progress";
    soon();
  };
  for (;;) {
    await seen();
    const begun = performance.now();
    const end = await read(searchId, after, { opened, came });
    if (performance.now() - begun > LONGEST_MS) wait = FIRST_MS;
    if (end === "over") {
      foundAgain();
      tell("the search has ended");
      await pause(LONGEST_MS); // it may be given more to do
    } else if (end !== "left") {
      if (end === "broken") {
        tell(LOST); // one that proxies cut off is not lost unless it cannot be had again
        lost();
      }
      await pause(wait);
      wait = Math.min(2 * wait, LONGEST_MS);
    }
  }
}

search.querySelectorAll("[data-part]").forEach((part) => drawnAs.set(part.dataset.part, part.cloneNode(true)));
steer(search, () => {
  wake(); // it may go on
  return look();
});
window.navigation?.addEventListener("currententrychange", () => namedBeside() !== beside && drawPlots());
document.addEventListener("visibilitychange", () => document.hidden || soon(0));
soon(LONGEST_MS);
losses.begin(Number(search.dataset.latest)).catch(() => {}); // they begin with what comes
await drawPlots();
await follow();
