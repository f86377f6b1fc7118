// The images that a search may name: what is known of those that are chosen, and the upload of others.

import { fieldsOf, show, valueOf } from "./new-fields.js";
import { ask } from "./requests.js";

const known = new Map(); // what the service said of a dataset, by its name

/** Say below each choice of images what the service knows of them. */
export function tellImages(dataset) {
  for (const field of fieldsOf(dataset)) {
    const select = field.querySelector("select");
    if (select) tell(select, field, valueOf(field));
  }
}

async function tell(select, field, name) {
  const place = field.querySelector(".known") ?? field.appendChild(document.createElement("p"));
  place.className = "known";
  const listed = name && !select.selectedOptions[0]?.matches("[data-foreign]");
  if (!listed) place.textContent = "";
  if (!listed || place.dataset.of === name) return void (place.dataset.of = name ?? "");
  place.dataset.of = name;
  if (!known.has(name)) known.set(name, wordsOf(name));
  const words = await known.get(name);
  if (place.dataset.of === name) place.textContent = words;
}

/** What a dataset holds; nothing where that cannot be read now. */
async function wordsOf(name) {
  try {
    return await (await ask("GET", `/searches/new/images?name=${encodeURIComponent(name)}`)).text();
  } catch {
    known.delete(name);
    return "";
  }
}

/** Let a person upload an archive; has the form know of it, and chooses it. */
export function tendUpload(place, dataset, look) {
  const [file, name, button, told] = ["[type=file]", "[type=text]", "button", "[role=status]"].map((part) =>
    place.querySelector(part),
  );
  for (const kind of ["input", "change"]) place.addEventListener(kind, (event) => event.stopPropagation());
  file.addEventListener("change", () => {
    name.value ||= file.files[0]?.name.replace(/\.zip$/i, "").replace(/[^\w.-]+/g, "-") ?? "";
  });
  button.addEventListener("click", async () => {
    if (!file.files[0] || !name.value.trim()) return void (told.textContent = "Choose a zip file, and give it a name.");
    button.disabled = true;
    told.textContent = "It is being uploaded …";
    try {
      const url = `/v1/datasets/${encodeURIComponent(name.value.trim())}`;
      const added = await (await ask("PUT", url, { body: file.files[0], type: "application/zip" })).json();
      await look();
      const [train] = fieldsOf(dataset);
      show(train, added.name);
      train.querySelector("select").dispatchEvent(new Event("input", { bubbles: true }));
      told.textContent = `${added.name} is there, with ${added.images} images, and is chosen.`;
    } catch (refused) {
      const more = (refused.errors ?? []).map(({ field, allowed }) => ` ${field}: allowed is ${allowed}.`).join("");
      told.textContent = `${refused.words ?? refused.message}.${more}`;
    }
    button.disabled = false;
  });
}
