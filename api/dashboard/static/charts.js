// Charts and drawings as files: a picture as PNG or SVG, in the colours that it has on the page, and figures as CSV.

import { csvOf } from "./palette.js";
import { fetched } from "./files.js";
import { say } from "./notices.js";

const SVG = "http://www.w3.org/2000/svg";
const KEPT_MS = 10_000;
const SCALE = 2;

/** What a stylesheet may have set of a part of a picture. */
const LOOKS = [
  ...["fill", "opacity", "stroke", "stroke-width", "stroke-dasharray"],
  ...["font-family", "font-size", "font-weight"],
];

/** An element of SVG with attributes. */
export function drawn(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  element.textContent = text;
  return element;
}

/** A picture of the page as a document that looks the same alone. */
function standalone(svg) {
  const copy = svg.cloneNode(true);
  const [parts, copies] = [svg, copy].map((root) => [root, ...root.querySelectorAll("*")]);
  copies.forEach((part, place) => {
    const style = getComputedStyle(parts[place]);
    LOOKS.forEach((look) => part.setAttribute(look, style.getPropertyValue(look)));
    part.removeAttribute("class");
  });
  const { width, height } = svg.viewBox.baseVal;
  Object.entries({ xmlns: SVG, width, height }).forEach(([key, value]) => copy.setAttribute(key, value));
  const ground = getComputedStyle(svg.closest(".panel")).backgroundColor;
  copy.prepend(drawn("rect", { width: "100%", height: "100%", fill: ground }));
  return new XMLSerializer().serializeToString(copy);
}

/** A document of SVG as the pixels of a PNG, twice as many a side as it is wide. */
async function pixels(document_) {
  const url = URL.createObjectURL(new Blob([document_], { type: "image/svg+xml" }));
  const image = Object.assign(new Image(), { src: url });
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), {
    width: SCALE * image.naturalWidth,
    height: SCALE * image.naturalHeight,
  });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(url);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  fetched(url, name);
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}

/** The figures of a table as rows, its headings first. */
const rowsOf = (table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()));

/** Buttons that save something in each of some forms. */
function buttons(place, name, what, forms) {
  const owner = document.querySelector("h1 code").textContent.trim();
  const make = ([form, blobOf]) => {
    const looks = { type: "button", className: "quiet", textContent: form };
    const button = Object.assign(document.createElement("button"), looks);
    button.setAttribute("aria-label", `${what} as ${form}`);
    button.addEventListener("click", async () => {
      try {
        save(await blobOf(), `${owner}-${name}.${form.toLowerCase()}`);
      } catch (error) {
        say(error.message, { grave: true });
      }
    });
    return button;
  };
  place.append(...Object.entries(forms).map(make));
}

/** Let a person save the picture and the figures of a chart. */
export function saveable(figure) {
  const [svg, table, caption] = ["svg", "table", "figcaption"].map((part) => figure.querySelector(part));
  const title = caption.textContent.trim();
  const place = Object.assign(document.createElement("span"), { className: "saves" });
  buttons(place, title.toLowerCase().replaceAll(/\W+/g, "-"), title, {
    PNG: () => pixels(standalone(svg)),
    SVG: () => new Blob([standalone(svg)], { type: "image/svg+xml" }),
    CSV: () => new Blob([csvOf(rowsOf(table))], { type: "text/csv" }),
  });
  caption.append(place);
}

async function text(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error("The drawing could not be read");
  return answer.text();
}

document.querySelectorAll("figure.chart:not(.later)").forEach(saveable);
for (const place of document.querySelectorAll("[data-drawing]")) {
  buttons(place, "network", "The drawing", {
    PNG: async () => pixels(await text(place.dataset.drawing)),
    SVG: async () => new Blob([await text(place.dataset.drawing)], { type: "image/svg+xml" }),
  });
}
