// What the service says is wrong, beside the fields that it is wrong with, and in a summary what has none.

import { controlsOf, defaultOf, fieldsOf, rowsOf, valueOf } from "./new-fields.js";
import { equal } from "./new-values.js";

const LEAVES = new Set(["text", "integer", "number", "flag", "choice", "lines"]);

const MOST = 4; // problems of one field

/** The field or row at a place of the document, as deep as the form goes; null for what it has no field for. */
export const nodeAt = (root, place) => located(root, place).node;

/** The same, and what of the place lies within it, in words: an entry of a text, a file of a dataset. */
function located(root, place) {
  const [, path, inner] = /^([^:[]*)(.*)$/s.exec(place);
  const parts = path.split(".");
  let node = root;
  while (parts.length) {
    const next = node.dataset.kind === "rows" ? rowsOf(node)[Number(parts[0])] : childOf(node, parts[0]);
    if (!next) break;
    node = next;
    parts.shift();
  }
  if (node.dataset.kind === "lines" && parts.length) parts[0] = `entry ${Number(parts[0]) + 1}`;
  const rest = parts.join(".") + inner.replace(/^\[(.*)\]$/s, "$1").replace(/^: /, parts.length ? ", " : "");
  return { node: node === root ? null : node, rest };
}

const childOf = (node, name) => fieldsOf(node).find((field) => field.dataset.field === name);

/** The fields that have to be said and are not, wherever their groups are. */
export function missing(node) {
  const found = [];
  for (const field of node.querySelectorAll("[data-required]")) {
    if (LEAVES.has(field.dataset.kind) && !field.closest("[hidden]") && valueOf(field) === undefined) found.push(field);
  }
  return found;
}

/** Rows that say what they are about and nothing of it, in lists where that stands for nothing. */
export const begun = (root) =>
  [...root.querySelectorAll("[data-kind=rows]:not([data-bare]) [data-row]")].filter((row) =>
    fieldsOf(row).slice(1).every((field) => equal(valueOf(field), defaultOf(field))),
  );

/** Show problems: those that a person could know of by now, or all. Gives those that are shown, in the form's order. */
export function showProblems(root, problems, all) {
  clear(root);
  const shown = placed(root, problems).filter(({ node }) => all || isTouched(node));
  for (const { node, text } of shown) if (node) mark(node, text);
  return shown.sort((one, other) => order(one.node, other.node));
}

/** Each problem with its field; a group that lacks what it needs stands for that. */
function placed(root, problems) {
  const found = worded(problems.map((problem) => ({ ...problem, ...located(root, problem.field) })));
  const lacking = missing(root);
  const kept = found.filter(({ node }) => !node || LEAVES.has(node.dataset.kind) || !lacking.some((f) => node.contains(f)));
  return [...lacking.map((node) => ({ node, field: node.dataset.field, text: "This is needed." })), ...kept];
}

/** The first problems of each field, in words. */
function worded(problems) {
  return [...Map.groupBy(problems, ({ node, field }) => node ?? field).values()].flatMap((alike) => {
    const left = alike.length - MOST;
    return alike.slice(0, MOST).map(({ node, field, rest, allowed }, number) => {
      const more = left > 0 && number === MOST - 1 ? ` And ${left} more.` : "";
      const stop = allowed.endsWith("?") ? "" : ".";
      return { node, field, text: `${node && rest ? `${rest}, allowed` : "Allowed"}: ${allowed}${stop}${more}` };
    });
  });
}

const isTouched = (node) => Boolean(node?.matches("[data-touched]") || node?.querySelector("[data-touched]"));

const order = (one, other) =>
  !one || !other ? Number(!one) - Number(!other) : one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1;

function mark(node, text) {
  const place = [...node.querySelectorAll(".wrong")].find((p) => p.closest("[data-field], [data-row]") === node);
  place.textContent = place.textContent ? `${place.textContent} ${text}` : text;
  place.hidden = false;
  node.dataset.wrong = "";
  if (LEAVES.has(node.dataset.kind)) controlsOf(node).forEach((control) => control.setAttribute("aria-invalid", "true"));
}

function clear(root) {
  for (const place of root.querySelectorAll(".wrong:not([hidden])")) {
    place.textContent = "";
    place.hidden = true;
  }
  root.querySelectorAll("[data-wrong]").forEach((node) => delete node.dataset.wrong);
  root.querySelectorAll("[aria-invalid]").forEach((control) => control.removeAttribute("aria-invalid"));
}

/** List problems above the form, each with a way to its field; hides the list where there are none. */
export function summarise(summary, shown, title) {
  summary.hidden = !title && !shown.length;
  summary.querySelector("h2").textContent =
    title || (shown.length === 1 ? "One thing has to change" : `${shown.length} things have to change`);
  summary.querySelector("ul").replaceChildren(...shown.map(line));
}

function line({ node, field, text }) {
  const item = document.createElement("li");
  const control = node && focusable(node);
  const name = document.createElement(control ? "a" : "code");
  name.textContent = node ? nameOf(node) : field;
  if (control) {
    name.href = `#${control.id || node.id}`;
    name.addEventListener("click", (event) => {
      event.preventDefault();
      goTo(node);
    });
  }
  item.append(name, `: ${text}`);
  return item;
}

/** A field's name, after that of the group or row that holds it. */
function nameOf(node) {
  const own = node.querySelector("legend, label")?.firstChild?.textContent.trim();
  const holder = node.parentElement.closest("[aria-label][data-field], [data-row]");
  const of = holder?.getAttribute("aria-label");
  const name = LEAVES.has(node.dataset.kind) ? own || node.textContent.trim() : node.getAttribute("aria-label");
  const whole = of && LEAVES.has(node.dataset.kind) ? `${of}, ${name.toLowerCase()}` : name;
  return whole[0].toUpperCase() + whole.slice(1);
}

const focusable = (node) =>
  LEAVES.has(node.dataset.kind) ? controlsOf(node).find((control) => control.checked) ?? controlsOf(node)[0] : node;

/** Bring a field into view and go there, out of whatever is folded up around it. */
export function goTo(node) {
  for (let place = node.closest("details"); place; place = place.parentElement.closest("details")) place.open = true;
  const control = focusable(node);
  if (!control.matches("input, select, textarea")) control.tabIndex = -1;
  control.focus();
  control.scrollIntoView({ block: "center" });
}
