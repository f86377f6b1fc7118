// The candidates of a search, and of others beside it: two plots that share a selection, with their choices in the page's
// address, so that it can be sent to somebody.

import { choicesIn } from "./address.js";
import { boundsOf, prepared, rowsOf, spansDecades } from "./cloud.js";
import { makeComparing } from "./comparing.js";
import { written } from "./figures.js";
import { csvOf, onTheme } from "./palette.js";
import { makeParallel } from "./parallel.js";
import { makePicked } from "./picked.js";
import { makeScatter } from "./scatter.js";
import { makeSelection } from "./selection.js";

const DOTTED =
  "A dotted line is a published network whose printed scores do not compare with this search's: it has a cost and no " +
  "score; point at its name for source and protocol. At the edge stand those beyond the candidates: a click shows " +
  "them, a double click goes back.";
const WAIT_MS = 120; // a drag is over, or rests, before everything follows it

/**
 * The plots of a search; the function that is returned brings them up to date.
 *
 * `read()` gives the search's cloud as the service has it, or null where it is as it was; `open(id)` shows a candidate.
 * Where there is a service: `name` is what people call the search, `readMembers()` gives its front with what seeds differ
 * by, and `compare` reaches other searches (see `makeComparing`). Places that the page lacks are left out. Choices are
 * kept in a part of the address, see `choicesIn`.
 */
