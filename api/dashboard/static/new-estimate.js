// What the service foretells of a search, in words.

const LIMITS = {
  evaluations: "evaluations",
  steps: "training steps",
  wall_time_s: "time on the clock",
  worker_hours: "worker hours",
  space: "networks of the space",
};

const UNITS = [[86_400, "d"], [3600, "h"], [60, "min"]];

/** A time in at most two units. */
export function span(seconds) {
  const number = UNITS.findIndex(([size]) => seconds >= size);
  if (number < 0) return `${seconds < 1 ? Number(seconds.toPrecision(1)) : Math.round(seconds)} s`;
  const [size, unit] = UNITS[number];
  const more = number < 2 ? Math.floor((seconds % size) / UNITS[number + 1][0]) : 0;
  return `${Math.floor(seconds / size)} ${unit}${more ? ` ${more} ${UNITS[number + 1][1]}` : ""}`;
}

/** Bytes as people read them. */
export function bytes(count) {
  const power = Math.min(4, Math.floor(Math.log10(Math.max(count, 1)) / 3));
  const value = count / 1000 ** power;
  return `${power && value < 10 ? value.toFixed(1) : Math.round(value)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

const between = ({ low, high }) => (span(low) === span(high) ? "" : `${span(low)} to ${span(high)}`);

/** The lines of an estimate: what, how much, and a note on it. */
export function linesOf(estimate) {
  const { trainings, confirmations, steps, workers, wall_s: wall, worker_s: work, training_s: one } = estimate;
  const free = estimate.disk_free_bytes;
  const hands = workers === 1 ? "1 worker" : `${workers.toLocaleString("en-US")} workers`;
  return [
    ["Time", wall ? span(wall.likely) : "not known", wall ? [between(wall), `on ${hands}`].filter(Boolean).join(", ") : hands],
    ...(work && workers > 1 ? [["Worker time", span(work.likely), between(work)]] : []),
    ["Candidates", trainings.toLocaleString("en-US"), one ? `${span(one.likely)} each` : ""],
    ...(confirmations ? [["Confirmations", confirmations.toLocaleString("en-US"), "at most, of the front, from other seeds"]] : []),
    ["Training steps", steps.toLocaleString("en-US"), ""],
    ["Limited by", LIMITS[estimate.limited_by] ?? estimate.limited_by, ""],
    ["Disk", bytes(estimate.disk_bytes), free === null ? "at most" : `at most, of ${bytes(free)} free`],
  ];
}

const made = (name, text, kind = "") => Object.assign(document.createElement(name), { textContent: text, className: kind });

/** Show an estimate and what there is to know of it. */
export function tell(place, { estimate, warnings }) {
  const list = document.createElement("dl");
  for (const [name, value, note] of linesOf(estimate)) {
    const line = document.createElement("div");
    const figure = made("dd", value);
    if (note) figure.append(" ", made("span", note, "note"));
    line.append(made("dt", name), figure);
    list.append(line);
  }
  const known = [...estimate.notes, ...warnings];
  const heeded = document.createElement("ul");
  heeded.className = "warnings";
  heeded.setAttribute("aria-label", "Before you believe the result");
  heeded.append(...known.map((text) => made("li", text)));
  place.replaceChildren(list, made("p", `Times: ${estimate.basis}.`, "note"), ...(known.length ? [heeded] : []));
}

/** Say why there is no estimate. */
export const sayOf = (place, text) => place.replaceChildren(made("p", text, "note"));
