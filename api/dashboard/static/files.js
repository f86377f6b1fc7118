// Files that a controller makes on request: asked for, waited for, and fetched.

import { change, read } from "./requests.js";
import { say } from "./notices.js";

const EVERY_MS = 1000;
const LONGEST_MS = 5000;

const later = (ms) => new Promise((done) => setTimeout(done, ms));

/** Whether what was refused may be given in a moment: the service is busy, or starts again. */
const passes = ({ status }) => status === 0 || status === 429 || status >= 500;

/** Wait until a file is there; its artifact, or `Error` where it could not be made. */
export async function made(id) {
  for (let wait = EVERY_MS; ; wait = Math.min(1.3 * wait, LONGEST_MS)) {
    const artifact = await read(`/v1/artifacts/${encodeURIComponent(id)}`).catch((refused) => {
      if (!passes(refused)) throw refused;
    });
    if (artifact?.state === "ready") return artifact;
    if (artifact?.state === "failed") throw new Error(artifact.detail.error ?? "It could not be made");
    await later(wait);
  }
}

/** Offer a file to the browser under its name. */
export function fetched(href, name) {
  const link = Object.assign(document.createElement("a"), { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

/** Put one word, or none, in the place of what a form offers. */
function put(row, text) {
  row.lastElementChild.remove();
  const note = Object.assign(document.createElement("span"), { className: "note", textContent: text });
  note.setAttribute("role", "status");
  row.append(note);
}

/** Show that a form is there. */
function offer(row, artifact) {
  const link = Object.assign(document.createElement("a"), { className: "button", textContent: "Download" });
  Object.assign(link, { href: artifact.links.file, download: artifact.filename });
  link.setAttribute("aria-label", `Download ${row.dataset.form}`);
  row.lastElementChild.replaceWith(link);
  return link;
}

async function wait(row, id) {
  put(row, "being made …");
  try {
    const artifact = await made(id);
    return [offer(row, artifact), artifact];
  } catch (error) {
    put(row, "not made");
    say(error.words ?? error.message, { grave: true });
    return [];
  }
}

const panel = document.getElementById("files");

panel?.querySelectorAll("li[data-artifact]:not([data-artifact=''])").forEach((row) => wait(row, row.dataset.artifact));
panel?.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-make]");
  if (!button) return;
  const row = button.closest("li");
  button.disabled = true;
  try {
    const asked = await change("POST", panel.dataset.url, { format: row.dataset.form });
    const [link, artifact] = await wait(row, asked.id);
    if (!artifact) return;
    link.focus();
    fetched(artifact.links.file, artifact.filename);
  } catch (refused) {
    button.disabled = false;
    say(refused.words ?? refused.message, { grave: true });
  }
});
