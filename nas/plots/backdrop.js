// What candidates are seen against: bicubic upscaling, and published networks.

/**
 * Traces of plotly for a cloud's backdrop over two axes `{ column, title }`; `published` for those networks too, `labelled`
 * where there is room for their names.
 */
export function backdrop(cloud, { x, y }, colours, { published, labelled }) {
  const drawn = [];
  const line = { color: colours.soft, width: 1.5, dash: "dot" };
  const unselected = { marker: { opacity: 1 }, textfont: { color: colours.soft } }; // it is nobody's candidate
  const textfont = { color: colours.soft, size: 11 };
  const common = { type: "scatter", showlegend: false, line, textfont, unselected, cliponaxis: false };
  const against = (at, label, hover, up, height) =>
    drawn.push({
      ...common,
      mode: "lines+text+markers",
      ...(up ? { x: [at, at], y: [0, height], yaxis: "y2" } : { x: [0, 1], y: [at, at], xaxis: "x2" }),
      text: ["", label],
      textposition: up ? "middle left" : "top left",
      marker: { symbol: "diamond-open", size: [0, up ? 7 : 0], color: colours.soft },
      hovertemplate: `${hover}<extra></extra>`,
    });
  const scored = ({ column }) => cloud.baseline[column] ?? null;
  const bicubic = (axis) => `bicubic, on the validation images<br>protocol ${cloud.protocol}<br>${axis.title} ${scored(axis)}`;
  if (scored(y) !== null) against(scored(y), "bicubic", bicubic(y), false);
  if (scored(x) !== null) against(scored(x), "bicubic", bicubic(x), true, 0.9);
  if (!published) return drawn;
  cloud.published.forEach((network, place) => {
    const printed = network.printed.find((score) => score.comparable) ?? {};
    const value = ({ column }) => network.figures[column] ?? printed[column] ?? null;
    const hover = wordsOf(network);
    const label = labelled ? network.title : "";
    if (value(x) === null) return value(y) === null || against(value(y), label, hover, false);
    if (value(y) === null) return against(value(x), label, hover, true, 0.95 - 0.07 * (place % 6));
    const marker = { symbol: "star-diamond", size: 12, color: colours.soft };
    const point = { x: [value(x)], y: [value(y)], text: [label], textposition: "top center", marker };
    drawn.push({ ...common, ...point, mode: "markers+text", hovertemplate: `${hover}<extra></extra>` });
  });
  return drawn;
}

/** What is known of a published network, for whoever points at it. */
function wordsOf({ title, figures, printed, source }) {
  const beside = ({ comparable }) => (comparable ? "" : ", not comparable");
  const scores = printed.map((s) => `${s.dataset} ${s.psnr_db} dB / ${s.ssim}, ${s.protocol}${beside(s)}`);
  const costs = Object.entries(figures).map(([name, cost]) => `${name} ${cost.toLocaleString("en")}`);
  return [title, ...costs, ...scores, source].join("<br>");
}
