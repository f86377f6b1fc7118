// The losses of trainings in flight as they come: a small line for each, in the row of its worker.

import { read } from "./requests.js";

const MOST = 120; // points of a line; of more, every other one goes
const [WIDTH, HEIGHT] = [96, 24];
const EARLIER = 1000; // events that are read to begin with
const LOOK = { fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-linejoin": "round" };
const SVG = "http://www.w3.org/2000/svg";

/** The lines of a search; call `came` with each of its events, and `draw` whenever the rows of workers are new. */
export function makeLosses(searchId, place) {
  const lines = new Map(); // points [step, loss] by candidate
  let frame = null;

  const take = ({ candidate, step, loss }) => {
    if (typeof loss !== "number") return;
    const points = lines.get(candidate) ?? [];
    if (points.length && step < points.at(-1)[0]) points.length = 0; // it was started anew
    points.push([step, loss]);
    lines.set(candidate, points.length > MOST ? points.filter((_, number) => number % 2 || number === 0) : points);
  };

  const came = (kind, detail) => {
    if (kind === "told") lines.delete(`${searchId}-${detail.ordinal}`);
    if (kind !== "training_progress") return;
    take(detail);
    frame ??= requestAnimationFrame(draw); // hundreds may come at once
  };

  const draw = () => {
    frame = null;
    for (const cell of place.querySelectorAll("[data-loss]")) {
      const points = lines.get(cell.dataset.loss);
      if (points) show(cell, points);
    }
  };

  /** Take in what trainings in flight have told before the page was opened. */
  const begin = async (latest) => {
    if (!place.querySelector("[data-loss]")) return;
    const query = `after=${Math.max(0, latest - EARLIER)}&limit=${EARLIER}`;
    const { items } = await read(`/v1/searches/${encodeURIComponent(searchId)}/events?${query}`);
    const told = items.filter(({ ordinal, kind }) => ordinal <= latest && kind === "training_progress");
    told.forEach(({ detail }) => take(detail));
    draw();
  };

  return { begin, came, draw };
}

/** Show a line in a cell, with its last figure. */
function show(cell, points) {
  const [first, last] = [points[0], points.at(-1)];
  const losses = points.map(([, loss]) => loss);
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const x = (step) => 1 + ((WIDTH - 2) * (step - first[0])) / (last[0] - first[0] || 1);
  const y = (loss) => HEIGHT - 1 - ((HEIGHT - 2) * (loss - low)) / (high - low || 1);
  const text = figure(last[1]);
  cell.querySelector(".latest").textContent = text;
  if (points.length < 2) return;
  const svg = cell.querySelector("svg") ?? drawing(cell);
  svg.setAttribute("aria-label", `Loss from ${figure(first[1])} at step ${first[0]} to ${text} at step ${last[0]}`);
  const placed = points.map(([step, loss]) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`);
  svg.firstElementChild.setAttribute("points", placed.join(" "));
}

const figure = (loss) => loss.toLocaleString("en", { maximumSignificantDigits: 4 });

/** An empty line in a cell. */
function drawing(cell) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("class", "spark");
  svg.setAttribute("role", "img");
  const line = document.createElementNS(SVG, "polyline");
  Object.entries(LOOK).forEach(([name, value]) => line.setAttribute(name, value));
  svg.append(line);
  cell.prepend(svg);
  return svg;
}
