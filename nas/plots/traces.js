// Candidates as traces of plotly: a trace for every search and kind. Knows nothing of where they are drawn.

import { backdrop } from "./backdrop.js";
import { boundsOf, KINDS, staircase } from "./cloud.js";
import { written } from "./figures.js";
import { lookOf, markOf, toneAt } from "./looks.js";

const FOOT = 0.02; // how high those lie that have no figure for the axis that goes up
/** How much is left of a candidate that is not selected. */
export const FADED = 0.1;
const NAME = 28; // signs of a name in the legend
const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "%": "&#37;" };

/** A name as plotly shows it sign for sign: neither as markup nor as one of its templates. */
function plain(name) {
  const cut = name.length > NAME ? `${name.slice(0, NAME - 1)}…` : name;
  return cut.replace(/[&<>%]/g, (sign) => SIGNS[sign]);
}

/** A column as sizes of marks, or as tones; those without a value are small, or of a colour of their own. */
function sized(column, numbers, [least, most]) {
  return numbers.map((number) => (column?.[number] == null ? 5 : 6 + (16 * (column[number] - least)) / (most - least || 1)));
}
function toned(column, numbers, [least, most], unknown) {
  return numbers.map((number) => (column?.[number] == null ? unknown : toneAt((column[number] - least) / (most - least || 1))));
}

/** Which points of a trace are selected, as plotly takes them; null where nothing narrows the selection. */
function pickedOf(selection, { shown, numbers }) {
  if (selection.empty) return null;
  const chosen = selection.of(shown);
  return numbers.flatMap((number, point) => (chosen[number] ? [point] : []));
}

function markersOf({ every, tone, big, spans }, { place, shown, kind, numbers }, colours) {
  const { symbol, colour, size } = markOf(kind, place, every.length > 1);
  const color = tone ? toned(shown.figures[tone], numbers, spans.tone, colours.soft) : colours[colour];
  const edge = kind === "front" ? colours.raised : color; // it draws open shapes
  return { symbol, size: big ? sized(shown.figures[big], numbers, spans.big) : size, color, line: { width: 1.5, color: edge } };
}

/** Bars of one standard deviation, both ways, for those that several seeds have confirmed and that are selected. */
function barsOf({ spreads }, { shown, kind, numbers }, column, color, chosen) {
  const bar = (number) => (chosen[number] && spreads.get(shown.ids[number])?.[column]) || null;
  const array = kind === "front" ? numbers.map(bar) : [];
  return array.some(Boolean) ? { type: "data", array, color, thickness: 1, width: 3 } : { visible: false };
}

/** What the selection changes of a trace. */
export function fadingOf(view, some, colours, selection) {
  const chosen = selection.of(some.shown);
  const color = colours[markOf(some.kind, some.place, view.every.length > 1).colour];
  return {
    selectedpoints: pickedOf(selection, some),
    error_x: barsOf(view, some, view.x.column, color, chosen),
    error_y: barsOf(view, some, view.y.column, color, chosen),
  };
}

function pointsOf(view, some, colours, selection) {
  const { every, x, y } = view;
  const { shown, kind, numbers, low } = some;
  const compared = every.length > 1;
  const { figures, ids, operators, name, searchId } = shown;
  // no bold words: plotly writes them as style attributes, which the policy of pages refuses
  const head = `%{customdata} ${KINDS[kind]}, %{text}`;
  const search = compared ? [plain(name)] : [];
  const axes = low ? [x] : [x, y];
  const told = (number) => axes.map(({ column, title }) => `${title} ${written(column, figures[column][number])}`);
  return {
    type: "scatter",
    mode: "markers",
    uid: `${searchId} ${kind} ${low}`,
    name: compared ? plain(name) : KINDS[kind],
    legendgroup: compared ? searchId : kind,
    x: numbers.map((number) => figures[x.column][number]),
    y: low ? numbers.map(() => FOOT) : numbers.map((number) => figures[y.column][number]),
    yaxis: low ? "y2" : "y",
    customdata: numbers.map((number) => ids[number]),
    text: numbers.map((number) => [operators[number], ...search, ...told(number)].join("<br>")),
    marker: markersOf(view, some, colours),
    unselected: { marker: { opacity: FADED } },
    ...fadingOf(view, some, colours, selection),
    hovertemplate: `${head}<extra></extra>`,
  };
}

