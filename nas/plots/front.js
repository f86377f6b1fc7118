// The candidates of a search as a plot: any two figures as axes, others as colour and size, kept in the page's address.

import { config, csvOf, layout, onTheme, palette } from "./palette.js";

/** What a candidate is, best first: its name, and how it is told from the others by shape and colour. */
const KINDS = {
  front: { name: "front", symbol: "circle", colour: "vermillion", size: 11 },
  dominated: { name: "dominated", symbol: "circle-open", colour: "blue", size: 7 },
  infeasible: { name: "infeasible", symbol: "x-thin-open", colour: "orange", size: 7 },
  shorter: { name: "shorter training or another seed", symbol: "square-open", colour: "soft", size: 6 },
  failed: { name: "failed", symbol: "cross-thin-open", colour: "purple", size: 7 },
  flying: { name: "in flight", symbol: "triangle-up-open", colour: "green", size: 9 },
};
const FOOT = 0.02; // how high those lie that have no figure for the axis that goes up
const DECADE = 10; // where costs differ by more, their axis begins as a logarithmic one

/** Cividis (Nuñez et al., 2018), which nearly everybody sees alike, from its least to its most. */
const TONES = [[0, 34, 78], [67, 78, 108], [125, 124, 120], [188, 174, 108], [254, 232, 56]];

/** A tone by its share of the way from the least to the most. */
function toneAt(share) {
  const at = share * (TONES.length - 1);
  const lower = Math.min(Math.floor(at), TONES.length - 2);
  return `rgb(${TONES[lower].map((from, channel) => Math.round(from + (at - lower) * (TONES[lower + 1][channel] - from)))})`;
}

/**
 * The plot of a search; the function that is returned brings it up to date.
 * `read()` gives the search's cloud as the service has it, or null where it is as it was; `open(id)` shows a candidate.
 */
