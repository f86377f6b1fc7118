// How a search came to where it is, and others beside it: hypervolume or best PSNR, against evaluations and against time.

import { choicesIn } from "./address.js";
import { lookOf } from "./looks.js";
import { config, csvOf, layout, onTheme, palette } from "./palette.js";

const AXES = { "by-evaluations": ["evaluations", "evaluations"], "by-time": ["told_at", "time (UTC)"] };
const HOURS = "hours since its first outcome"; // searches side by side did not begin together
const FIGURES = {
  "": { field: "hypervolume", title: "hypervolume", none: "No hypervolume yet: it begins with the first network that is better than the reference." },
  psnr: { field: "best_psnr_db", title: "best PSNR (dB)", none: "No PSNR yet: it begins with the first full training that keeps the constraints." },
};
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
const CHOICE = "course"; // in the address

/** A text that plotly shows as it is: it would read markup. */
const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/**
 * Plots of how a search came to where it is; the function that is returned brings them up to date.
 *
 * `read()` gives the search's history as the service has it, or null where it is as it was; `others()` gives searches to
 * draw beside it, each with its id, its name, such a reader, and a `remark` on what of it does not compare, empty for none.
 * The choice is kept in a part of the address, see `choicesIn`.
 */
export function makeCurves(searchId, { read, name = searchId, others = async () => [], keptIn = "search" }) {
  const form = document.getElementById("course");
  const note = document.getElementById("course-note");
  const choices = choicesIn(keptIn);
  const held = new Map(); // points by id, of every search that was ever shown
  let every = [{ id: searchId, name }];

  const chosen = () => FIGURES[form?.elements.course.value ?? ""];
  const rows = () => [
    ["search", "evaluations", "told_at", "steps", "hypervolume", "best_psnr_db"],
    ...every.flatMap(({ id }) => pointsOf(id).map((point) => [id, point.evaluations, point.told_at, point.steps, point.hypervolume, point.best_psnr_db])),
  ];

  const pointsOf = (id) => held.get(id) ?? [];

  const traceOf = ({ id, name: called }, place, field, across, colours) => {
    const compared = every.length > 1;
    const seen = pointsOf(id).filter((point) => point[field] !== null);
    const color = colours[compared ? lookOf(place).colour : "blue"];
    const begin = Date.parse(pointsOf(id)[0]?.told_at);
    const at = (point) => (compared && across === "told_at" ? (Date.parse(point.told_at) - begin) / 3_600_000 : point[across]);
    return {
      x: seen.map(at),
      y: seen.map((point) => point[field]),
      name: plain(called),
      mode: seen.length < 60 ? "lines+markers" : "lines",
      line: { color, width: 2, shape: "hv", dash: DASHES[place] },
      marker: { color, size: 6, symbol: lookOf(compared ? place : 0).symbol },
      hovertemplate: `${compared ? `<b>${plain(called)}</b><br>` : ""}%{y:.6g} at %{x}<extra></extra>`,
    };
  };

  const draw = () => {
    const { field, title, none } = chosen();
    const colours = palette();
    const style = layout(colours);
    const compared = every.length > 1;
    for (const [id, [across, words]] of Object.entries(AXES)) {
      const place = document.getElementById(id);
      const traces = every.map((one, number) => traceOf(one, number, field, across, colours)).filter(({ x }) => x.length);
      if (!traces.length) {
        if (place.classList.contains("js-plotly-plot")) window.Plotly.purge(place);
        place.textContent = none;
        continue;
      }
      const ready = place.classList.contains("js-plotly-plot");
      if (!ready) place.replaceChildren();
      const xaxis = { ...style.xaxis, title: { text: compared && across === "told_at" ? HOURS : words } };
      const yaxis = { ...style.yaxis, title: { text: title }, rangemode: field === "hypervolume" ? "tozero" : "normal" };
      const legend = { orientation: "h", y: -0.3, x: 0, font: { size: 12 } };
      const shape = { ...style, xaxis, yaxis, legend, showlegend: compared, uirevision: `${field}${every.map((one) => one.id)}` };
      const once = ready ? [] : [config(`course-${id}-${searchId}`, () => csvOf(rows()))]; // again, it would undo a zoom
      window.Plotly.react(place, traces, shape, ...once);
    }
  };

  /** What must be said of searches beside one another. */
  const remark = () => {
    if (note) note.textContent = every.map((one) => one.remark ?? "").filter(Boolean).join(" ");
  };

  form?.addEventListener("change", ({ target }) => {
    const asked = choices.read();
    if (target.value) asked.set(CHOICE, target.value);
    else asked.delete(CHOICE);
    choices.write(asked);
    draw();
  });
  if (form) form.elements.course.value = choices.read().get(CHOICE) === "psnr" ? "psnr" : "";
  onTheme(() => held.size && draw());

  return async () => {
    const shown = [{ id: searchId, name, read }, ...(await others())];
    let fresh = shown.map(({ id }) => id).join() !== every.map(({ id }) => id).join();
    for (const one of shown) {
      const found = await one.read();
      if (found) held.set(one.id, found.points);
      fresh ||= found !== null;
    }
    every = shown;
    if (!fresh) return;
    draw();
    remark();
  };
}
