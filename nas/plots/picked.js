// Says in words what is selected, lists it, and marks it in the table of members.

import { rowsOf } from "./cloud.js";
import { made } from "./elements.js";
import { csvOf, save } from "./palette.js";
import { brief } from "./strands.js";

const LISTED = 60;
const MARKED = 200; // most members that a table has

/** A range in words. */
function rangeText(title, [least, most]) {
  if (least === null) return `${title} up to ${brief(most)}`;
  return most === null ? `${title} from ${brief(least)}` : `${title} ${brief(least)} to ${brief(most)}`;
}

/**
 * The line on a selection in a place; the function that is returned brings it up to date with prepared clouds and figures
 * `{ column, title }`. `open(id)` shows a candidate.
 */
export function makePicked(host, { searchId, selection, open }) {
  const line = made("span", "", { role: "status" });
  const clear = made("button", "small", { type: "button" }, "Clear");
  const file = made("button", "small", { type: "button" }, "CSV of the selection");
  const list = made("p", "ids");
  const more = made("details", "", {}, made("summary", "", {}, "Which"), list);
  const sheet = new CSSStyleSheet(); // marks rows and leaves them as they are, so that who compares them finds no change
  let shown = [];

  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  host.replaceChildren(made("div", "picked", {}, line, clear, file), more);
  clear.addEventListener("click", () => {
    selection.clear();
    document.getElementById("plot").focus(); // the button is gone
  });
  const holds = (one, number) => selection.of(one)[number];
  file.addEventListener("click", () => save(csvOf(rowsOf(shown, holds)), `selection-${searchId}.csv`));
  list.addEventListener("click", ({ target }) => target.dataset.id && open(target.dataset.id));

  const mark = (ids) => {
    const rows = ids.slice(0, MARKED).map((id) => `tr[data-candidate="${CSS.escape(id)}"]`);
    const which = `:is(${rows.join(", ") || "tr.none"})`;
    const faded = `tr[data-candidate]:not(${which})`;
    const marked = `${which} { background: var(--wash); } ${which} th::before { content: "✓ "; }`;
    sheet.replaceSync(`${faded}, ${faded} a { color: var(--soft); } ${marked}`);
  };

  return (every, figures) => {
    shown = every;
    host.hidden = false; // its room is kept, so that nothing moves under whoever selects
    host.classList.toggle("none", selection.empty);
    if (selection.empty) return sheet.replaceSync("");
    const bestFirst = (one) => Object.values(one.byKind).flat();
    const idsOf = (one) => bestFirst(one).filter((number) => holds(one, number)).map((number) => one.ids[number]);
    const ids = every.flatMap(idsOf);
    const members = every[0]?.byKind.front.filter((number) => holds(every[0], number)) ?? [];
    const count = every.reduce((sum, one) => sum + one.ids.length, 0);
    const title = (column) => figures.find((figure) => figure.column === column)?.title ?? column;
    const ranges = selection.ranges.map(([column, ends]) => rangeText(title(column), ends));
    const { shape } = selection;
    if (shape) ranges.push(`within the shape drawn over ${title(shape.x.column)} and ${title(shape.y.column)}`);
    const [some, all] = [ids.length, count].map((number) => number.toLocaleString("en"));
    line.textContent = `${some} of ${all} candidates selected: ${ranges.join(", ")}.`;
    mark(members.map((number) => every[0].ids[number]));
    more.hidden = !ids.length;
    list.replaceChildren(...ids.slice(0, LISTED).map((id) => made("button", "small", { type: "button", "data-id": id }, id)));
    if (ids.length > LISTED) list.append(` and ${(ids.length - LISTED).toLocaleString("en")} more, which the CSV has`);
  };
}
