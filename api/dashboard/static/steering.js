// Carries out what the buttons of searches say, and asks first where that cannot be taken back.

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

/** Have the buttons within an element do what they say with the search that `[data-id]` around them names. */
export function steer(place, afterwards) {
  place.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-action]");
    if (!button) return;
    const { id, name } = button.closest("[data-id]").dataset;
    const action = button.dataset.action;
    if (action === "cancel" && !(await confirmed(name))) return;
    button.disabled = true;
    try {
      await change("POST", `/v1/searches/${encodeURIComponent(id)}/${action}`);
    } catch (refused) {
      say([refused.title, refused.detail, refused.hint].filter(Boolean).join(". "), { grave: true });
    }
    button.disabled = false;
    await afterwards();
  });
}
