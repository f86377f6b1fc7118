// Carries out what the buttons of searches say, and asks first what it takes, or whether that is meant.

import { extend, setWorkers } from "./limits.js";
import { change } from "./requests.js";
import { say } from "./notices.js";

const dialog = document.getElementById("confirm");

/** Whether a person means it. */
async function confirmed(name) {
  dialog.querySelector(".subject").textContent = name;
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  return dialog.returnValue === "yes";
}

/** Give the focus back to what a search offers, where it was on what is no longer there. */
function refocus(place, id, action) {
  if (document.activeElement !== document.body) return;
  const own = place.dataset.id === id ? place : place.querySelector(`[data-id="${CSS.escape(id)}"]`);
  const offers = [`[data-action="${action}"]`, "[data-action]", "a"].map((one) => own?.querySelector(one));
  offers.find(Boolean)?.focus();
}

/** Do what a button says; false where nothing was to be done after all. */
async function carryOut(button) {
  const { id, name } = button.closest("[data-id]").dataset;
  const action = button.dataset.action;
  if (action === "extend") return extend(id, name);
  if (action === "change") return setWorkers(id, name);
  if (action === "cancel" && !(await confirmed(name))) return false;
  button.disabled = true;
  try {
    return await change("POST", `/v1/searches/${encodeURIComponent(id)}/${action}`);
  } finally {
    button.disabled = false;
  }
}

/** Have the buttons within an element do what they say with the search that `[data-id]` around them names. */
export function steer(place, afterwards) {
  place.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-action]");
    if (!button) return;
    const { id } = button.closest("[data-id]").dataset;
    try {
      await carryOut(button);
    } catch (refused) {
      say(refused.words ?? refused.message, { grave: true });
    }
    await afterwards();
    refocus(place, id, button.dataset.action);
  });
}
