// Candidates of searches over two figures, others as colour and size: draws them, and tells of what is pointed at and
// selected. Knows nothing of controls and addresses.

import { BICUBIC } from "./backdrop.js";
import { config, layout, palette } from "./palette.js";
import { spanOf, strip } from "./strip.js";
import { FADED, fadingOf, tracesOf } from "./traces.js";

const TOOLS = ["zoom2d", "pan2d", "select2d", "lasso2d", "resetScale2d"];
const NARROW = 600; // pixels: below it the legend takes more lines, and ticks have less room
const FEW = 3; // ticks of a narrow logarithmic axis
const TAP = 4; // pixels: what is dragged as far was no click
const HIDDEN = { range: [0, 1], visible: false, fixedrange: true };

/** An axis of plotly for `{ title, log }` that shows a span of it, and no more than that where it is `tight`. */
function axisOver({ title, log }, style, narrow, span, tight) {
  const ticks = { nticks: narrow && log ? FEW : undefined, exponentformat: "SI" };
  const include = span?.map((at) => (log ? 10 ** at : at));
  const [clipmin, clipmax] = (tight && include) || [];
  const fitted = { autorangeoptions: { clipmin, clipmax, include } };
  return { ...style, ...ticks, ...fitted, title: { text: title }, type: log ? "log" : "linear", zeroline: false };
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
  let whole = false; // whether the axes take in what lies beyond the candidates
  let press = null; // of a pointer that is down in the plot: { x, y }
  let last = null; // and of the last one
  let late = false; // whether something is to be drawn as soon as it is up
  let hovered = null; // the id of the candidate whose figures are shown

  /** Draw the view, or have it drawn once no pointer is down; the count of candidates without figures for its axes. */
  const draw = () => {
    const colours = palette();
    const [found, unseen, names] = tracesOf(view, colours, selection);
    if (press) late = true;
    else show(found, names, colours);
    return unseen;
  };

  const show = (found, names, colours) => {
    const style = layout(colours);
    const narrow = place.clientWidth < NARROW;
    const { x, y } = view;
    const beside = (end) => (whole ? names.map((name) => name[end]) : []);
    const spans = { x: spanOf(x, view.every, beside("x")), y: spanOf(y, view.every, beside("y")) };
    const width = place.clientWidth - style.margin.l - style.margin.r;
    const { annotations, height } = strip(names, { x, y }, spans, width, colours);
    const tight = (end) => names.some((name) => name[end] !== null && name.title !== BICUBIC);
    const pointed = hovered;
    drawn = found.map(([, some]) => some);
    const shape = {
      ...style,
      margin: { ...style.margin, t: style.margin.t + height },
      annotations,
      xaxis: axisOver(x, style.xaxis, narrow, spans.x, tight("x")),
      yaxis: axisOver(y, style.yaxis, narrow, spans.y, tight("y")),
      xaxis2: { ...HIDDEN, overlaying: "x" },
      yaxis2: { ...HIDDEN, overlaying: "y" },
      hovermode: "closest",
      dragmode: place.layout?.dragmode ?? "zoom",
      showlegend: true,
      legend: { orientation: "h", y: narrow ? -0.28 : -0.16, x: 0, traceorder: "reversed", font: { size: 12 } },
      uirevision: [...[x, y].map(({ column, log }) => `${column} ${log}`), whole].join(),
      selections: [],
      selectionrevision: ++changes, // what is selected is ours to say
      shapes: outlineOf(selection, view, colours),
    };
    if (!ready) place.replaceChildren();
    // given again, the configuration would be taken for another one: plotly then forgets how far it is zoomed
    const once = ready ? [] : [config(`front-${searchId}`, csv, TOOLS)];
    window.Plotly.react(place, found.map(([trace]) => trace), shape, ...once);
    if (!ready) listen();
    if (pointed) point(pointed);
  };

  /** Show the figures of a candidate as if it were pointed at. */
  const point = (id) => {
    for (const [curveNumber, some] of drawn.entries()) {
      const pointNumber = some?.numbers.findIndex((number) => some.shown.ids[number] === id) ?? -1;
      if (pointNumber >= 0) return window.Plotly.Fx.hover(place, [{ curveNumber, pointNumber }], some.low ? "xy2" : "xy");
    }
  };

  /**
   * Fade what is not selected. Plotly would draw every point anew, which takes half a second for thousands; so the points
   * that are there are changed, and its data too, which pictures are made of.
   */
  const fade = () => {
    if (!ready) return;
    if (press) return void (late = true);
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
    place.on("plotly_click", ({ points, event }) => {
      const id = points[0].customdata;
      if (id && !isDrag(event)) open(id);
    });
    place.on("plotly_hover", ({ points }) => (hovered = points[0].customdata ?? null));
    place.on("plotly_unhover", () => (hovered = null));
    place.on("plotly_clickannotation", ({ annotation }) => annotation.name === "beyond" && fit(false));
    place.on("plotly_doubleclick", () => whole && fit(true));
    place.on("plotly_afterplot", paint);
    place.on("plotly_selected", selected);
    place.on("plotly_deselect", () => selection.clear());
  };

  /** Fit the axes to the candidates, or to all that is drawn. */
  const fit = (wanted) => {
    whole = !wanted;
    draw();
  };

  /** Whether an event ends far from where its pointer went down. */
  const isDrag = (event) => last && event && Math.hypot(event.clientX - last.x, event.clientY - last.y) >= TAP;

  const released = () => {
    if (!press) return;
    press = null;
    setTimeout(() => late && !press && ((late = false), draw())); // plotly takes its part of the event first
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
  place.addEventListener("pointerdown", ({ clientX, clientY }) => (press = last = { x: clientX, y: clientY }), true);
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, released, true);
  return {
    draw(wanted) {
      view = wanted;
      return draw();
    },
    fade,
  };
}
