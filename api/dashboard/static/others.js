// The searches that the page's address names beside its own, with readers of how they came to where they are.

import { read, reader } from "./requests.js";

const MOST = 5; // beside one
const ID = /^[0-9a-zA-Z]{1,64}$/;

const addressOf = (id) => `/v1/searches/${encodeURIComponent(id)}`;

/** What a hypervolume depends on beside the networks. */
function measure({ reference_point, data_digest, spec }) {
  return JSON.stringify([Object.entries(reference_point).sort(), data_digest, spec.recipe.protocol]);
}

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
      const alike = hasBegun(own) && hasBegun(found) ? measure(found) === measure(own) : undefined;
      const history = known.get(id)?.read ?? reader(`${addressOf(id)}/history`);
      known.set(id, { id, name: found.name || id, read: history, alike });
    } catch {
      return; // the plot of the front says why
    }
  };

  return async () => {
    const asked = [...new Set(namedBeside().split(","))].filter((id) => ID.test(id) && id !== searchId).slice(0, MOST);
    for (const id of asked.filter((one) => known.get(one)?.alike === undefined)) await take(id);
    return asked.flatMap((id) => known.get(id) ?? []);
  };
}
