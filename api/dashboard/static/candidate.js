// The page of a candidate: keeps what goes on up to date, and has its network trained to the end.

import { found, lost } from "./connection.js";
import { span } from "./new-estimate.js";
import { makeRecipes, wordsOf } from "./recipes.js";
import { change, pageReader, read } from "./requests.js";
import { say } from "./notices.js";
import "./files.js";
import "./charts.js";
import "./network.js";
import "./pictures.js";

const EVERY_MS = 3000;
const REST = 10; // times as long as a look took
const LIVE = ["standing", "trainings"];

const readPage = pageReader();
let timer = null;
let looking = false;
let took = 0;

/** Ask for this page anew, and show what changed of what goes on. */
async function look() {
  if (looking) return;
  looking = true;
  const begun = performance.now();
  try {
    const fresh = await readPage();
    found();
    if (fresh) patch(fresh);
  } catch {
    lost();
  }
  looking = false;
  took = performance.now() - begun;
  again();
}

function patch(fresh) {
  const [before, now] = [document, fresh].map((page) => page.getElementById("standing").dataset.state);
  if (before !== now) return location.reload(); // scores, curves and files come all at once
  for (const id of LIVE) {
    const [shown, wanted] = [document.getElementById(id), fresh.getElementById(id)];
    if (!shown.isEqualNode(wanted)) shown.replaceWith(wanted);
  }
}

function again() {
  clearTimeout(timer);
  const goesOn = document.getElementById("standing").dataset.live === "on";
  if (goesOn && !document.hidden) timer = setTimeout(look, Math.max(EVERY_MS, REST * took));
}

const form = document.getElementById("finishing");
const recipes = form && makeRecipes(form, foretell);

/** What another number of steps is expected to take. */
async function foretell(recipe) {
  if (typeof recipe === "string") return ""; // it stands beside its name
  const asked = new URLSearchParams({ candidate: form.dataset.candidate, steps: recipe.steps });
  const { expected_s } = (await read(`/v1/recipes?${asked}`)).items.find(({ name }) => name === recipe.name);
  return expected_s === null ? "time not known" : `about ${span(expected_s)}`;
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [button, wrong] = [form.querySelector("button"), form.querySelector(".wrong")];
  const recipe = recipes.recipe();
  button.disabled = true;
  wrong.hidden = true;
  try {
    await change("POST", document.getElementById("finish").dataset.url, { recipe });
    say(`It is trained by the recipe ${wordsOf(recipe)} as soon as a worker is free.`);
    await look();
  } catch (refused) {
    Object.assign(wrong, { hidden: false, textContent: refused.words ?? refused.message });
  }
  button.disabled = false;
});

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : again()));
again();
