// Hypervolume against evaluations and against time.

import { config, csvOf, layout, onTheme, palette } from "./palette.js";

const AXES = { "by-evaluations": ["evaluations", "evaluations"], "by-time": ["told_at", "time (UTC)"] };

/**
 * Plots of how a search came to where it is; the function that is returned brings them up to date.
 * `read()` gives the search's history as the service has it, or null where it is as it was.
 */
export function makeCurves(searchId, { read }) {
  let points = [];

  const rows = () => [
    ["evaluations", "told_at", "steps", "hypervolume", "best_psnr_db"],
    ...points.map((point) => [point.evaluations, point.told_at, point.steps, point.hypervolume, point.best_psnr_db]),
  ];

  const draw = () => {
    const colours = palette();
    const style = layout(colours);
    const seen = points.filter((point) => point.hypervolume !== null);
    for (const [id, [field, title]] of Object.entries(AXES)) {
      const place = document.getElementById(id);
      if (!seen.length) {
        place.textContent = "No hypervolume yet: it begins with the first network that is better than the reference.";
        continue;
      }
      if (!place.classList.contains("js-plotly-plot")) place.replaceChildren();
      const trace = {
        x: seen.map((point) => point[field]),
        y: seen.map((point) => point.hypervolume),
        mode: seen.length < 60 ? "lines+markers" : "lines",
        line: { color: colours.blue, width: 2, shape: "hv" },
        marker: { color: colours.blue, size: 6 },
        hovertemplate: "%{y:.6g} at %{x}<extra></extra>",
      };
      const xaxis = { ...style.xaxis, title: { text: title } };
      const yaxis = { ...style.yaxis, title: { text: "hypervolume" }, rangemode: "tozero" };
      const name = `hypervolume-${id}-${searchId}`;
      window.Plotly.react(place, [trace], { ...style, xaxis, yaxis, uirevision: "kept" }, config(name, () => csvOf(rows())));
    }
  };

  onTheme(draw);
  return async () => {
    const found = await read();
    if (!found) return;
    points = found.points;
    draw();
  };
}
