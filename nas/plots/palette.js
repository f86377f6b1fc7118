// The colours of the page as plots take them, in the theme that holds now.

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** The colour that a custom property of the stylesheet has now. */
function colour(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

/** The colours by their names in the stylesheet. */
export function palette() {
  const names = ["ground", "raised", "line", "edge", "ink", "soft", "blue", "green", "orange", "vermillion", "purple"];
  return Object.fromEntries(names.map((name) => [name, colour(name)]));
}

/** What all plots have in common. */
export function layout(colours) {
  const family = getComputedStyle(document.body).fontFamily;
  const axis = { gridcolor: colours.line, zerolinecolor: colours.line, linecolor: colours.edge, automargin: true };
  return {
    paper_bgcolor: colours.raised,
    plot_bgcolor: colours.raised,
    font: { family, size: 13, color: colours.ink },
    hoverlabel: { bgcolor: colours.ground, bordercolor: colours.edge, font: { family, color: colours.ink }, align: "left" },
    modebar: { bgcolor: colours.raised, color: colours.soft, activecolor: colours.blue, orientation: "h" },
    margin: { l: 60, r: 16, t: 36, b: 48 },
    xaxis: { ...axis },
    yaxis: { ...axis },
  };
}

const VIEW = ["zoom2d", "pan2d", "resetScale2d"];

/** Plotly's buttons: pictures of the plot, its figures, and the tools for its view; nothing that leaves this host. */
export function config(name, csv, tools = VIEW) {
  const { Plotly } = window;
  const svg = {
    name: "svg",
    title: "Download plot as SVG",
    icon: Plotly.Icons["camera-retro"],
    click: (plot) => Plotly.downloadImage(plot, { format: "svg", filename: name }),
  };
  const table = { name: "csv", title: "Download figures as CSV", icon: Plotly.Icons.disk, click: () => save(csv(), `${name}.csv`) };
  return {
    displaylogo: false,
    displayModeBar: true,
    responsive: true,
    modeBarButtons: [["toImage", svg, table], tools],
    toImageButtonOptions: { format: "png", filename: name, scale: 2 },
  };
}

/** Rows as CSV (RFC 4180). */
export function csvOf(rows) {
  const cell = (value) => (/[",\n]/.test(String(value ?? "")) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? ""));
  return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** Hand a text, or a blob, to whoever looks as a file. */
export function save(content, name, type = "text/csv") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Have something done whenever the colours change. */
export function onTheme(redraw) {
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
