// Lists of objects in a form: rows that are added, moved and removed.

import { controlsOf, fieldsOf, rowsOf, show, valueOf } from "./new-fields.js";

let made = 0;

/** Add a row, each of whose controls says its default, to a list. */
export function addRow(list) {
  const content = list.querySelector("template").content.cloneNode(true);
  const number = ++made;
  for (const element of content.querySelectorAll("[id], [for], [aria-describedby]")) {
    for (const name of ["id", "for", "aria-describedby"]) {
      if (element.hasAttribute(name)) element.setAttribute(name, element.getAttribute(name).replaceAll("*", number));
    }
  }
  const row = content.querySelector("[data-row]");
  list.querySelector(".entries").append(row);
  renumber(list);
  return row;
}

/** Remove all rows of a list. */
export function clearRows(list) {
  list.querySelector(".entries").replaceChildren();
  renumber(list);
}

/** Say what the choice of a row's first field means, and have its sense default to what comes with it. */
export function dress(row) {
  const [first, ...others] = fieldsOf(row);
  const option = controlsOf(first)[0].selectedOptions?.[0];
  row.querySelector(".about").textContent = option?.dataset.note ?? "";
  const sense = others.find((field) => field.dataset.field === "sense");
  if (sense && option?.dataset.sense) {
    sense.dataset.default = option.dataset.sense;
    show(sense);
  }
}

/** Carry out what the buttons of a form's lists say; tells of each change by an `input` event of the list. */
export function tendRows(form) {
  form.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-add], [data-move], [data-remove]");
    if (!button) return;
    const list = button.closest("[data-kind=rows]");
    if (button.matches("[data-add]")) addAnother(list);
    else if (button.matches("[data-remove]")) removeRow(list, button.closest("[data-row]"));
    else moveRow(button, button.closest("[data-row]"), Number(button.dataset.move));
    renumber(list);
    list.dataset.touched = "";
    list.dispatchEvent(new Event("input", { bubbles: true }));
  });
  form.addEventListener("input", ({ target }) => {
    const row = target.closest("[data-row]");
    if (row && fieldsOf(row)[0].contains(target)) dress(row);
  });
}

/** Add a row about something that no other one is about, and go there. */
function addAnother(list) {
  const taken = rowsOf(list).map((row) => valueOf(fieldsOf(row)[0]));
  const row = addRow(list);
  const [first] = fieldsOf(row);
  const free = [...controlsOf(first)[0].options].map((option) => JSON.parse(option.value));
  show(first, free.find((value) => !taken.includes(value)) ?? free[0]);
  dress(row);
  controlsOf(first)[0].focus();
}

function removeRow(list, row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  (next?.querySelector("[data-remove]") ?? list.querySelector("[data-add]")).focus();
}

function moveRow(button, row, by) {
  if (by < 0) row.previousElementSibling?.before(row);
  else row.nextElementSibling?.after(row);
  button.focus();
}

/** Name the buttons after their rows' places, and disable those that lead nowhere. */
function renumber(list) {
  const rows = rowsOf(list);
  const name = list.getAttribute("aria-label").toLowerCase().replace(/s$/, "");
  rows.forEach((row, number) => {
    row.setAttribute("aria-label", `${name} ${number + 1}`);
    const [up, down, remove] = row.querySelectorAll(".moves button");
    up.setAttribute("aria-label", `Move ${name} ${number + 1} up`);
    down.setAttribute("aria-label", `Move ${name} ${number + 1} down`);
    remove.setAttribute("aria-label", `Remove ${name} ${number + 1}`);
    up.ariaDisabled = String(number === 0);
    down.ariaDisabled = String(number === rows.length - 1);
  });
  list.querySelector("[data-add]").disabled = rows.length >= Number(list.dataset.longest);
}
