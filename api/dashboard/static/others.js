// The searches that the page's address names beside its own, with readers of how they came to where they are, and with
// what of them does not compare.

import { read, reader } from "./requests.js";

const MOST = 5; // beside one
const ID = /^[0-9a-zA-Z]{1,64}$/;
const GIGA = 1e9;

const addressOf = (id) => `/v1/searches/${encodeURIComponent(id)}`;

// -- what differs -----------------------------------------------------------------------------------------------------

const inDigits = (value) => value.toLocaleString("en", { maximumSignificantDigits: 5 });
const figure = (value) => (value >= GIGA / 10 ? `${(value / GIGA).toPrecision(3)} G` : inDigits(value));

/** What the scores of a search are measured on and how: pairs of its settings and their words. */
function measuring({ spec }) {
  const { train, validation, validation_limit: limit, validation_crop: crop } = spec.dataset;
  return [
    ["validation images", validation ? `“${validation}”` : `some of “${train}”, held out`],
    ["number of validation images", limit === null ? "all" : `the first ${limit}`],
    ["part of them that is scored", crop === null ? "whole" : `the central ${crop} LR pixels`],
    ["colours", spec.channels === 1 ? "luma" : "RGB"],
    ["scale", `×${spec.scale}`],
    ["protocol", spec.recipe.protocol],
  ];
}

/** Whether bicubic scores the same on the images of both; undefined where that is not known. */
function isBicubicAlike(own, other) {
  const shared = Object.keys(own.baseline).filter((name) => name in other.baseline);
  return shared.length ? shared.every((name) => own.baseline[name] === other.baseline[name]) : undefined;
}

/** What the scores of two searches differ by beside the networks, each with what it is there and here. */
function byScores(own, other) {
  const [mine, theirs] = [own, other].map(measuring);
  const found = theirs.flatMap(([what, there], place) => {
    const here = mine[place][1];
    return there === here ? [] : [`the ${what} (${there} there, ${here} here)`];
  });
  if (found.length || own.data_digest === other.data_digest || isBicubicAlike(own, other)) return found;
  return ["the validation images (others under the same name, for bicubic scores otherwise on them)"];
}

/** The metrics of which two hypervolumes have another reference. */
function byReference({ reference_point: mine }, { reference_point: theirs }) {
  return [...new Set([...Object.keys(mine), ...Object.keys(theirs)])].flatMap((metric) => {
    if (mine[metric] === theirs[metric]) return [];
    if (!(metric in theirs)) return [`${metric} only here`];
    if (!(metric in mine)) return [`${metric} only there`];
    return [`${metric} ${figure(theirs[metric])} there, ${figure(mine[metric])} here`];
  });
}

/** What differs between another search and one, and what therefore does not compare; empty where everything does. */
export function remarkOn(own, other) {
  const called = `“${other.name || other.id}”`;
  const [scores, reference] = [byScores(own, other), byReference(own, other)];
  const from = reference.length ? `the reference point (${reference.join("; ")})` : "";
  if (scores.length) {
    const differing = [...scores, from].filter(Boolean).join(", ");
    return `${called} differs in ${differing}: neither PSNR nor hypervolume compares with this search.`;
  }
  return from && `${called} differs in ${from} only: hypervolumes do not compare, PSNR does.`;
}

// -- which there are --------------------------------------------------------------------------------------------------

/** Whether it has something to measure from. */
const hasBegun = ({ reference_point }) => Object.keys(reference_point).length > 0;

/** Which searches the address names. */
export const namedBeside = () => new URLSearchParams(location.search).get("with") ?? "";

/** A function that gives them as the address has them now; what cannot be read is left out, and tried again. */
export function makeOthers(searchId) {
  const known = new Map(); // by id
  let own = null;

  const take = async (id) => {
    try {
      if (!own || !hasBegun(own)) own = await read(addressOf(searchId));
      const found = await read(addressOf(id));
      const remark = hasBegun(own) && hasBegun(found) ? remarkOn(own, found) : undefined;
      const history = known.get(id)?.read ?? reader(`${addressOf(id)}/history`);
      known.set(id, { id, name: found.name || id, read: history, remark });
    } catch {
      return; // the plot of the front says why
    }
  };

  return async () => {
    const asked = [...new Set(namedBeside().split(","))].filter((id) => ID.test(id) && id !== searchId).slice(0, MOST);
    for (const id of asked.filter((one) => known.get(one)?.remark === undefined)) await take(id);
    return asked.flatMap((id) => known.get(id) ?? []);
  };
}
