// What the columns of a cloud say of its candidates. Knows nothing of how they are drawn.

/** What a candidate can be, best first, in words. */
export const KINDS = {
  front: "front",
  dominated: "dominated",
  infeasible: "infeasible",
  shorter: "shorter training or another seed",
  failed: "failed",
  flying: "in flight",
};

const DECADE = 10; // where costs differ by more, their axis begins as a logarithmic one

function kindAt(cloud, number, top) {
  const state = cloud.states[cloud.state[number]];
  if (state === "evaluating") return "flying";
  if (state !== "scored") return "failed";
  if (cloud.front[number]) return "front";
  if (cloud.replicate[number] || cloud.rung[number] < top) return "shorter"; // it says little beside the full ones
  return cloud.feasible[number] ? "dominated" : "infeasible";
}

/** A cloud with what each candidate is and is called, worked out once; `name` is what people call its search. */
export function prepared(searchId, name, cloud) {
  const top = cloud.rung.reduce((most, rung) => Math.max(most, rung), 0);
  const kinds = cloud.ordinal.map((_, number) => kindAt(cloud, number, top));
  const byKind = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, []]));
  kinds.forEach((kind, number) => byKind[kind].push(number));
  const ids = cloud.ordinal.map((ordinal) => `${searchId}-${ordinal}`);
  const operators = cloud.operator.map((place) => cloud.operators[place]);
  return { searchId, name, cloud, figures: cloud.figures, kinds, byKind, ids, operators };
}

/** The least and the most of some columns together; infinities where they hold nothing. */
export function boundsOf(columns) {
  let [least, most] = [Infinity, -Infinity];
  for (const column of columns) {
    for (const value of column ?? []) {
      if (value === null) continue;
      if (value < least) least = value;
      if (value > most) most = value;
    }
  }
  return [least, most];
}

/** Whether figures lie so far apart that a logarithmic axis shows them better. */
export function spansDecades([least, most]) {
  return least > 0 && most / least > DECADE;
}

/**
 * Those of some numbers that no other one beats on two columns, from left to right; one of several that are equal.
 * A sense is "max" or "min".
 */
export function staircase(numbers, [x, y], [across, up]) {
  const [right, high] = [across, up].map((sense) => (sense === "max" ? -1 : 1));
  const order = [...numbers].sort((one, other) => right * (x[one] - x[other]) || high * (y[one] - y[other]));
  let best = Infinity;
  const left = order.filter((number) => {
    const better = high * y[number] < best;
    if (better) best = high * y[number];
    return better;
  });
  return right < 0 ? left.reverse() : left;
}

/** Rows of a table of candidates, its head first; `holds(shown, number)` says which are in it. */
export function rowsOf(every, holds = () => true) {
  const names = [...new Set(every.flatMap(({ figures }) => Object.keys(figures)))];
  const rows = [["candidate", "state", "rung", "replicate", "operator", ...names]];
  for (const shown of every) {
    const { cloud, figures, ids, kinds, operators } = shown;
    ids.forEach((id, number) => {
      if (!holds(shown, number)) return;
      const own = [id, KINDS[kinds[number]], cloud.rung[number], cloud.replicate[number], operators[number]];
      rows.push([...own, ...names.map((name) => figures[name]?.[number] ?? null)]);
    });
  }
  return rows;
}
