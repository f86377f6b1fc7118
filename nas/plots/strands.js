// Candidates as strands across upright axes, one axis a figure: where everything lies, and how a pen draws it.

import { boundsOf } from "./cloud.js";
import { lineOf } from "./looks.js";

const TOP = 62; // for what stands over an axis
const FOOT = 18;
const SIDE = 56;
const APART = 104; // least distance of two axes
const TICKS = 5;
const MARK = 3.5; // half of a mark on a strand of the front
const UNITS = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];

/** A figure in few signs, as exact as steps of some size ask for. */
export function brief(value, step = Math.abs(value) / 1000 || 1) {
  const [unit, sign] = UNITS.find(([least]) => Math.abs(value) >= least) ?? [1, ""];
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step / unit) + 1e-9)));
  const text = (value / unit).toFixed(digits);
  return (sign && text.includes(".") ? text.replace(/\.?0+$/, "") : text) + sign;
}

function evenTicks(low, high) {
  const raw = (high - low) / TICKS;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= raw);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, place) => (first + place) * step).map((value) => [value, brief(value, step)]);
}

function powerTicks(low, high) {
  const powers = [];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) powers.push(power);
  const inside = (value) => value >= low && value <= high;
  const values = (steps) => powers.flatMap((power) => steps.map((times) => times * power)).filter(inside);
  const fine = values([1, 2, 5]);
  return (fine.length > 8 ? values([1]) : fine).map((value) => [value, brief(value)]);
}

/** An axis over a domain: shares run from 0 at its foot to 1 at its top, which is the better end. */
function axisFrom({ column, title, sense, log }, [least, most]) {
  const flat = least === most;
  const [low, high] = flat ? (log ? [least / 1.1, most * 1.1] : [least - 0.5, most + 0.5]) : [least, most];
  const scale = log ? Math.log10 : (value) => value;
  const [from, span] = [scale(low), scale(high) - scale(low)];
  const turned = sense === "min";
  const share = (value) => {
    const up = (scale(value) - from) / span;
    return turned ? 1 - up : up;
  };
  const valueAt = (at) => {
    const up = from + (turned ? 1 - at : at) * span;
    return log ? 10 ** up : up;
  };
  return { column, title, log, turned, low, high, share, valueAt, ticks: (log ? powerTicks : evenTicks)(low, high) };
}

/** The figures that have values as axes within some width and height, and the places of all candidates on them. */
export function plan(every, figures, room, height) {
  const known = figures.map((figure) => [figure, boundsOf(every.map((shown) => shown.figures[figure.column]))]);
  const axes = known.filter(([, [least]]) => Number.isFinite(least)).map(([figure, bounds]) => axisFrom(figure, bounds));
  const width = Math.max(room, 2 * SIDE + APART * (axes.length - 1));
  const [top, bottom] = [TOP, height - FOOT];
  const heightOf = (share) => bottom - share * (bottom - top);
  axes.forEach((axis, place) => (axis.x = SIDE + (axes.length > 1 ? (place * (width - 2 * SIDE)) / (axes.length - 1) : 0)));
  const strands = every.map((shown) =>
    axes.map(({ column, share }) => Float32Array.from(shown.ids, (_, number) => {
      const value = shown.figures[column]?.[number] ?? null;
      return value === null ? NaN : heightOf(share(value));
    })),
  );
  return { every, axes, strands, width, height, top, bottom, heightOf, shareAt: (y) => (bottom - y) / (bottom - top) };
}

/** A candidate as lines: one for every run of figures that it has. */
export function linesOf({ axes, strands }, place, number) {
  const lines = [];
  let line = [];
  const end = () => {
    if (line.length === 2) line = [line[0] - 4, line[1], line[0] + 4, line[1]];
    if (line.length) lines.push(line);
    line = [];
  };
  axes.forEach(({ x }, axis) => {
    const y = strands[place][axis][number];
    if (Number.isNaN(y)) end();
    else line.push(x, y);
  });
  end();
  return lines;
}

/** Small squares where a candidate crosses the axes. */
function marksOf({ axes, strands }, place, number) {
  const at = axes.map(({ x }, axis) => [x, strands[place][axis][number]]).filter(([, y]) => !Number.isNaN(y));
  return at.map(([x, y]) => [x - MARK, y - MARK, x + MARK, y - MARK, x + MARK, y + MARK, x - MARK, y + MARK]);
}

