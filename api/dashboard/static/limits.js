// Dialogs that ask for figures of a search: larger limits of its budget, its share of the workers, its priority.

import { change, read } from "./requests.js";

const figure = (value) => value.toLocaleString("en", { maximumSignificantDigits: 4 });
const addressOf = (id) => `/v1/searches/${encodeURIComponent(id)}`;

/** Ask for larger limits of a search's budget until they are set; false where they stay as they are. */
export async function extend(id, name) {
  const { spec, progress, running_s } = await read(addressOf(id));
  const worked_h = (progress.train_s + progress.validate_s) / 3600;
  const { evaluated: evaluations, steps } = progress;
  const spent = { evaluations, steps, wall_time_s: running_s, worker_hours: worked_h };
  const dialog = document.getElementById("extend");
  for (const input of dialog.querySelectorAll("input")) {
    const [limit, used] = [spec.budget[input.name], spent[input.name]];
    const words = used === undefined ? "" : `, ${figure(used)} spent`;
    const now = limit === null ? `No limit${words}` : `${limit.toLocaleString("en")} now${words}`;
    const free = limit === null ? "; an extension sets none, a clone may" : "; empty lifts this limit";
    input.nextElementSibling.textContent = `${now}${input.required ? "" : free}.`;
  }
  return settle(dialog, name, spec.budget, (changes) => change("POST", `${addressOf(id)}/extend`, changes));
}

/** Ask how many workers a search may have, and before which others, until that is set; false as above. */
export async function setWorkers(id, name) {
  const { parallelism, priority } = await read(addressOf(id));
  const dialog = document.getElementById("change");
  return settle(dialog, name, { parallelism, priority }, (changes) => change("PATCH", addressOf(id), changes));
}

/** Why figures were refused: of each what it may be, which is marked, or all that is known. */
function reasonsOf(refused, inputs) {
  const inputOf = (field) => inputs.find(({ name }) => name === field.split(".").at(-1));
  const named = (refused.errors ?? []).map(({ field, allowed }) => [inputOf(field), allowed]);
  if (!named.length || named.some(([input]) => !input)) return [refused.words ?? refused.message];
  named.forEach(([input]) => input.setAttribute("aria-invalid", "true"));
  return named.map(([input, allowed]) => `${input.labels[0].textContent}: ${allowed}`);
}

/** Show figures as they are, and send those that somebody changes; what is refused is said in the dialog. */
function settle(dialog, name, present, send) {
  const form = dialog.querySelector("form");
  const inputs = [...form.querySelectorAll("input")];
  const wrong = form.querySelector(".wrong");
  dialog.querySelector(".subject").textContent = name;
  wrong.textContent = "";
  for (const input of inputs) {
    input.value = present[input.name] ?? "";
    input.removeAttribute("aria-invalid");
    const isHeld = "held" in input.closest(".row").dataset;
    input.readOnly = isHeld && present[input.name] === null; // no extension sets a limit where there is none
    input.placeholder = input.readOnly ? "no limit" : "";
  }
  form.querySelector("[data-leave]").onclick = () => dialog.close("");
  form.onsubmit = async (event) => {
    event.preventDefault();
    inputs.forEach((input) => input.removeAttribute("aria-invalid"));
    const wished = inputs.map((input) => [input.name, input.value === "" ? null : input.valueAsNumber]);
    const changes = Object.fromEntries(wished.filter(([field, value]) => value !== present[field]));
    if (!Object.keys(changes).length) return dialog.close("");
    try {
      await send(changes);
      dialog.close("done");
    } catch (refused) {
      wrong.textContent = reasonsOf(refused, inputs).join("; ");
    }
  };
  dialog.returnValue = "";
  dialog.showModal();
  const closed = new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  return closed.then(() => dialog.returnValue === "done");
}
