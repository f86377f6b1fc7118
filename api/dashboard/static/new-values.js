// JSON values: whether two are equal, and what turns one object into another.

/** Whether a value is a JSON object. */
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether two JSON values are equal, in whatever order their objects name things. */
export function equal(one, other) {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((value, number) => equal(value, other[number]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => name in other && equal(one[name], other[name]));
}

/** The JSON merge patch (RFC 7396) that makes one object of another; a null in the second one is removed. */
export function patchOf(from, to) {
  const patch = {};
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    if (equal(from[name], to[name])) continue;
    patch[name] = isObject(from[name]) && isObject(to[name]) ? patchOf(from[name], to[name]) : to[name] ?? null;
  }
  return patch;
}

/** A document with values put in at places, where no form has a field for them. */
export function withValues(document, entries) {
  const whole = structuredClone(document);
  for (const [place, value] of entries) {
    let holder = whole;
    for (const name of place.slice(0, -1)) {
      if (typeof holder[name] === "string") holder[name] = { name: holder[name] }; // of a recipe, its base
      else if (!isObject(holder[name])) holder[name] = {};
      holder = holder[name];
    }
    Object.defineProperty(holder, place.at(-1), { value, enumerable: true, configurable: true, writable: true });
  }
  return whole;
}
