// The full trainings of a search: listed with how far they are, and begun for its front.

import { made } from "./elements.js";
import { makeFinishing } from "./finishing.js";
import { read } from "./requests.js";

const EVERY_MS = 5000;
const SELDOM_MS = 30_000; // where nothing goes on: another may be begun elsewhere
const ENDED = ["completed", "failed", "cancelled"];
const MOST = 50;

const panel = document.getElementById("full-trainings");
const [words, table] = ["[data-words]", "table"].map((selector) => panel.querySelector(selector));
const address = `/v1/searches/${encodeURIComponent(panel.dataset.search)}`;
let timer = null;
let shown = "";

const percent = ({ fraction }) => Math.floor(100 * fraction);
const markOf = (state) => panel.querySelector(`[data-mark="${state}"]`).content.cloneNode(true);
const linkTo = (path, text) => made("a", "", { href: path }, text);
const cell = (title, ...children) => made("td", "", { "data-label": title }, ...children);

/** How far a training is: a bar while it goes on, its steps in words. */
function reached({ candidate_id, status, progress }) {
  const steps = `${progress.step.toLocaleString("en-US")} of ${progress.steps.toLocaleString("en-US")} steps`;
  if (ENDED.includes(status)) return [steps];
  const value = percent(progress);
  return [made("progress", "", { max: 100, value, "aria-label": `Progress of ${candidate_id}` }), steps];
}

function rowOf(training) {
  const { candidate_id: candidate, recipe, status, reason, progress, id } = training;
  const psnr = progress.psnr_db === null ? "–" : `${progress.psnr_db.toFixed(2)} dB`;
  const state = cell("State", markOf(status), ...(reason ? [made("span", "why", {}, reason)] : []));
  const score = cell("PSNR", psnr);
  score.classList.add("figure");
  const model = status === "completed" ? linkTo(`/models/${id}`, id) : "–";
  const head = made("th", "", { scope: "row" }, linkTo(`/candidates/${candidate}`, candidate));
  const name = recipe.name ?? `${recipe.steps.toLocaleString("en-US")} steps`;
  const cells = [cell("Recipe", name), state, cell("Progress", ...reached(training)), score, cell("Model", model)];
  return made("tr", "", {}, head, ...cells);
}

/** Draw the list; who is on a link of it stays there. */
function draw(trainings) {
  const focused = table.contains(document.activeElement) && document.activeElement.getAttribute("href");
  table.tBodies[0].replaceChildren(...trainings.slice(0, MOST).map(rowOf));
  if (focused) table.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  table.hidden = !trainings.length;
  const more = trainings.length - MOST;
  words.hidden = trainings.length > 0 && more <= 0;
  words.textContent = trainings.length
    ? `The newest ${MOST}; ${more.toLocaleString("en-US")} more are among the models.`
    : "None yet. A search trains its networks for a moment only, to rank them.";
}

/** Look at the trainings anew; gives them. */
async function look() {
  clearTimeout(timer);
  let goesOn = false;
  try {
    const { items } = await read(`${address}/trainings`);
    goesOn = items.some(({ status }) => !ENDED.includes(status));
    if (shown !== JSON.stringify(items)) draw(items);
    shown = JSON.stringify(items);
    return items;
  } finally {
    timer = setTimeout(seldom, goesOn ? EVERY_MS : SELDOM_MS);
  }
}

/** Look where somebody sees it; the page says by itself that the service is gone. */
const seldom = () => (document.hidden ? null : look().catch(() => {}));

document.addEventListener("visibilitychange", seldom);
await seldom();
const dialog = document.getElementById("finish-front");
if (dialog) makeFinishing(dialog, panel.querySelector("[data-finish]"), { address, look });
