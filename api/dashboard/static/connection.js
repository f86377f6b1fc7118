// Whether the service can be reached. While it cannot, a banner on top says so, live figures are dimmed, and buttons
// that would ask it for something wait.

import { say } from "./notices.js";

const DEEDS = "button[data-action], [data-make], [data-pictures], #finishing button";

let banner = null;
let focused = null;

/** Say that the service cannot be reached; once until it is `found`. */
export function lost() {
  if (!banner) {
    banner = document.createElement("p");
    banner.className = "cut";
    banner.setAttribute("role", "alert");
    document.getElementById("content").before(banner);
    const since = new Date().toLocaleTimeString("en-GB");
    banner.textContent = `The connection to the service is lost: figures are those of ${since}. Trying again …`;
    focused = document.activeElement;
  }
  held();
}

/** Have what is drawn anew meanwhile wait too. */
export function held() {
  if (!banner) return;
  document.documentElement.dataset.cut = "";
  for (const button of document.querySelectorAll(DEEDS)) {
    if (button.disabled) continue;
    button.disabled = true;
    button.dataset.waits = "";
  }
}

/** Take all that back; whether there was anything to take back. */
export function found() {
  if (!banner) return false;
  banner.remove();
  banner = null;
  delete document.documentElement.dataset.cut;
  for (const button of document.querySelectorAll("[data-waits]")) {
    button.disabled = false;
    delete button.dataset.waits;
  }
  if (document.activeElement === document.body) focused?.focus(); // one that waits loses it
  say("The connection is back.");
  return true;
}
