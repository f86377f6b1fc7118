// The dialog that has the front of a search trained to the end: what that would begin, and what came of each member.

import { made } from "./elements.js";
import { span } from "./new-estimate.js";
import { makeRecipes } from "./recipes.js";
import { change, read } from "./requests.js";

const OVER = ["failed", "cancelled"]; // which the same request begins anew

const requestUrl = (id) => `/v1/candidates/${encodeURIComponent(id)}/trainings`;
const keyOf = ({ candidate_id, recipe, dataset, seed }) => JSON.stringify([candidate_id, recipe, dataset, seed]);
const whole = (count) => count.toLocaleString("en-US");
const number = (count, one, many) => (count === 1 ? one : many.replace("#", whole(count)));

/** What a recipe would begin for some members: in words how many, how long, how many are there, why others cannot. */
async function foretold(members, recipe, there, isCurrent) {
  const [found, refused] = [[], []];
  for (const { id } of members) {
    if (!isCurrent()) return "";
    try {
      found.push(await change("POST", `${requestUrl(id)}?dry_run=true`, { recipe }));
    } catch (refusal) {
      if (!refusal.status || refusal.errors.length) throw refusal; // it would be refused for every one
      refused.push(`${id}: ${refusal.detail || refusal.title}`);
    }
  }
  const fresh = found.filter((one) => !there.has(keyOf(one)));
  const known = fresh.every(({ expected_s }) => expected_s !== null);
  const time = fresh.reduce((sum, { expected_s }) => sum + expected_s, 0);
  const lines = [
    fresh.length
      ? `${number(fresh.length, "1 training", "# trainings")} of ${fresh[0].steps.toLocaleString("en-US")} steps: ` +
        (known ? `about ${span(time)} of work in all` : "nobody knows how long they take")
      : "Nothing to begin",
    ...(found.length > fresh.length ? [`${found.length - fresh.length} so trained already, or on the way`] : []),
    ...refused,
  ];
  return `${lines.join(". ")}.`;
}

/** What came of a request: that it waits, that its model is there, or why it was refused. */
async function become(id, recipe, there) {
  const line = made("li", "", {}, made("a", "", { href: `/candidates/${id}` }, id), ": ");
  try {
    const training = await change("POST", requestUrl(id), { recipe });
    const had = there.has(keyOf(training)) ? "already " : "";
    if (training.status !== "completed") line.append(`${had}${training.status}`);
    else line.append(`${had}trained, `, made("a", "", { href: `/models/${training.id}` }, `model ${training.id}`));
  } catch (refused) {
    line.append(refused.words ?? refused.message);
  }
  return line;
}

/** Fill the recipes of the form in, each with its own steps. */
function offer(form, recipes) {
  const options = recipes.map(({ name, document: { steps } }) =>
    made("option", "", { value: name, "data-steps": steps }, `${name}, ${steps.toLocaleString("en-US")} steps`),
  );
  form.elements.recipe.replaceChildren(...options);
  form.elements.steps.value = recipes[0].document.steps;
}

/**
 * Have a button open the dialog.
 *
 * `address` is the search's, and `look` reads its full trainings anew and shows them.
 */
export function makeFinishing(dialog, button, { address, look }) {
  const form = dialog.querySelector("form");
  const find = (selector) => form.querySelector(selector);
  const [became, told, purpose] = ["[data-became]", "[data-forecast]", "[data-purpose]"].map(find);
  const [wrong, leave, begin] = [".wrong", "[data-leave]", ".main"].map(find);
  const { top } = form.elements;
  let members = [];
  let purposes = new Map();
  let there = new Set();

  const chosen = () => members.slice(0, top.valueAsNumber);
  const recipes = makeRecipes(form, (recipe, isCurrent) => {
    told.textContent = "Asking how long that takes …";
    return foretold(chosen(), recipe, there, isCurrent);
  });
  const explain = () => (purpose.textContent = purposes.get(form.elements.recipe.value));

  const open = async () => {
    const [front, { items }, trainings] = await Promise.all([read(`${address}/front`), read("/v1/recipes"), look()]);
    members = front.members;
    there = new Set(trainings.filter(({ status }) => !OVER.includes(status)).map(keyOf));
    purposes = new Map(items.map((recipe) => [recipe.name, recipe.purpose]));
    const done = new Set(trainings.filter(({ status }) => status === "completed").map((one) => one.candidate_id));
    const models = members.filter(({ id }) => done.has(id)).length;
    offer(form, items);
    explain();
    Object.assign(top, { max: members.length, value: members.length });
    const order = `Of ${members.length}, the best by ${front.objectives[0].metric} first`;
    const known = models ? number(models, "1 has", "# have") : "None has";
    find("[data-top]").textContent = `${order}. ${known} a model already.`;
  };

  button.addEventListener("click", async () => {
    became.replaceChildren();
    wrong.textContent = told.textContent = "";
    told.hidden = begin.hidden = false;
    begin.disabled = true;
    leave.textContent = "Leave it";
    dialog.showModal();
    try {
      await open();
      begin.disabled = !members.length;
      if (members.length) await recipes.tell();
      else wrong.textContent = "The front is empty: nothing to finish.";
    } catch (refused) {
      wrong.textContent = refused.words ?? refused.message;
    }
  });
  form.addEventListener("input", explain);
  leave.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    begin.disabled = true;
    const recipe = recipes.recipe();
    told.hidden = true;
    for (const { id } of chosen()) became.append(await become(id, recipe, there));
    begin.hidden = true;
    leave.textContent = "Close";
    leave.focus();
    await look().catch(() => {});
  });
}
