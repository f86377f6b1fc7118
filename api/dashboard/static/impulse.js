// What a network answers to a single dot, beside bicubic: pictures of one scale of colours, figures and frequencies.

import { drawn, saveable } from "./charts.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [480, 260, 58, 14, 34, 44];
const KINDS = ["network", "bicubic", "ideal"];

/** What the table says: a name, how it is read, and the figure of a response. */
const ROWS = [
  ["Gain of flat areas", "1 keeps brightness", ({ dc }) => dc.toFixed(3)],
  ["Its range over output pixels", "a grid over flat areas where they differ", gains],
  ["Largest and lowest value", "peak and deepest ring", ({ peak, lowest }) => `${signed(peak)}, ${signed(lowest)}`],
  ["Energy that the input cannot have", "0 is ideal", ({ stopband_ratio: share }) => percent(share)],
  ["Likeness to the ideal", "1 is ideal", ({ sinc_cosine: cosine }) => cosine?.toFixed(3) ?? "–"],
];

const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(1)} %`);
const signed = (value) => value.toFixed(value > 10 ? 1 : 2).replace("-", "−");

function gains({ phase_gains: rows }) {
  const found = rows.flat();
  return `${Math.min(...found).toFixed(3)} to ${Math.max(...found).toFixed(3)}`;
}

/** Fill the body of a table: each row a name, cells, and how to read it where that is told. */
function fill(body, rows) {
  const made = (tag, textContent, className = "") =>
    Object.assign(document.createElement(tag), { textContent, className });
  const line = ({ name, cells, read }) => {
    const [row, head] = [document.createElement("tr"), Object.assign(made("th", name), { scope: "row" })];
    if (read) head.append(made("span", read, "note"));
    row.append(head, ...cells.map((text) => made("td", text, "figure")));
    return row;
  };
  body.replaceChildren(...rows.map(line));
}

/** Draw the gains along frequencies into a picture, with a legend above them. */
function chart(svg, { cycles_per_px: x, ...rows }) {
  const top = Math.max(1.25, Math.ceil(4 * Math.max(...Object.values(rows).flat())) / 4);
  const step = top > 2.5 ? Math.ceil(top / 5) : 0.25;
  const across = (cycles) => LEFT + 2 * cycles * (WIDTH - LEFT - RIGHT);
  const up = (gain) => HEIGHT - BOTTOM - (gain / top) * (HEIGHT - TOP - BOTTOM);
  const text = (x, y, words, more = {}) => drawn("text", { x, y, "text-anchor": "middle", ...more }, words);
  const parts = [];
  for (let gain = 0; gain <= top; gain += step) {
    parts.push(drawn("path", { d: `M${LEFT} ${up(gain)}H${WIDTH - RIGHT}`, class: "grid" }));
    parts.push(text(LEFT - 8, up(gain) + 4, String(gain), { "text-anchor": "end" }));
  }
  for (const at of [0, 0.1, 0.2, 0.3, 0.4, 0.5]) parts.push(text(across(at), HEIGHT - BOTTOM + 18, String(at)));
  const middle = (TOP + HEIGHT - BOTTOM) / 2;
  parts.push(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "cycles per output pixel", { class: "name" }));
  parts.push(text(12, middle, "gain", { class: "name", transform: `rotate(-90 12 ${middle})` }));
  KINDS.forEach((kind, place) => {
    const points = x.map((at, index) => `${across(at).toFixed(1)},${up(rows[kind][index]).toFixed(1)}`).join(" ");
    const start = LEFT + 130 * place;
    parts.push(drawn("polyline", { points, class: `gain ${kind}` }));
    parts.push(drawn("path", { d: `M${start} 16h28`, class: `gain ${kind}` }));
    parts.push(text(start + 34, 20, kind, { "text-anchor": "start" }));
  });
  svg.replaceChildren(...parts);
}

/** Show what an index tells of a dot; nothing where the pictures are older than that. */
export function answer(root, parts, index) {
  const { impulse } = index;
  root.hidden = !impulse;
  if (!impulse) return;
  const { figures, files, frequencies, reach } = impulse;
  for (const image of root.querySelectorAll("[data-dot]")) {
    image.src = parts + encodeURIComponent(files[image.dataset.dot]);
  }
  const ticks = [reach, reach / 4, 0, -reach / 4, -reach].map((value) => (value > 0 ? "+" : "") + signed(value));
  root.querySelectorAll(".ticks span").forEach((tick, place) => (tick.textContent = ticks[place]));
  const both = (of) => ["network", "bicubic"].map((kind) => of(figures[kind]));
  const told = ROWS.map(([name, read, of]) => ({ name, read, cells: both(of) }));
  const within = impulse.within_px.map((reached, place) => ({
    name: reached ? `Energy within ${reached} px` : "Energy on its own pixel",
    read: reached ? "" : "pixels of the input",
    cells: both(({ energy_within: shares }) => percent(shares[place])),
  }));
  fill(root.querySelector("[data-facts]"), [...told, ...within]);
  const figure = root.querySelector("figure.later");
  chart(figure.querySelector("svg"), frequencies);
  const gainsAt = (place) => KINDS.map((kind) => frequencies[kind][place]);
  const rows = frequencies.cycles_per_px.map((name, place) => ({ name, cells: gainsAt(place) }));
  fill(figure.querySelector("tbody"), rows);
  saveable(figure);
}