/** Draw all candidates faintly: what those that are selected stand out from. */
export function drawRest(pen, places, colours) {
  places.every.forEach((shown, place) => {
    const alpha = Math.min(0.7, Math.max(0.25, 12 / Math.sqrt(shown.ids.length)));
    pen.lines(shown.ids.flatMap((_, number) => linesOf(places, place, number)), { colour: colours.line, alpha });
  });
}

/** Draw those candidates that are selected, the front last; `chosen(shown)` has a 1 for each of them. */
export function drawChosen(pen, places, colours, chosen) {
  const compared = places.every.length > 1;
  const kinds = Object.keys(places.every[0].byKind).reverse();
  for (const kind of kinds) {
    places.every.forEach((shown, place) => {
      const numbers = shown.byKind[kind].filter((number) => chosen(shown)[number]);
      if (!numbers.length) return;
      const style = lineOf(kind, place, compared, numbers.length);
      const colour = colours[style.colour];
      pen.lines(numbers.flatMap((number) => linesOf(places, place, number)), { ...style, colour });
      if (kind === "front") pen.shapes(numbers.flatMap((number) => marksOf(places, place, number)), { colour });
    });
  }
}

/** Draw the axes with what stands at them, and the ranges that are wanted; `range(column)` is one. */
export function drawAxes(pen, { axes, top, bottom, heightOf }, colours, range) {
  pen.lines(axes.map(({ x }) => [x, top, x, bottom]), { colour: colours.edge, width: 1.5 });
  for (const { column, title, turned, x, ticks, share, low, high } of axes) {
    pen.words(title, [x, 14], { colour: colours.ink, align: "center", size: 13, weight: 600 });
    pen.words(turned ? "↑ less is better" : "↑ more is better", [x, 32], { colour: colours.soft, align: "center", size: 11 });
    pen.lines(ticks.map(([value]) => [x - 5, heightOf(share(value)), x, heightOf(share(value))]), { colour: colours.edge });
    for (const [value, text] of ticks) drawBeside(pen, text, [x, heightOf(share(value))], colours);
    const [least, most] = range(column);
    if (least === null && most === null) continue;
    const [one, other] = [least ?? low, most ?? high].map((value) => heightOf(Math.min(1, Math.max(0, share(value)))));
    pen.shapes([[x - 7, one, x + 7, one, x + 7, other, x - 7, other]], { colour: colours.blue, alpha: 0.25 });
    pen.lines([[x - 7, one, x + 7, one, x + 7, other, x - 7, other, x - 7, one]], { colour: colours.blue, width: 1.5 });
  }
}

/** Words left of an axis on a ground that keeps them apart from the strands. */
function drawBeside(pen, text, [x, y], colours) {
  const wide = 6.2 * text.length + 3;
  pen.shapes([[x - 8 - wide, y - 7, x - 7, y - 7, x - 7, y + 7, x - 8 - wide, y + 7]], { colour: colours.raised, alpha: 0.75 });
  pen.words(text, [x - 9, y], { colour: colours.ink, align: "right", size: 11 });
}

/** The candidate whose strand passes nearest to a point, as `[place, number]`; null where none is near enough. */
export function nearest({ axes, strands, every }, chosen, [x, y], reach = 9) {
  const right = Math.min(axes.length - 1, Math.max(1, axes.findIndex((axis) => axis.x >= x)));
  const [from, to] = [axes[right - 1].x, axes[right].x];
  if (axes.length < 2 || x < from - reach || x > to + reach) return null;
  const share = Math.min(1, Math.max(0, (x - from) / (to - from)));
  let [found, least] = [null, reach];
  every.forEach((shown, place) => {
    const [left, next] = [strands[place][right - 1], strands[place][right]];
    const wanted = chosen(shown);
    for (let number = 0; number < left.length; number++) {
      const away = Math.abs(left[number] + share * (next[number] - left[number]) - y);
      const front = shown.kinds[number] === "front" ? 2 : 0; // it lies on top
      if (wanted[number] && away - front < least) [found, least] = [[place, number], away - front];
    }
  });
  return found;
}