export function makeFront(searchId, { read, open, name = searchId, readMembers = null, compare = null, keptIn = "search" }) {
  const [place, form, note, tones] = ["plot", "axes", "plot-note", "tones"].map((id) => document.getElementById(id));
  const [parallelPlace, pickedPlace, comparePlace] = ["parallel", "picked", "compare"].map((id) =>
    document.getElementById(id),
  );
  const selection = makeSelection();
  const choices = choicesIn(keptIn);
  const figures = [...form.elements.x.options].map(({ value, textContent, dataset }) => ({
    column: value, title: textContent, sense: dataset.sense, wide: "spread" in dataset,
  }));
  let own = null;
  let begun = false;
  let spreads = new Map();
  let timer = null;

  const every = () => [own, ...(comparing?.shown() ?? [])];
  const csv = () => csvOf(rowsOf(every()));
  const scatter = makeScatter(place, { searchId, selection, open, csv });
  const parallel = parallelPlace && makeParallel(parallelPlace, { searchId, selection, open, csv });
  const picked = pickedPlace && makePicked(pickedPlace, { searchId, selection, open });
  const changed = () => (keep(), drawAll());
  const comparing = compare && comparePlace && makeComparing(comparePlace, { searchId, compare, changed });

  // -- what is drawn -----------------------------------------------------------------------------------------------

  const figureAt = (axis) => ({ ...figures[form.elements[axis].selectedIndex], log: form.elements[`${axis}log`].checked });

  /** The legend of tones; plotly's own needs style attributes, which the policy refuses. */
  const explainTones = (column) => {
    tones.hidden = !column;
    if (!column) return;
    const bounds = boundsOf(every().map((shown) => shown.figures[column]));
    const ends = bounds.map((value) => written(column, Number.isFinite(value) ? value : null));
    const texts = [figures.find((figure) => figure.column === column).title, ...ends];
    texts.forEach((text, at) => (tones.children[at].textContent = text));
  };

  const remark = (unseen) => {
    const { cloud } = own;
    const [shown, all] = [cloud.ordinal.length, cloud.told + cloud.untold].map((count) => count.toLocaleString("en"));
    const beside = comparing?.remarks() ?? [];
    const owner = beside.length ? `“${name}”: ` : "";
    const evenly = shown === all ? "" : ", evenly spread, the front whole";
    const parts = [`${owner}${shown === all ? all : `${shown} of ${all}`} candidates${evenly}.`];
    for (const other of comparing?.shown() ?? []) parts.push(`“${other.name}”: ${other.ids.length.toLocaleString("en")}.`);
    if (unseen) parts.push(`${unseen.toLocaleString("en")} have no figure for these axes.`);
    if (spreads.size) parts.push("Bars are one standard deviation over the seeds of a member.");
    if (form.elements.published.checked) parts.push(DOTTED);
    if (beside.length) {
      parts.push("Filled marks are fronts, a colour and a shape for each search.");
      parts.push(`The table has the front of “${name}” alone.`);
    }
    return [...parts, ...beside].join(" ");
  };

  const drawScatter = () => {
    const [x, y] = [figureAt("x"), figureAt("y")];
    const [tone, big, published] = [form.elements.colour.value, form.elements.size.value, form.elements.published.checked];
    const unseen = scatter.draw({ every: every(), x, y, tone, big, published, spreads });
    explainTones(tone);
    note.textContent = remark(unseen);
  };

  const drawAll = () => {
    if (!own?.ids.length) return;
    drawScatter();
    parallel?.(every(), figures.map((figure) => ({ ...figure, log: figure.wide && decades(figure.column) })));
    picked?.(every(), figures);
  };

  // -- choices -----------------------------------------------------------------------------------------------------

  const decades = (column) => spansDecades(boundsOf(every().map((shown) => shown.figures[column])));

  const beginsLog = (axis) => {
    const { column, wide } = figureAt(axis);
    return wide && spansDecades(boundsOf([own.figures[column]]));
  };

  const choose = () => {
    const asked = choices.read();
    for (const axis of ["x", "y", "colour", "size"]) {
      const options = [...form.elements[axis].options];
      const first = options.findIndex((one) => "first" in one.dataset);
      const found = options.findIndex((one) => one.value === asked.get(axis));
      form.elements[axis].selectedIndex = found < 0 ? Math.max(0, first) : found;
    }
    form.elements.published.checked = asked.get("published") !== "0";
    for (const axis of ["x", "y"]) {
      const said = asked.get(`${axis}log`);
      form.elements[`${axis}log`].checked = said === null ? beginsLog(axis) : said === "1";
    }
  };

  /** Put choices into the address: those of the controls as they are made, and what is selected. */
  const keep = (made = {}) => {
    const asked = choices.read();
    for (const [choice, value] of Object.entries(made)) {
      if (value === null) asked.delete(choice);
      else asked.set(choice, value);
    }
    selection.write(asked);
    comparing?.write(asked);
    choices.write(asked);
  };

  form.addEventListener("change", ({ target }) => {
    const value = target.type === "checkbox" ? Number(target.checked) : target.value;
    keep({ ...(target.name === "x" || target.name === "y" ? { [`${target.name}log`]: null } : {}), [target.name]: value });
    choose();
    drawAll();
  });

  const settle = () => {
    keep();
    scatter.fade();
    picked?.(every(), figures);
  };
  selection.watch(() => {
    clearTimeout(timer);
    if (own?.ids.length) timer = setTimeout(settle, WAIT_MS);
  });
  onTheme(drawAll);

  // -- what comes ----------------------------------------------------------------------------------------------------

  const begin = async () => {
    const asked = choices.read();
    choose();
    selection.read(asked, figures.map(({ column }) => column));
    clearTimeout(timer); // what is drawn now has it
    drawAll();
    if (await comparing?.read(asked)) drawAll();
    begun = true;
  };

  return async () => {
    const found = await read();
    if (found) own = prepared(searchId, name, found);
    if (found && readMembers) {
      const members = (await readMembers())?.members ?? [];
      spreads = new Map(members.filter(({ spread }) => spread).map(({ id, spread }) => [id, spread]));
    }
    if (!own.ids.length) {
      place.firstElementChild.textContent = "No candidate yet: each one is drawn here as soon as it is asked for.";
    } else {
      if (!begun) return begin();
      const others = await comparing?.refresh();
      if (found || others) drawAll();
    }
  };
}
