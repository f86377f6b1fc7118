// Which candidates are selected: those within ranges of some figures, and within a shape drawn over two of them. It is
// kept as ranges and not as candidates, so that it holds while others come, and so that an address can carry it.

const OPEN = "*"; // in an address: this end is left open
const RANGE = "only.";
const SHAPE = "lasso";
const DIGITS = 6;
const CORNERS = 60; // most of a shape: its address stays short

const round = (value) => Number(value.toPrecision(DIGITS));

/** Whether a point lies within a closed shape: a ray from it crosses the edge an odd number of times. */
function encloses(points, across, up) {
  let inside = false;
  for (let one = 0, other = points.length - 1; one < points.length; other = one++) {
    const [[x1, y1], [x2, y2]] = [points[one], points[other]];
    if (y1 > up !== y2 > up && across < ((x2 - x1) * (up - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}

/** An axis of a shape as text and back: its column, and whether it is measured in powers of ten. */
const axisText = ({ column, log }) => (log ? `log*${column}` : column);
const axisOf = (text) => (text.startsWith("log*") ? { column: text.slice(4), log: true } : { column: text, log: false });

function rangeOf(text) {
  const ends = text.split(" ").map((end) => (end === OPEN ? null : end ? Number(end) : NaN));
  const good = ends.length === 2 && ends.every((end) => end === null || Number.isFinite(end));
  return good && ends.some((end) => end !== null) ? ends : null;
}

function shapeOf(text, columns) {
  const [across = "", up = "", ...numbers] = text.split(" ");
  const [x, y] = [axisOf(across), axisOf(up)];
  const values = numbers.map(Number);
  const whole = values.length >= 6 && values.length <= 2 * CORNERS && values.length % 2 === 0;
  if (!whole || !values.every(Number.isFinite) || ![x, y].every(({ column }) => columns.includes(column))) return null;
  return { x, y, points: values.filter((_, place) => place % 2 === 0).map((one, place) => [one, values[2 * place + 1]]) };
}

/** A selection that plots share. Whoever watches it is told of every change, and whether it is one that stays. */
export function makeSelection() {
  const ranges = new Map(); // by column: its least and its most, null where that end is open
  const watching = [];
  let shape = null; // { x, y, points }: two axes, and corners as they were drawn
  let known = new WeakMap(); // what was worked out for a cloud since the last change

  const tell = (settled) => {
    known = new WeakMap();
    for (const watcher of watching) watcher(settled);
  };

  const within = (figures) => {
    const tests = [...ranges].map(([column, [least, most]]) => {
      const values = figures[column] ?? [];
      const inside = (value) => value >= (least ?? -Infinity) && value <= (most ?? Infinity);
      return (number) => (values[number] ?? null) !== null && inside(values[number]);
    });
    if (shape) {
      const { x, y, points } = shape;
      const drawn = ({ column, log }, number) => {
        const value = figures[column]?.[number] ?? NaN;
        return log ? Math.log10(value) : value;
      };
      tests.push((number) => encloses(points, drawn(x, number), drawn(y, number)));
    }
    return (number) => tests.every((test) => test(number));
  };

  return {
    /** Whether nothing narrows it. */
    get empty() {
      return !ranges.size && !shape;
    },
    get shape() {
      return shape;
    },
    /** Every range by its column. */
    get ranges() {
      return [...ranges];
    },
    range: (column) => ranges.get(column) ?? [null, null],
    watch: (watcher) => watching.push(watcher),

    /** Narrow columns to ranges, by column; a range that is open at both ends is none. */
    brush(changes, { settled = true } = {}) {
      for (const [column, ends] of Object.entries(changes)) {
        const [least, most] = ends.map((end) => (end === null ? null : round(end)));
        if (least === null && most === null) ranges.delete(column);
        else ranges.set(column, [least, most]);
      }
      tell(settled);
    },
    /** Narrow it to a shape over two axes, `points` in powers of ten where an axis is logarithmic; null for none. */
    enclose(found) {
      const step = Math.ceil((found?.points.length ?? 0) / CORNERS);
      const corners = found?.points.filter((_, place) => place % step === 0).map((point) => point.map(round)) ?? [];
      shape = corners.length > 2 ? { ...found, points: corners } : null;
      tell(true);
    },
    clear() {
      ranges.clear();
      shape = null;
      tell(true);
    },

    /** For every candidate of a prepared cloud whether it is selected; all are while nothing narrows it. */
    of(shown) {
      if (!known.has(shown)) {
        const test = within(shown.figures);
        known.set(shown, Uint8Array.from(shown.ids, (_, number) => Number(test(number))));
      }
      return known.get(shown);
    },

    /** Take it from an address, as far as that speaks of columns that there are. */
    read(asked, columns) {
      for (const column of columns) {
        const ends = rangeOf(asked.get(RANGE + column) ?? "");
        if (ends) ranges.set(column, ends);
      }
      shape = shapeOf(asked.get(SHAPE) ?? "", columns);
      tell(true);
    },
    /** Put it into an address. */
    write(asked) {
      for (const name of [...asked.keys()]) if (name.startsWith(RANGE) || name === SHAPE) asked.delete(name);
      for (const [column, ends] of ranges) asked.set(RANGE + column, ends.map((end) => end ?? OPEN).join(" "));
      if (shape) asked.set(SHAPE, [axisText(shape.x), axisText(shape.y), ...shape.points.flat()].join(" "));
    },
  };
}
