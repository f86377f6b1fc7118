// Single fields of a form: what their controls say, as JSON, and how they are made to say it. A value that a control
// cannot show is held as it came, until a person changes the control.

import { numberOf, written } from "./new-numbers.js";
import { equal } from "./new-values.js";

/** The fields directly within a field, a row or the form. */
export const fieldsOf = (node) =>
  [...node.querySelectorAll("[data-field]")].filter(
    (field) => field.parentElement.closest("[data-field], [data-row], [data-root]") === node,
  );

/** The rows of a list. */
export const rowsOf = (node) => [...node.querySelectorAll(":scope > .entries > [data-row]")];

/** The controls of a field. */
export const controlsOf = (field) => [...field.querySelectorAll("input, select, textarea")];

/** What a field has where nothing is said; undefined where it has to be said. */
export const defaultOf = (field) => ("default" in field.dataset ? JSON.parse(field.dataset.default) : undefined);

/** What a field says. */
export const valueOf = (field) => ("held" in field.dataset ? JSON.parse(field.dataset.held) : said(field));

/** What the controls of a field say; undefined where they say nothing. */
function said(field) {
  const [control] = controlsOf(field);
  const nothing = "nullable" in field.dataset ? null : defaultOf(field);
  switch (field.dataset.kind) {
    case "const":
      return defaultOf(field);
    case "flag":
      return control.checked;
    case "lines":
      return control.value.split("\n").map((line) => line.trim()).filter(Boolean);
    case "integer":
    case "number":
      return control.value.trim() ? numberOf(control.value.trim(), isTime(field)) : nothing;
    default:
      if (control.type === "radio") return chosen(controlsOf(field).find((radio) => radio.checked)?.value);
      if (control.tagName === "SELECT") return chosen(control.value) ?? nothing;
      return control.value || nothing;
  }
}

const chosen = (value) => (value ? JSON.parse(value) : undefined);

const isTime = (field) => "time" in field.dataset;

/** Have a field say a value, or its default where that is undefined. */
export function show(field, value) {
  const wanted = value === undefined ? defaultOf(field) : value;
  delete field.dataset.held;
  draw(field, wanted);
  if (wanted !== undefined && !equal(said(field), wanted)) field.dataset.held = JSON.stringify(wanted);
}

function draw(field, value) {
  const [control] = controlsOf(field);
  if (field.dataset.kind === "const") return;
  if (field.dataset.kind === "flag") control.checked = value === true;
  else if (field.dataset.kind === "lines") control.value = Array.isArray(value) ? value.join("\n") : "";
  else if (control.type === "radio") {
    controlsOf(field).forEach((radio) => (radio.checked = radio.value === JSON.stringify(value)));
  } else if (control.tagName === "SELECT") choose(control, value);
  else control.value = written(value, isTime(field));
}

/** Choose a value, which is added where it is none of the choices. */
function choose(select, value) {
  select.querySelector("option[data-foreign]")?.remove();
  const wanted = value === null || value === undefined ? "" : JSON.stringify(value);
  if (wanted && ![...select.options].some((option) => option.value === wanted)) {
    const option = new Option(`${typeof value === "string" ? value : wanted} (not known here)`, wanted);
    option.dataset.foreign = "";
    select.add(option);
  }
  select.value = wanted;
}
