// The strip above a plot: names over upright lines, in rows so that none covers another, and above them whatever lies
// beyond what the plot shows.

import { boundsOf } from "./cloud.js";
import { written } from "./figures.js";

const ROW = 14; // pixels
const SIGN = 8; // the width of one at most, in pixels
const GAP = 10;
const PADDING = 0.08; // of what candidates take, on either side

/** Where an axis has a value. */
const placeOn = ({ log }, value) => (log ? Math.log10(value) : value);

/** What an axis spans when it is fitted to candidates, bicubic and some values, in its own measure; null without any. */
export function spanOf(axis, every, beside) {
  const columns = every.map(({ figures }) => figures[axis.column]);
  const [least, most] = boundsOf([...columns, beside, [every[0].cloud.baseline[axis.column] ?? null]]);
  if (!Number.isFinite(least) || (axis.log && least <= 0)) return null;
  const [low, high] = [least, most].map((value) => placeOn(axis, value));
  const room = PADDING * (high - low || 1);
  return [low - room, high + room];
}

/** The arrow to what lies beyond spans; nothing where it lies within. */
function arrowTo(name, axes, spans) {
  for (const [end, less, more] of [["x", "←", "→"], ["y", "↓", "↑"]]) {
    if (name[end] === null || !spans[end]) continue;
    const at = placeOn(axes[end], name[end]);
    if (at < spans[end][0]) return [end, less];
    if (at > spans[end][1]) return [end, more];
  }
  return null;
}

/** Names over their lines, each in the lowest row that has room for it. */
function overLines(names, { x }, span, width) {
  const ends = []; // of every row, in pixels
  const known = names.filter((name) => name.y === null).sort((one, other) => one.x - other.x);
  const labels = known.map(({ title, x: value, hover }) => {
    const at = ((placeOn(x, value) - span[0]) / (span[1] - span[0])) * width;
    const wide = SIGN * title.length;
    const left = Math.max(0, Math.min(at - wide / 2, width - wide));
    const free = ends.findIndex((end) => end + GAP <= left);
    const row = free < 0 ? ends.length : free;
    ends[row] = left + wide;
    const xanchor = left <= 0 ? "left" : left >= width - wide ? "right" : "center";
    return { text: title, hovertext: hover, x: placeOn(x, value), xref: "x", xanchor, yshift: row * ROW };
  });
  return [labels, ends.length];
}

/** Names of what lies beyond, with their figures, in lines of some width. */
function beyondLines(found, axes, width) {
  const lines = [];
  for (const [name, [end, arrow]] of found) {
    const text = `${name.title} ${written(axes[end].column, name[end])} ${arrow}`;
    const longer = lines.length ? `${lines.at(-1)}   ${text}` : text;
    if (lines.length && SIGN * longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(text);
  }
  return lines;
}

/**
 * Annotations of plotly for names `{ title, x, y, hover }` over axes `{ x, y }` that show `spans`, and the height that
 * they take; `width` is that of the plot, in pixels. The one named "beyond" has what `spans` leave out.
 */
export function strip(names, axes, spans, width, colours) {
  const found = names.map((name) => [name, arrowTo(name, axes, spans)]);
  const within = found.filter(([, arrow]) => !arrow).map(([name]) => name);
  const beyond = found.filter(([, arrow]) => arrow).sort(([one, [end]], [other]) => one[end] - other[end]);
  const [labels, rows] = spans.x ? overLines(within, axes, spans.x, width) : [[], 0];
  const lines = beyondLines(beyond, axes, width);
  const common = { y: 1, yref: "paper", yanchor: "bottom", showarrow: false, borderpad: 0 };
  const font = { color: colours.soft, size: 11 };
  const annotations = labels.map((label) => ({ ...common, font, ...label }));
  if (lines.length) {
    const edge = { x: 1, xref: "paper", xanchor: "right", align: "right", yshift: rows * ROW, captureevents: true };
    annotations.push({ ...common, font, ...edge, name: "beyond", text: lines.join("<br>") });
  }
  return { annotations, height: ROW * (rows + lines.length) };
}
