// How candidates are told apart: by the shape and the size of a mark, by the width and the dashes of a line, and by colour.

/** Marks of one search alone: symbols, colours and sizes of its kinds of candidates. */
const MARKS = {
  front: { symbol: "circle", colour: "vermillion", size: 11 },
  dominated: { symbol: "circle-open", colour: "blue", size: 7 },
  infeasible: { symbol: "x-thin-open", colour: "orange", size: 7 },
  shorter: { symbol: "square-open", colour: "soft", size: 6 },
  failed: { symbol: "cross-thin-open", colour: "purple", size: 7 },
  flying: { symbol: "triangle-up-open", colour: "green", size: 9 },
};

/** Of several searches each has a colour and a symbol: filled on its front, open elsewhere. */
const SEARCHES = [
  { symbol: "circle", colour: "vermillion" },
  { symbol: "diamond", colour: "blue" },
  { symbol: "square", colour: "green" },
  { symbol: "triangle-down", colour: "purple" },
  { symbol: "pentagon", colour: "orange" },
  { symbol: "star", colour: "ink" },
];

const LINES = {
  front: { width: 2.5, dash: [] },
  dominated: { width: 1, dash: [] },
  infeasible: { width: 1, dash: [6, 4] },
  shorter: { width: 1, dash: [2, 3] },
  failed: { width: 1, dash: [1, 5] },
  flying: { width: 1.5, dash: [8, 3, 2, 3] },
};

/** How many searches a plot can tell apart. */
export const SEARCHES_MOST = SEARCHES.length;

/** The colour and the symbol of a search by its place among those that are shown. */
export const lookOf = (place) => SEARCHES[place];

/** The mark of a kind of candidate of a search at some place; `compared` where others are there. */
export function markOf(kind, place, compared) {
  if (!compared) return MARKS[kind];
  const { symbol, colour } = SEARCHES[place];
  const closed = kind === "front";
  const own = kind === "dominated" || closed;
  return { symbol: own ? `${symbol}${closed ? "" : "-open"}` : MARKS[kind].symbol, colour, size: MARKS[kind].size };
}

/** The line of a kind of candidate, fainter and thinner the more of them there are. */
export function lineOf(kind, place, compared, count) {
  const crowd = 1 / Math.sqrt(count);
  const alpha = kind === "front" ? Math.min(1, Math.max(0.4, 6 * crowd)) : Math.min(0.6, Math.max(0.12, 9 * crowd));
  const width = Math.max(1, Math.min(1, 7 * crowd) * LINES[kind].width);
  return { dash: LINES[kind].dash, width, alpha, colour: compared ? SEARCHES[place].colour : MARKS[kind].colour };
}

/** Cividis (Nuñez et al., 2018), which nearly everybody sees alike, from its least to its most. */
const TONES = [[0, 34, 78], [67, 78, 108], [125, 124, 120], [188, 174, 108], [254, 232, 56]];

/** A tone by its share of the way from the least to the most. */
export function toneAt(share) {
  const at = share * (TONES.length - 1);
  const lower = Math.min(Math.floor(at), TONES.length - 2);
  return `rgb(${TONES[lower].map((from, channel) => Math.round(from + (at - lower) * (TONES[lower + 1][channel] - from)))})`;
}
