// Candidates of searches over two figures, others as colour and size: draws them, and tells of what is pointed at and
// selected. Knows nothing of controls and addresses.

import { config, layout, palette } from "./palette.js";
import { FADED, fadingOf, tracesOf } from "./traces.js";

const TOOLS = ["zoom2d", "pan2d", "select2d", "lasso2d", "resetScale2d"];
const NARROW = 600; // pixels: below it names of the backdrop would cover the points
const HIDDEN = { range: [0, 1], visible: false, fixedrange: true };

/** An axis of plotly for `{ title, log }`. */
function axisOver({ title, log }, style, narrow) {
  const ticks = { dtick: narrow && log ? 1 : undefined, exponentformat: "SI" };
  return { ...style, ...ticks, title: { text: title }, type: log ? "log" : "linear", zeroline: false };
}

/** The outline of what is selected over two axes, where it speaks of them. */
function outlineOf(selection, { x, y }, colours) {
  const line = { color: colours.blue, width: 1.5, dash: "dash" };
  const shapes = [];
  const { shape } = selection;
  const same = (one, other) => one.column === other.column && one.log === other.log;
  if (shape && same(shape.x, x) && same(shape.y, y)) {
    const value = (axis, at) => (axis.log ? 10 ** at : at);
    const corners = shape.points.map(([across, up]) => `${value(x, across)},${value(y, up)}`);
    shapes.push({ type: "path", line, layer: "above", path: `M${corners.join("L")}Z` });
  }
  for (const [axis, ref, other] of [[x, "x", "y"], [y, "y", "x"]]) {
    for (const end of selection.range(axis.column)) {
      const across = { [`${ref}0`]: end, [`${ref}1`]: end, [`${other}0`]: 0, [`${other}1`]: 1, [`${other}ref`]: `${other} domain` };
      if (end !== null) shapes.push({ type: "line", line, layer: "above", ...across });
    }
  }
  return shapes;
}

/**
 * The plot in a place; `open(id)` shows a candidate, `csv()` gives all as text. What is returned can `draw` a view
 * `{ every, x, y, tone, big, published, spreads }` of prepared clouds, axes `{ column, title, sense, log }`, columns for
 * colour and size, whether published networks are there too, and by id what seeds differ by; `draw` tells how many
 * candidates have no figures for these axes.
 */
export function makeScatter(place, { searchId, selection, open, csv }) {
  let view = null;
  let drawn = []; // the candidates of every trace, or null
  let walked = -1; // along the front, by keys
  let ready = false;
  let changes = 0;

  const draw = () => {
    const colours = palette();
    const style = layout(colours);
    const narrow = place.clientWidth < NARROW;
    const [found, unseen] = tracesOf(view, colours, selection, !narrow);
    drawn = found.map(([, some]) => some);
    const shape = {
      ...style,
      xaxis: axisOver(view.x, style.xaxis, narrow),
      yaxis: axisOver(view.y, style.yaxis, narrow),
      xaxis2: { ...HIDDEN, overlaying: "x" },
      yaxis2: { ...HIDDEN, overlaying: "y" },
      hovermode: "closest",
      dragmode: place.layout?.dragmode ?? "zoom",
      showlegend: true,
      legend: { orientation: "h", y: narrow ? -0.28 : -0.16, x: 0, traceorder: "reversed", font: { size: 12 } },
      uirevision: [view.x, view.y].map(({ column, log }) => `${column} ${log}`).join(),
      selections: [],
      selectionrevision: ++changes, // what is selected is ours to say
      shapes: outlineOf(selection, view, colours),
    };
    if (!ready) place.replaceChildren();
    window.Plotly.react(place, found.map(([trace]) => trace), shape, config(`front-${searchId}`, csv, TOOLS));
    if (!ready) listen();
    return unseen;
  };

  /**
   * Fade what is not selected. Plotly would draw every point anew, which takes half a second for thousands; so the points
   * that are there are changed, and its data too, which pictures are made of.
   */
  const fade = () => {
    if (!ready) return;
    const colours = palette();
    drawn.forEach((some, number) => some && Object.assign(place.data[number], fadingOf(view, some, colours, selection)));
    paint();
    window.Plotly.relayout(place, { selections: [], shapes: outlineOf(selection, view, colours) });
  };

  /** Make points as strong as the selection has them, after plotly has drawn them. */
  const paint = () => {
    for (const group of place.querySelectorAll(".scatterlayer .trace")) {
      const some = drawn[group.__data__[0].trace.index];
      if (!some) continue;
      const chosen = selection.of(some.shown);
      const strength = (element, faded) => (chosen[some.numbers[element.__data__.i]] ? 1 : faded);
      for (const point of group.querySelectorAll(".point")) point.style.opacity = strength(point, FADED);
      for (const bar of group.querySelectorAll(".errorbar")) bar.style.opacity = strength(bar, 0);
    }
  };

  // -- what is pointed at and selected ---------------------------------------------------------------------------------

  const listen = () => {
    ready = true;
    place.on("plotly_click", ({ points }) => points[0].customdata && open(points[0].customdata));
    place.on("plotly_afterplot", paint);
    place.on("plotly_selected", selected);
    place.on("plotly_deselect", () => selection.clear());
  };

  const selected = (found) => {
    const { x, y } = view;
    if (found?.range?.x) {
      const sorted = (ends) => [...ends].sort((one, other) => one - other);
      selection.enclose(null);
      selection.brush({ [x.column]: sorted(found.range.x), [y.column]: sorted(found.range.y) });
    } else if (found?.lassoPoints?.x) {
      const at = ({ log }, value) => (log ? Math.log10(value) : value);
      const points = found.lassoPoints.x.map((across, corner) => [at(x, across), at(y, found.lassoPoints.y[corner])]);
      selection.enclose({ x: { column: x.column, log: x.log }, y: { column: y.column, log: y.log }, points });
    }
  };

  const walk = (event) => {
    const number = drawn.findLastIndex((some) => some?.kind === "front" && some.place === 0);
    if (number < 0) return;
    const { x, customdata } = place.data[number];
    const order = [...x.keys()].sort((one, other) => x[one] - x[other]);
    if (event.key === "Enter" && event.target === place && walked >= 0) return open(customdata[order[walked]]);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    walked = walked < 0 ? (step > 0 ? 0 : x.length - 1) : (walked + step + x.length) % x.length;
    window.Plotly.Fx.hover(place, [{ curveNumber: number, pointNumber: order[walked] }]);
  };

  place.addEventListener("keydown", walk);
  return {
    draw(wanted) {
      view = wanted;
      return draw();
    },
    fade,
  };
}
