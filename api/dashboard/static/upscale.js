// The page of a finished model: enlarges a photograph that is dropped or chosen, beside what the browser makes of it.

import { ask } from "./requests.js";
import { divided, zoomed } from "./divider.js";
import "./files.js";
import "./charts.js";
import "./network.js";
import "./pictures.js";

const panel = document.getElementById("upscale");
const place = panel.querySelector(".drop");

/** Get everything that enlarges photographs going. */
function begin() {
  const find = (selector) => panel.querySelector(selector);
  const [input, viewer, waiting, wrong] = ["input", ".viewer", ".waiting", ".wrong"].map(find);
  const divider = divided(find(".stage"));
  const [under, over, link] = [".under", ".over", "[data-result]"].map(find);
  const zoom = zoomed(find("[data-zoom]"), divider, () => over.naturalWidth || 512);
  let kept = [];
  let latest = null;

  const show = async (file, answer) => {
    kept.forEach((url) => URL.revokeObjectURL(url));
    const result = await answer.blob();
    kept = [file, result].map((blob) => URL.createObjectURL(blob));
    const alts = ["this browser", "the network"].map((by) => `${file.name}, enlarged by ${by}`);
    divider.show("under", { src: kept[0], name: "enlarged by this browser", alt: alts[0] });
    divider.show("over", { src: kept[1], name: "network", alt: alts[1] });
    await divider.ready();
    Object.assign(link, { href: kept[1], download: `${file.name.replace(/\.[^.]*$/, "")}-${panel.dataset.name}.png` });
    const [seconds, notes] = ["X-Upscale-Seconds", "X-Upscale-Notes"].map((name) => answer.headers.get(name));
    find(".told").textContent =
      `${under.naturalWidth} × ${under.naturalHeight} became ${over.naturalWidth} × ${over.naturalHeight} pixels ` +
      `in ${Number(seconds).toFixed(2)} s.${notes ? ` ${notes}.` : ""}`;
    viewer.hidden = false;
    zoom.apply();
  };

  const enlarge = async (file) => {
    latest?.abort();
    const turn = (latest = new AbortController());
    wrong.hidden = true;
    Object.assign(waiting, { hidden: false, textContent: `${file.name} is being enlarged.` });
    try {
      const answer = await ask("POST", panel.dataset.url, { body: file, type: file.type, signal: turn.signal });
      await show(file, answer);
    } catch (refused) {
      if (turn !== latest) return;
      Object.assign(wrong, { hidden: false, textContent: refused.words ?? "This browser cannot show such a picture." });
    }
    if (turn === latest) waiting.hidden = true;
  };

  const chosen = () => input.files[0] && enlarge(input.files[0]);
  input.addEventListener("change", chosen);
  chosen(); // before this script ran
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    if (event.dataTransfer.files[0]) enlarge(event.dataTransfer.files[0]);
  });
}

if (place) begin();
