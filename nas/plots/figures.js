// How figures are written for people: as nas/figures.py has them, so that a plot and a table beside it say the same.

/** A figure, rounded as its column asks for; a dash where there is none. */
export function written(column, value) {
  if (value === null || value === undefined) return "–";
  if (column === "mult_adds") return `${value >= 1e10 ? (value / 1e9).toFixed(1) : Number((value / 1e9).toPrecision(3))} G`;
  if (column === "params") return Math.round(value).toLocaleString("en");
  return value.toFixed(column === "ssim" ? 4 : 2);
}
