// The log of a search: new lines come by themselves unless nobody follows, older ones when they are asked for.

import { say } from "./notices.js";

const PAGES = 8; // read at once for one line of the sort that is shown

const list = document.getElementById("log");
const view = document.getElementById("log-view").elements;
const note = document.getElementById("log-note");
const older = document.getElementById("older");

let least = list.children.length; // lines that stay: those that somebody asked for do
let held = null; // the newest lines, while nobody follows

const ordinalOf = (line) => Number(line?.dataset.ordinal ?? 0);
const isNew = (line) => ordinalOf(line) > ordinalOf(list.firstElementChild);
const isShown = ({ dataset }) => {
  const { value } = view.sort;
  return !value || (value === "failed" ? "failed" in dataset : dataset.sort === value);
};

/** Hide what is not asked for, and say what that leaves. */
function sift() {
  const lines = [...list.children];
  lines.forEach((line) => (line.hidden = !isShown(line)));
  const shown = lines.filter((line) => !line.hidden).length;
  const waiting = held ? [...held.children].filter(isNew).length : 0;
  const parts = [view.sort.value && `${shown} of the last ${lines.length}`, waiting && `${waiting} new`];
  note.textContent = parts.filter(Boolean).join(", ");
}

/** Put new lines before those that are shown, and drop as many old ones as nobody asked for. */
export function patchLog(fresh) {
  if (!view.follow.checked) {
    held = fresh;
    return sift();
  }
  const newest = ordinalOf(list.firstElementChild);
  const lines = [...fresh.children];
  if (ordinalOf(lines.at(-1)) > newest + 1) {
    list.replaceChildren(...lines); // more came than a page shows: what is between is among the older ones
    least = lines.length;
    lead(ordinalOf(lines.at(-1)));
  } else {
    list.prepend(...lines.filter((line) => ordinalOf(line) > newest));
  }
  while (list.children.length > Math.max(least, lines.length)) {
    list.lastElementChild.remove();
    lead(ordinalOf(list.lastElementChild));
  }
  sift();
}

/** Lead to the lines before one. */
function lead(ordinal) {
  older.hidden = ordinal <= 1;
  older.href = `${location.pathname}/events?before=${ordinal}`;
}

/** Read older lines until there is one of the sort that is shown. */
async function readOlder() {
  for (let page = 0; page < PAGES && !older.hidden; page += 1) {
    const asked = older.href;
    const answer = await fetch(asked, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(20_000) });
    if (!answer.ok) throw new Error(answer.statusText);
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (older.href !== asked) return; // it leads elsewhere by now: these came already, or are not the next ones
    const lines = [...found.getElementById("log").children];
    const next = found.getElementById("older");
    older.hidden = next.hidden;
    older.href = next.getAttribute("href");
    list.append(...lines);
    least = list.children.length;
    if (lines.some(isShown)) break;
  }
  sift();
}

older.addEventListener("click", async (event) => {
  event.preventDefault();
  try {
    await readOlder();
  } catch {
    say("Older events cannot be fetched now. Try again in a moment.", { grave: true });
  }
  if (older.hidden) list.focus();
});
view.sort.addEventListener("change", sift);
view.follow.addEventListener("change", () => {
  const fresh = held;
  held = null;
  if (fresh && view.follow.checked) patchLog(fresh);
  else sift();
});
