// The page on which a search is set up: fills the form, foretells what the search will take, and submits it.

import { sayOf, span, tell } from "./new-estimate.js";
import { makeTabs } from "./new-copies.js";
import { controlsOf, defaultOf, fieldsOf, valueOf } from "./new-fields.js";
import { makeForm } from "./new-form.js";
import { tellImages, tendUpload } from "./new-images.js";
import { begun, goTo, missing, nodeAt, showProblems, summarise } from "./new-problems.js";
import { tendRows } from "./new-rows.js";
import { equal, isObject, patchOf } from "./new-values.js";
import { say } from "./notices.js";
import { Refused, change, read } from "./requests.js";

const PAUSE_MS = 350;

const LONGEST_NAME = 120;

// What to do where the service does not know who fills the form in, by status.
const STRANGE = {
  401: "You are signed out. Sign in again in another tab, and go on here: what you filled in stays",
  403: "Whoever is signed in now is not who opened this page. Copy the JSON, reload the page, and fill the form from it",
};

const root = document.getElementById("spec");
const summary = document.getElementById("summary");
const submit = document.getElementById("submit");
const panel = document.getElementById("estimate");
const told = document.getElementById("told");
const pasting = document.getElementById("pasting");
const pasted = document.getElementById("pasted");
const { url, from: origin } = root.dataset;

const form = makeForm(root);
const showRequest = makeTabs(document.getElementById("program"), say);

let original = null; // the spec that is cloned
let everything = false; // whether a person has asked for all that is wrong
let asking = null;
let timer = null;
let last = { text: "", key: "" };
let judged = { text: "", answer: null }; // the last spec that was estimated or found wrong

// -- what is sent -------------------------------------------------------------------------------------------------------

/** The request that submits the form: of a clone, how it differs. */
function request() {
  const spec = form.document();
  const whole = { url, token: "token" in root.dataset, spec };
  const changes = original && patchOf(original, form.full());
  if (!changes || losesNulls(changes)) return { ...whole, path: "/v1/searches", body: spec };
  return { ...whole, origin, path: `/v1/searches/${encodeURIComponent(origin)}/clone`, body: { changes } };
}

/** Whether a patch would set a field to its default that is to be null, since it has one word for both. */
function losesNulls(patch, place = []) {
  return Object.entries(patch).some(([name, value]) => {
    if (isObject(value)) return losesNulls(value, [...place, name]);
    const node = value === null && nodeAt(root, [...place, name].join("."));
    return Boolean(node) && !equal(defaultOf(node) ?? null, null);
  });
}

/** A name for a request that the same one keeps, however often it is sent. */
function keyOf(text) {
  if (text !== last.text) {
    const drawn = crypto.getRandomValues(new Uint8Array(16));
    last = { text, key: [...drawn].map((byte) => byte.toString(16).padStart(2, "0")).join("") };
  }
  return last.key;
}

async function send(event) {
  event.preventDefault();
  if (submit.disabled) return;
  everything = true;
  asking?.abort();
  clearTimeout(timer);
  submit.disabled = true;
  const { path, body } = request();
  try {
    const search = await change("POST", path, body, { key: keyOf(path + JSON.stringify(body)) });
    location.assign(`/searches/${encodeURIComponent(search.id)}`);
  } catch (refused) {
    submit.disabled = false;
    if (!(refused instanceof Refused)) throw refused;
    refuse(refused);
  }
}

/** Show why a search was not taken, and go to the first thing to change. */
function refuse(refused) {
  panel.dataset.state = "told";
  const shown = showProblems(root, refused.errors, true);
  summarise(summary, shown, refused.errors.length ? "" : wordsOf(refused));
  const first = shown.find(({ node }) => node);
  if (first) goTo(first.node);
  else summary.focus();
}

// -- what it will take --------------------------------------------------------------------------------------------------

/** After a change: what is sent now, and, once nothing more changes for a moment, what it will take. */
function changed() {
  showRequest(request());
  tellImages(nodeAt(root, "dataset"));
  root.querySelectorAll("[data-span]").forEach((place) => {
    const field = place.closest("[data-field]");
    const [seconds, [control]] = [valueOf(field), controlsOf(field)];
    const bare = /^[\d.,e]*$/.test(control.value.trim());
    const words = (count) => (bare ? span(count) : `${count.toLocaleString("en-US")} s`);
    place.textContent = typeof seconds === "number" ? `= ${words(seconds)}` : "";
  });
  asking?.abort();
  clearTimeout(timer);
  panel.dataset.state = "waiting";
  timer = setTimeout(estimate, PAUSE_MS);
}

/** Ask what a spec will take, unless it is known to be refused, or was asked for last. */
async function estimate() {
  const unsaid = everything ? "" : lacking();
  if (unsaid) {
    found([], `${unsaid}, and you see here what the search will take.`);
    return;
  }
  asking = new AbortController();
  const { signal } = asking;
  panel.dataset.state = "asking";
  const spec = form.document();
  const answer = await foretold(spec, signal);
  if (signal.aborted) return;
  if (!(answer instanceof Refused)) {
    found([], "");
    tell(told, answer);
    return;
  }
  const count = answer.errors.length;
  found(answer.errors, count ? "Something cannot be so yet: nothing is foretold before it can." : wordsOf(answer));
}

/** Why a request was refused, and what to do. */
const wordsOf = (refused) => STRANGE[refused.status] ?? refused.words;

