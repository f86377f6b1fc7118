// What candidates are seen against: bicubic upscaling, and published networks. A line has one figure and no other: it
// crosses the whole plot, and its name stands where nobody takes it for a score.

import { written } from "./figures.js";

/** What bicubic upscaling is called there. */
export const BICUBIC = "bicubic";

/**
 * Traces of plotly for a cloud's backdrop over two axes `{ column, title }`, with published networks where they are
 * wanted; and what stands in the strip above the plot: `{ title, x, y, hover }`, null for a figure that it lacks.
 */
export function backdrop(cloud, { x, y, published }, colours) {
  const traces = [];
  const names = [];
  const unselected = { marker: { opacity: 1 }, textfont: { color: colours.soft } }; // it is nobody's candidate
  const textfont = { color: colours.soft, size: 11 };
  const line = { color: colours.soft, width: 1, dash: "dot" };
  const common = { type: "scatter", showlegend: false, line, textfont, unselected };
  const add = (title, at, hover) => {
    const trace = { ...common, uid: `against ${title} ${at.x === null}`, hovertemplate: `${hover}<extra></extra>` };
    const upright = { mode: "lines", x: [at.x, at.x], y: [0, 1], yaxis: "y2" };
    const level = { mode: "lines+text", x: [0, 1], y: [at.y, at.y], xaxis: "x2", text: ["", title], textposition: "top left" };
    const marker = { symbol: "star-diamond", size: 12, color: colours.soft };
    const point = { mode: "markers+text", x: [at.x], y: [at.y], text: [title], textposition: "top center", marker };
    traces.push({ ...trace, ...(at.y === null ? upright : at.x === null ? level : point) });
    names.push({ title, ...at, hover });
  };
  for (const end of ["x", "y"]) {
    const { column, title } = { x, y }[end];
    const score = cloud.baseline[column] ?? null;
    const hover = `bicubic, on the validation images<br>protocol ${cloud.protocol}<br>${title} ${written(column, score)}`;
    if (score !== null) add(BICUBIC, { x: null, y: null, [end]: score }, hover);
  }
  for (const network of published ? cloud.published : []) {
    const printed = network.printed.find((score) => score.comparable) ?? {};
    const [across, up] = [x, y].map(({ column }) => network.figures[column] ?? printed[column] ?? null);
    if (across !== null || up !== null) add(network.title, { x: across, y: up }, wordsOf(network));
  }
  return { traces, names };
}

/** What is known of a published network, for whoever points at it. */
function wordsOf({ title, figures, printed, source }) {
  const beside = ({ comparable }) => (comparable ? "" : ", not comparable");
  const scores = printed.map((s) => `${s.dataset} ${s.psnr_db} dB / ${s.ssim}, ${s.protocol}${beside(s)}`);
  const costs = Object.entries(figures).map(([name, cost]) => `${name.replace("_", "-")} ${written(name, cost)}`);
  return [title, ...costs, ...scores, source].join("<br>");
}
