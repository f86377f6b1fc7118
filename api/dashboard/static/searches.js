// Keeps the list of searches up to date, and carries out what its buttons say. The service draws every row: what is new
// in its page goes into this one, cell by cell, so that nothing jumps and the focus stays.

import { found, lost } from "./connection.js";
import { say } from "./notices.js";
import { pageReader } from "./requests.js";
import { steer } from "./steering.js";

const EVERY_MS = 2000;
const LONGEST_MS = 30_000;

const live = document.getElementById("live");
const readPage = pageReader();
let wait = EVERY_MS;
let timer = null;
let looking = false;

/** Put what differs in a fresh row into a row that is shown. */
function patchRow(shown, fresh) {
  if (shown.dataset.state !== fresh.dataset.state) say(`${fresh.dataset.name} is ${fresh.dataset.state}`);
  Object.assign(shown.dataset, fresh.dataset);
  [...fresh.cells].forEach((cell, number) => {
    if (!shown.cells[number].isEqualNode(cell)) shown.cells[number].replaceWith(cell.cloneNode(true));
  });
}

/** The rows of a table by the id of their search. */
const rowsOf = (part) => new Map([...part.querySelectorAll("tr[data-id]")].map((row) => [row.dataset.id, row]));

/** Bring the list to what a fresh one shows. */
function patch(fresh) {
  const shown = rowsOf(live);
  const wanted = rowsOf(fresh);
  const focused = document.activeElement?.closest("tr[data-id]");
  const action = document.activeElement?.dataset.action;
  if ([...shown.keys()].join() === [...wanted.keys()].join() && shown.size) {
    wanted.forEach((row, id) => patchRow(shown.get(id), row));
  } else {
    live.replaceChildren(...fresh.childNodes);
  }
  if (focused && !live.contains(document.activeElement)) {
    const row = rowsOf(live).get(focused.dataset.id);
    (row?.querySelector(`[data-action="${action}"]`) ?? row?.querySelector("a"))?.focus();
  }
}

/** Ask for this page anew, and show what changed. */
async function look() {
  if (looking) return;
  looking = true;
  try {
    const page = await readPage();
    found();
    if (page) patch(page.getElementById("live"));
    wait = EVERY_MS;
  } catch {
    lost();
    wait = Math.min(2 * wait, LONGEST_MS);
  } finally {
    looking = false;
    again();
  }
}

/** Look again in a while, unless nobody sees it. */
function again() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(look, wait);
}

steer(live, look);
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
again();
