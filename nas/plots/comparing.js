// Other searches beside one: which, what of them compares, and their clouds. The address keeps which.

import { prepared } from "./cloud.js";
import { made } from "./elements.js";
import { lookOf, SEARCHES_MOST } from "./looks.js";

const WITH = "with";
const ID = /^[0-9a-zA-Z]{1,64}$/;

/** What the scores of a search are measured on. */
function judgedBy({ spec }) {
  const { train, validation, validation_limit: limit, validation_crop: crop } = spec.dataset;
  return JSON.stringify([validation ?? train, limit, crop, spec.channels]);
}

/** Why scores of another search do not compare with those of one; nothing where they do. */
function differences(own, other) {
  const found = [];
  const [mine, theirs] = [own, other].map(({ spec }) => spec.recipe);
  if (judgedBy(own) !== judgedBy(other)) found.push("other validation images");
  else if (own.data_digest !== other.data_digest) found.push("images that have changed");
  if (mine.protocol !== theirs.protocol) found.push(`the protocol ${theirs.protocol}`);
  return found;
}

/** A sentence on another search beside one. */
function remarkOn(own, other) {
  const found = differences(own, other);
  const [mine, theirs] = [own, other].map(({ spec }) => spec.recipe.steps);
  const called = `“${other.name}”`;
  const count = (steps) => steps.toLocaleString("en");
  if (found.length) {
    return `${called} was scored with ${found.join(" and ")}: its scores do not compare with those of this search, its costs do.`;
  }
  if (mine !== theirs) return `${called} trains for ${count(theirs)} steps, this search for ${count(mine)}.`;
  return `${called} was scored on the same images with the same protocol.`;
}

/**
 * The control in a place. `compare` reaches the service: `recent()` gives searches, `search(id)` one, and `cloud(id)` a
 * reader of its cloud; `changed()` is called when there are others.
 */
export function makeComparing(host, { searchId, compare, changed }) {
  const others = new Map(); // by id: { search, read, shown }
  const select = made("select", "", { name: "add" });
  const add = made("button", "small", { type: "button" }, "Add");
  const chips = made("span", "chips");
  const wrong = made("span", "wrong", { role: "status" });
  let own = null;

  const choice = made("span", "choice", {}, made("label", "", {}, "Add a search ", select), add);
  host.replaceChildren(choice, chips, wrong);

  const show = () => {
    const items = [...others].map(([id, { search }], place) => {
      const { colour } = lookOf(place + 1);
      const remove = made("button", "small", { type: "button", "aria-label": `Remove ${search.name}` }, `${search.name} ✕`);
      remove.style.borderColor = `var(--${colour})`;
      remove.addEventListener("click", () => {
        others.delete(id);
        show();
        changed();
        select.focus();
      });
      return remove;
    });
    chips.replaceChildren(...items);
    for (const option of select.options) option.disabled = others.has(option.value);
    add.disabled = select.disabled = others.size >= SEARCHES_MOST - 1;
  };

  const list = async () => {
    const found = (await compare.recent()).filter(({ id, spec }) => id !== searchId && spec.scale === own.spec.scale);
    const options = found.map(({ id, name }) => made("option", "", { value: id }, `${name} (${id})`));
    select.replaceChildren(made("option", "", { value: "" }, `of ×${own.spec.scale} …`), ...options);
    choice.hidden = !options.length;
    show();
  };

  const take = async (id) => {
    if (others.has(id) || id === searchId || !ID.test(id) || others.size >= SEARCHES_MOST - 1) return;
    const search = await compare.search(id);
    const [scale, wanted] = [search, own].map(({ spec }) => spec.scale);
    if (scale !== wanted) throw new Error(`it enlarges by ×${scale}, this one by ×${wanted}`);
    const read = compare.cloud(id);
    others.set(id, { search, read, shown: prepared(id, search.name, await read()) });
  };

  const taken = async (ids) => {
    for (const id of ids) {
      try {
        await take(id);
        wrong.textContent = "";
      } catch (error) {
        wrong.textContent = `${id} cannot be shown: ${error.message}`;
      }
    }
    show();
  };

  add.addEventListener("click", async () => {
    if (!select.value) return select.focus();
    await taken([select.value]);
    select.value = "";
    changed();
  });

  return {
    /** The others, ready to be drawn. */
    shown: () => [...others.values()].map(({ shown }) => shown),
    /** What must be said of them. */
    remarks: () => [...others.values()].map(({ search }) => remarkOn(own, search)),
    write(asked) {
      if (others.size) asked.set(WITH, [...others.keys()].join(","));
      else asked.delete(WITH);
    },
    /** Take those that an address names; whether there are any. */
    async read(asked) {
      own = await compare.search(searchId);
      await taken((asked.get(WITH) ?? "").split(",").filter(Boolean));
      await list();
      return others.size > 0;
    },
    /** Bring their clouds up to date; whether one has changed. */
    async refresh() {
      let changes = false;
      for (const [id, other] of others) {
        const found = await other.read();
        if (found) other.shown = prepared(id, other.search.name, found);
        changes ||= found !== null;
      }
      return changes;
    },
  };
}