export function makeFront(searchId, { read, open }) {
  const place = document.getElementById("plot");
  const form = document.getElementById("axes");
  const note = document.getElementById("plot-note");
  const tones = document.getElementById("tones");
  let cloud = null;
  let top = 0; // the highest rung: what was trained for less says little beside it
  let walked = -1; // along the front, by keys
  let clickable = false;

  const option = (name) => form.elements[name].selectedOptions[0];
  const title = (name) => option(name).textContent;
  const idOf = (number) => `${searchId}-${cloud.ordinal[number]}`;

  const kindOf = (number) => {
    const state = cloud.states[cloud.state[number]];
    if (state === "evaluating") return "flying";
    if (state !== "scored") return "failed";
    if (cloud.front[number]) return "front";
    if (cloud.replicate[number] || cloud.rung[number] < top) return "shorter";
    return cloud.feasible[number] ? "dominated" : "infeasible";
  };

  /** The numbers of a set that no other one of it beats on the two axes that are shown, from left to right. */
  const staircase = (numbers, x, y) => {
    const ways = ["x", "y"].map((name) => (option(name).dataset.sense === "max" ? -1 : 1));
    const loss = (number) => [ways[0] * x[number], ways[1] * y[number]];
    const beats = ([a, b], [c, d]) => a <= c && b <= d && (a < c || b < d);
    const left = numbers.filter((one) => !numbers.some((other) => beats(loss(other), loss(one))));
    return left.sort((one, other) => x[one] - x[other]);
  };

  // -- what is drawn -----------------------------------------------------------------------------------------------

  const bounds = (column) => column.reduce(([least, most], value) => (value === null ? [least, most] : [Math.min(least, value), Math.max(most, value)]), [Infinity, -Infinity]);

  const sizesOf = (column, numbers, size) => {
    if (!column) return size;
    const [least, most] = bounds(column);
    return numbers.map((number) => (column[number] === null ? 5 : 6 + (16 * (column[number] - least)) / (most - least || 1)));
  };

  const tonesOf = (column, numbers, unknown) => {
    const [least, most] = bounds(column);
    return numbers.map((number) => (column[number] === null ? unknown : toneAt((column[number] - least) / (most - least || 1))));
  };

  /** The legend of tones; plotly's own needs style attributes, which the policy refuses. */
  const explainTones = (column) => {
    tones.hidden = !column;
    if (!column) return;
    const ends = bounds(column).map((value) => (Number.isFinite(value) ? value.toLocaleString("en") : "–"));
    [title("colour"), ...ends].forEach((text, place) => (tones.children[place].textContent = text));
  };

  const trace = (kind, numbers, columns, colours, foot) => {
    const { name, symbol, colour, size } = KINDS[kind];
    const { x, y, tone, big } = columns;
    const color = tone ? tonesOf(tone, numbers, colours.soft) : colours[colour];
    const edge = kind === "front" ? colours.raised : color; // it draws open shapes
    return {
      type: "scatter",
      mode: "markers",
      name,
      legendgroup: kind,
      x: numbers.map((number) => x[number]),
      y: foot ? numbers.map(() => FOOT) : numbers.map((number) => y[number]),
      yaxis: foot ? "y2" : "y",
      customdata: numbers.map(idOf),
      text: numbers.map((number) => cloud.operators[cloud.operator[number]]),
      marker: { symbol, size: sizesOf(big, numbers, size), color, line: { width: 1.5, color: edge } },
      hovertemplate: `<b>%{customdata}</b> ${name}, %{text}<br>${title("x")} %{x}${foot ? "" : `<br>${title("y")} %{y}`}<extra></extra>`,
    };
  };

  /** Lines and points for what candidates are seen against: bicubic, and published networks. */
  const backdrop = (colours) => {
    const [x, y] = [option("x").value, option("y").value];
    const drawn = [];
    const line = { color: colours.soft, width: 1.5, dash: "dot" };
    const common = { type: "scatter", showlegend: false, line, textfont: { color: colours.soft, size: 11 }, cliponaxis: false };
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
    const scored = (column) => cloud.baseline[column] ?? null;
    const bicubic = `bicubic, on the validation images<br>protocol ${cloud.protocol}`;
    if (scored(y) !== null) against(scored(y), "bicubic", `${bicubic}<br>${title("y")} ${scored(y)}`, false);
    if (scored(x) !== null) against(scored(x), "bicubic", `${bicubic}<br>${title("x")} ${scored(x)}`, true, 0.9);
    if (!form.elements.published.checked) return drawn;
    cloud.published.forEach((network, place) => {
      const printed = network.printed.find((score) => score.comparable) ?? {};
      const value = (column) => network.figures[column] ?? printed[column] ?? null;
      const scores = network.printed.map((s) => `${s.dataset} ${s.psnr_db} dB / ${s.ssim}, ${s.protocol}${s.comparable ? "" : ", not comparable"}`);
      const costs = Object.entries(network.figures).map(([name, cost]) => `${name} ${cost.toLocaleString("en")}`);
      const hover = [`<b>${network.title}</b>`, ...costs, ...scores, network.source].join("<br>");
      const height = 0.95 - 0.07 * (place % 6);
      if (value(x) === null) return value(y) === null || against(value(y), network.title, hover, false);
      if (value(y) === null) return against(value(x), network.title, hover, true, height);
      const marker = { symbol: "star-diamond", size: 12, color: colours.soft };
      const point = { x: [value(x)], y: [value(y)], text: [network.title], textposition: "top center", marker };
      drawn.push({ ...common, ...point, mode: "markers+text", hovertemplate: `${hover}<extra></extra>` });
    });
    return drawn;
  };

  const traces = (columns, colours) => {
    const { x, y } = columns;
    const kinds = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, []]));
    cloud.ordinal.forEach((_, number) => kinds[kindOf(number)].push(number));
    const drawn = backdrop(colours);
    let unseen = 0;
    for (const kind of Object.keys(KINDS).reverse()) {
      const known = kinds[kind].filter((number) => x[number] !== null);
      const placed = known.filter((number) => y[number] !== null);
      const foot = kind === "flying" || kind === "failed" ? known.filter((number) => y[number] === null) : [];
      unseen += kinds[kind].length - placed.length - foot.length;
      if (kind === "front" && placed.length > 1) {
        const steps = staircase(placed, x, y);
        const path = { x: steps.map((number) => x[number]), y: steps.map((number) => y[number]) };
        drawn.push({ ...path, mode: "lines", line: { color: colours.vermillion, width: 1.5 }, hoverinfo: "skip", showlegend: false });
      }
      if (foot.length) drawn.push({ ...trace(kind, foot, columns, colours, true), showlegend: !placed.length });
      if (placed.length) drawn.push(trace(kind, placed, columns, colours, false));
    }
    return [drawn, unseen];
  };

  const axis = (name, style, narrow) => ({
    ...style,
    title: { text: title(name) },
    type: form.elements[`${name}log`].checked ? "log" : "linear",
    dtick: narrow && form.elements[`${name}log`].checked ? 1 : undefined,
    zeroline: false,
  });

  const draw = () => {
    if (!cloud) return;
    const column = (name) => cloud.figures[form.elements[name].value] ?? null;
    const columns = { x: column("x"), y: column("y"), tone: column("colour"), big: column("size") };
    const colours = palette();
    const style = layout(colours);
    const [drawn, unseen] = traces(columns, colours);
    const hidden = { range: [0, 1], visible: false, fixedrange: true };
    const narrow = place.clientWidth < 600;
    const shape = {
      ...style,
      xaxis: axis("x", style.xaxis, narrow),
      yaxis: axis("y", style.yaxis, narrow),
      xaxis2: { ...hidden, overlaying: "x" },
      yaxis2: { ...hidden, overlaying: "y" },
      hovermode: "closest",
      showlegend: true,
      legend: { orientation: "h", y: narrow ? -0.28 : -0.16, x: 0, traceorder: "reversed", font: { size: 12 } },
      uirevision: location.search,
    };
    if (!place.classList.contains("js-plotly-plot")) place.replaceChildren();
    window.Plotly.react(place, drawn, shape, config(`front-${searchId}`, csv));
    explainTones(columns.tone);
    note.textContent = remark(unseen);
  };

  const remark = (unseen) => {
    const shown = cloud.ordinal.length;
    const all = cloud.told + cloud.untold;
    const parts = [shown < all ? `${shown.toLocaleString("en")} of ${all.toLocaleString("en")} candidates, evenly spread, the front whole.` : `${all.toLocaleString("en")} candidates.`];
    if (unseen) parts.push(`${unseen.toLocaleString("en")} have no figure for these axes.`);
    if (form.elements.published.checked) parts.push("A dotted line is a published network whose printed scores do not compare with this search's; point at its diamond for source and protocol.");
    return parts.join(" ");
  };

  const csv = () => {
    const names = Object.keys(cloud.figures);
    const row = (_, number) => [idOf(number), KINDS[kindOf(number)].name, cloud.rung[number], cloud.replicate[number], cloud.operators[cloud.operator[number]], ...names.map((name) => cloud.figures[name][number])];
    return csvOf([["candidate", "state", "rung", "replicate", "operator", ...names], ...cloud.ordinal.map(row)]);
  };

  // -- choices -----------------------------------------------------------------------------------------------------

  const decades = (name) => {
    const known = (cloud.figures[form.elements[name].value] ?? []).filter((value) => value > 0);
    const beside = form.elements.published.checked ? cloud.published.map((one) => one.figures[form.elements[name].value]).filter(Boolean) : [];
    const every = [...known, ...beside];
    return "spread" in option(name).dataset && Math.max(...every) / Math.min(...every) > DECADE;
  };

  const choose = () => {
    const asked = new URLSearchParams(location.search);
    for (const name of ["x", "y", "colour", "size"]) {
      const options = [...form.elements[name].options];
      const first = options.findIndex((one) => "first" in one.dataset);
      const found = options.findIndex((one) => one.value === asked.get(name));
      form.elements[name].selectedIndex = found < 0 ? Math.max(0, first) : found;
    }
    form.elements.published.checked = asked.get("published") !== "0";
    for (const axis of ["x", "y"]) {
      const said = asked.get(`${axis}log`);
      form.elements[`${axis}log`].checked = said === null ? decades(axis) : said === "1";
    }
  };

  form.addEventListener("change", ({ target }) => {
    const asked = new URLSearchParams(location.search);
    asked.set(target.name, target.type === "checkbox" ? Number(target.checked) : target.value);
    if (target.name === "x" || target.name === "y") asked.delete(`${target.name}log`);
    history.replaceState(null, "", `?${asked}`);
    choose();
    draw();
  });

  const walk = (event) => {
    const number = place.data?.findIndex((one) => one.legendgroup === "front") ?? -1;
    if (number < 0) return;
    const count = place.data[number].x.length;
    const order = [...place.data[number].x.keys()].sort((one, other) => place.data[number].x[one] - place.data[number].x[other]);
    if (event.key === "Enter" && event.target === place && walked >= 0) return open(place.data[number].customdata[order[walked]]);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    walked = walked < 0 ? (step > 0 ? 0 : count - 1) : (walked + step + count) % count;
    window.Plotly.Fx.hover(place, [{ curveNumber: number, pointNumber: order[walked] }]);
  };

  place.addEventListener("keydown", walk);
  onTheme(draw);

  return async () => {
    const found = await read();
    if (!found) return;
    const first = cloud === null;
    cloud = found;
    top = cloud.rung.reduce((most, rung) => Math.max(most, rung), 0);
    if (first) choose();
    if (cloud.ordinal.length) {
      draw();
      if (!clickable) place.on("plotly_click", ({ points }) => points[0].customdata && open(points[0].customdata));
      clickable = true;
    } else {
      place.firstElementChild.textContent = "No candidate yet: each one is drawn here as soon as it is asked for.";
    }
  };
}
