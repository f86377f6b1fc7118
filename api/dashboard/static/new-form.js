// The form as a whole and the document that it stands for. What is left at its default is not in the document, and what
// the form has no field for goes along as it came.

import { defaultOf, fieldsOf, rowsOf, show, valueOf } from "./new-fields.js";
import { addRow, clearRows, dress } from "./new-rows.js";
import { equal, isObject, withValues } from "./new-values.js";

const given = (node) => node.querySelector(":scope > .given > [data-given]");
const nameField = (node) => fieldsOf(node).find((field) => field.dataset.field === "name");

/** Between a form and its document: `document()`, `full()` with every default, and `fill(document)`. */
export function makeForm(root) {
  let extras = [];
  root.addEventListener("input", ({ target }) => {
    const field = target.closest("[data-field]");
    if (!field) return;
    delete field.dataset.held;
    if (target.matches("[data-given]")) reveal(field);
    const holder = field.parentElement.closest("[data-field]");
    if (holder?.dataset.kind === "base" && field.dataset.field === "name") rebase(holder, valueOf(field));
  });
  return {
    document: () => withValues(objectOf(root, false), extras),
    full: () => withValues(objectOf(root, true), extras),
    fill(value) {
      extras = [];
      fillFields(root, value, [], extras);
    },
  };
}

/** The object that a group of fields stands for, without those at their default unless it is to be full. */
function objectOf(node, full) {
  const found = fieldsOf(node).map((field) => [field.dataset.field, partOf(field, full), field]);
  return Object.fromEntries(
    found.filter(([, value, field]) => value !== undefined && (full || !isDefault(field, value))),
  );
}

function partOf(node, full) {
  switch (node.dataset.kind) {
    case "group":
      return given(node) && !given(node).checked ? null : objectOf(node, full);
    case "base":
      return full ? objectOf(node, true) : overridesOf(node);
    case "rows":
      return rowsOf(node).map((row) => (full ? objectOf(row, true) : bareOf(objectOf(row, false), node.dataset.bare)));
    default:
      return valueOf(node);
  }
}

/** A row whose other fields are at their defaults is its one field. */
const bareOf = (row, name) => (name && Object.keys(row).join() === name ? row[name] : row);

/** The name of a base, or an object with what is overridden of it. */
function overridesOf(node) {
  const overrides = objectOf(node, false);
  return Object.keys(overrides).join() === "name" ? overrides.name : overrides;
}

function isDefault(node, value) {
  if (node.dataset.kind === "group" && !given(node)) return !Object.keys(value).length;
  if (node.dataset.kind === "base") return isObject(value) && !Object.keys(value).length;
  return equal(value, defaultOf(node));
}

// -- filling ------------------------------------------------------------------------------------------------------------

function fillFields(node, value, place, extras) {
  const fields = fieldsOf(node);
  fields.forEach((field) => fill(field, value[field.dataset.field], [...place, field.dataset.field], extras));
  const known = new Set(fields.map((field) => field.dataset.field));
  Object.keys(value).filter((name) => !known.has(name)).forEach((name) => extras.push([[...place, name], value[name]]));
}

function fill(node, value, place, extras) {
  const { kind } = node.dataset;
  if (kind === "rows") return fillRows(node, value, place, extras);
  if (kind !== "group" && kind !== "base") return show(node, value);
  const inner = kind === "base" && typeof value === "string" ? { name: value } : value ?? {};
  if (kind === "base") restart(node, inner.name ?? defaultOf(node).name);
  if (given(node)) given(node).checked = isObject(value);
  reveal(node);
  fillFields(node, isObject(inner) ? inner : {}, place, extras);
  if (!isObject(inner) || (value === null && !given(node))) extras.push([place, value]);
}

function fillRows(node, value, place, extras) {
  const wanted = value === undefined ? defaultOf(node) : value;
  const rows = Array.isArray(wanted) ? wanted.map((row) => rowFor(node, row)) : [undefined];
  clearRows(node);
  if (rows.includes(undefined)) extras.push([place, wanted]);
  else rows.forEach((row) => fillRow(addRow(node), row));
}

/** An entry of a list as an object that a row can show; undefined where none can. */
function rowFor(node, entry) {
  const row = node.dataset.bare && typeof entry === "string" ? { [node.dataset.bare]: entry } : entry;
  const names = [...node.querySelector("template").content.querySelectorAll("[data-field]")].map((f) => f.dataset.field);
  return isObject(row) && Object.keys(row).every((name) => names.includes(name)) ? row : undefined;
}

function fillRow(row, value) {
  const [first, ...others] = fieldsOf(row);
  show(first, value[first.dataset.field]);
  dress(row);
  others.forEach((field) => show(field, value[field.dataset.field]));
}

/** Show the fields of an object that may be null only where it is there. */
function reveal(node) {
  if (given(node)) node.querySelector(":scope > .inner").hidden = !given(node).checked;
}

// -- bases --------------------------------------------------------------------------------------------------------------

/** Have the fields of a base default to what it has by some name. */
function restart(node, name) {
  const bases = JSON.parse(node.dataset.bases);
  const base = bases[Object.hasOwn(bases, name) ? name : defaultOf(node).name];
  const others = fieldsOf(node).filter((field) => field !== nameField(node));
  others.forEach((field) => (field.dataset.default = JSON.stringify(base[field.dataset.field])));
}

/** Go over to another base: what was as the old one has it becomes as the new one has it. */
function rebase(node, name) {
  const untouched = fieldsOf(node).filter((field) => field !== nameField(node) && equal(valueOf(field), defaultOf(field)));
  restart(node, name);
  untouched.forEach((field) => show(field));
}