/** What has to be said before there is an estimate; empty where all of it is. */
function lacking() {
  if (missing(root).length) return "Choose the images";
  const [row] = begun(root);
  return row ? `Fill in ${row.getAttribute("aria-label")}` : "";
}

/** The estimate of a spec, or why it is refused. */
async function foretold(spec, signal) {
  const text = JSON.stringify(spec);
  if (text === judged.text) return judged.answer;
  try {
    judged = { text, answer: await change("POST", "/v1/estimates", spec, { signal }) };
    return judged.answer;
  } catch (refused) {
    if (signal.aborted) return null;
    if (!(refused instanceof Refused)) throw refused;
    if (refused.errors.length) judged = { text, answer: refused };
    return refused;
  }
}

/** Take what the service found wrong, and in place of an estimate a word. */
function found(problems, word) {
  panel.dataset.state = "told";
  const shown = showProblems(root, problems, everything);
  summarise(summary, everything ? shown : [], "");
  if (!word) return;
  const hidden = problems.length && !shown.length;
  sayOf(told, hidden ? `${word} ${problems[0].field}: allowed is ${problems[0].allowed}.` : word);
}

// -- where the form is filled from ----------------------------------------------------------------------------------------

/** Fill the form from a preset, but for its images and a name of a person's own. */
function begin(preset, { replace }) {
  const { dataset, name } = form.document();
  const titles = [...root.querySelectorAll("[name=preset]")].map((radio) => radio.dataset.title);
  const own = name && !titles.includes(name) ? name : preset.dataset.title;
  form.fill({ ...JSON.parse(preset.dataset.document), ...(own && { name: own }), ...(dataset && { dataset }) });
  root.querySelectorAll("[data-about]").forEach((about) => (about.hidden = about.dataset.about !== preset.value));
  if (!replace) return;
  history.replaceState(null, "", preset.value ? `?preset=${encodeURIComponent(preset.value)}` : location.pathname);
  forget();
}

/** Take no field for one that a person has been at. */
function forget() {
  everything = false;
  root.querySelectorAll("[data-touched]").forEach((node) => delete node.dataset.touched);
}

/** The name of one more of what has a name: with a number after it, within what a name may hold. */
function again(name) {
  const [, stem, number] = /^(.*?)(?: \((\d+)\))?$/.exec(name);
  const ending = ` (${Number(number ?? 1) + 1})`;
  return name && stem.slice(0, LONGEST_NAME - ending.length) + ending;
}

/** Fill the form from another search, with a seed and a name of its own. */
async function clone() {
  const { spec } = await read(`/v1/searches/${encodeURIComponent(origin)}`);
  const { start } = root.dataset;
  original = spec;
  const other = { ...spec, name: again(spec.name), seed: (spec.seed + 1) % 2 ** 32 };
  form.fill(start ? { ...other, initial: [start, ...spec.initial.filter((text) => text !== start)] } : other);
  everything = true;
}

async function lookForImages() {
  const { items } = await read("/v1/datasets");
  for (const field of fieldsOf(nodeAt(root, "dataset"))) {
    const select = field.querySelector("select");
    const known = new Set([...(select?.options ?? [])].map((option) => option.value));
    const more = items.filter(({ name }) => select && !known.has(JSON.stringify(name)));
    select?.append(...more.map(({ name }) => new Option(name, JSON.stringify(name))));
  }
  document.getElementById("no-datasets").hidden = items.length > 0;
  judged = { text: "", answer: null };
  say(items.length === 1 ? "There is one dataset." : `There are ${items.length} datasets.`);
}

// -- as JSON --------------------------------------------------------------------------------------------------------------

function paste() {
  const [spec, wrong] = parsed(pasted.value);
  const place = document.getElementById("pasting-wrong");
  place.textContent = wrong;
  place.hidden = !wrong;
  if (wrong) return pasted.focus();
  form.fill(spec);
  everything = true;
  pasting.close();
  changed();
}

/** The JSON object in a text, and why there is none. */
function parsed(text) {
  try {
    const value = JSON.parse(text);
    return isObject(value) ? [value, ""] : [null, "A spec is one JSON object."];
  } catch (error) {
    return [null, `This is no JSON: ${error.message}.`];
  }
}

// -- the page ---------------------------------------------------------------------------------------------------------------

root.addEventListener("submit", send);
root.addEventListener("input", ({ target }) => {
  if (target.name !== "preset") changed();
});
root.addEventListener("change", ({ target }) => {
  if (target.name === "preset") begin(target, { replace: true });
  else target.closest("[data-field]").dataset.touched = "";
  changed();
});
tendRows(root);
document.getElementById("look-again").addEventListener("click", lookForImages);
tendUpload(document.getElementById("add-images"), nodeAt(root, "dataset"), lookForImages);
document.getElementById("edit").addEventListener("click", () => {
  pasted.value = JSON.stringify(form.document(), null, 2);
  document.getElementById("pasting-wrong").hidden = true;
  pasting.showModal();
  pasted.setSelectionRange(0, 0);
  pasted.scrollTop = 0;
});
document.getElementById("fill").addEventListener("click", paste);
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return; // come back to, it is for another search
  submit.disabled = false;
  last = { text: "", key: "" };
});

form.fill({});
if (origin) await clone();
else begin(root.querySelector("[name=preset]:checked"), { replace: false });
changed();
root.dataset.ready = "";
