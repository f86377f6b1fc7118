// Numbers as people write them: with commas between thousands, with a prefix of size, or of a time with its unit. What is
// sent is always a plain number.

const SIZES = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
const TIMES = { s: 1, min: 60, h: 3600, d: 86_400 };

const DIGITS = 4; // of a number before its unit, at most
const LARGE = 1e6; // from here on sizes are written with a prefix

/** A number in a text, of seconds where it is a time: "8 G", "8e9", "8,000"; "3 d", "12 h", "90 min". Commas stand between
 * thousands but not after a zero, where one is a decimal point. What is no number stays a text, which the service refuses. */
export function numberOf(text, isTime = false) {
  const [, figure, unit] = /^(.*?[\d.])\s*([a-zA-Z]*)$/.exec(text) ?? [];
  const times = unit ? (isTime ? TIMES : SIZES)[unit] : 1;
  const value = times && plain(figure);
  if (!times || !Number.isFinite(value)) return text;
  return times === 1 ? value : Number((value * times).toPrecision(15)); // 1.1 G is no fraction
}

function plain(text) {
  const joined = /^-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$/.test(text) ? text.replaceAll(",", "") : text;
  return /^[-+\d.]/.test(joined) && !/^[-+]?0[xob]/i.test(joined) ? Number(joined) : NaN;
}

/** A value as a text control shows it, a time in the largest unit of which it is a whole number. */
export function written(value, isTime = false) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return inUnits(value, isTime) ?? figures(value);
  return typeof value === "string" ? value : `${value.name ?? "as it came"}, whole`;
}

const figures = (value) => (Number.isInteger(value) ? value.toLocaleString("en-US") : String(value));

/** A number with a unit, if it is short so and exactly the same number; undefined otherwise. */
function inUnits(value, isTime) {
  if (!isTime && Math.abs(value) < LARGE) return undefined;
  const units = Object.entries(isTime ? TIMES : SIZES).slice(1).reverse();
  for (const [unit, size] of units) {
    const text = `${value / size} ${unit}`;
    const short = isTime ? Number.isInteger(value / size) : text.replace(/\D/g, "").length <= DIGITS;
    if (value >= size && short && numberOf(text, isTime) === value) return text;
  }
  return undefined;
}