/** The front of a search as a line: from each step to the next one, what its better neighbour has is reached already. */
function stairsOf({ every, x, y }, { place, shown, numbers }, colours) {
  const [across, up] = [x, y].map(({ column }) => shown.figures[column]);
  const path = staircase(numbers, [across, up], [x.sense, y.sense]);
  return {
    type: "scatter",
    mode: "lines",
    uid: `${shown.searchId} stairs`,
    x: path.map((number) => across[number]),
    y: path.map((number) => up[number]),
    line: { color: colours[lookOf(place).colour], width: 1.5, shape: x.sense === "max" ? "vh" : "hv" },
    legendgroup: every.length > 1 ? shown.searchId : "front",
    hoverinfo: "skip",
    showlegend: false,
  };
}

/** The candidates of a search that two axes can show, by kind, its front last; and how many they cannot. */
function placed(shown, place, { x, y }) {
  const has = ({ column }) => (number) => (shown.figures[column]?.[number] ?? null) !== null;
  const found = [];
  let unseen = 0;
  for (const kind of Object.keys(KINDS).reverse()) {
    const known = shown.byKind[kind].filter(has(x));
    const numbers = known.filter(has(y));
    const foot = kind === "flying" || kind === "failed" ? known.filter((number) => !has(y)(number)) : [];
    unseen += shown.byKind[kind].length - numbers.length - foot.length;
    if (foot.length) found.push({ place, shown, kind, numbers: foot, low: true });
    if (numbers.length) found.push({ place, shown, kind, numbers, low: false });
  }
  return [found, unseen];
}

/** Traces without a point, for the legend: what marks mean that are no search's own. */
function keysOf(every, colours) {
  const strange = Object.keys(KINDS).filter((kind) => kind !== "front" && kind !== "dominated");
  const there = strange.filter((kind) => every.some(({ byKind }) => byKind[kind].length)).reverse();
  return there.map((kind) => {
    const marker = { ...markOf(kind, 0, false), color: colours.soft };
    return { type: "scatter", mode: "markers", uid: `key ${kind}`, name: KINDS[kind], x: [null], y: [null], marker };
  });
}

/**
 * All traces of a view (see `makeScatter`) as `[trace, candidates]`, the latter `{ shown, kind, numbers }` or null, those
 * drawn on top last; how many candidates none of them shows; and names for the strip above the plot.
 */
export function tracesOf(view, colours, selection) {
  const spanOf = (column) => boundsOf(view.every.map(({ figures }) => figures[column]));
  const full = { ...view, spans: { tone: spanOf(view.tone), big: spanOf(view.big) } };
  const { traces, names } = backdrop(view.every[0].cloud, view, colours);
  const keys = view.every.length > 1 ? keysOf(view.every, colours) : [];
  const found = [...traces, ...keys].map((trace) => [trace, null]);
  let unseen = 0;
  for (const [place, shown] of [...view.every.entries()].reverse()) {
    const [groups, missing] = placed(shown, place, view);
    unseen += missing;
    for (const some of groups) {
      if (some.kind === "front" && some.numbers.length > 1) found.push([stairsOf(full, some, colours), null]);
      found.push([pointsOf(full, some, colours, selection), some]);
    }
  }
  const named = new Set();
  for (const [trace, some] of [...found].reverse()) {
    if (some) trace.showlegend = !named.has(trace.legendgroup);
    if (some) named.add(trace.legendgroup);
  }
  return [found, unseen, names];
}
