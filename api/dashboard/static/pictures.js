// What a network does to photographs: asks for the pictures, waits for them, and lays two of them on top of each other.
// The address keeps what is looked at.

import { change, read } from "./requests.js";
import { say } from "./notices.js";
import { divided, zoomed } from "./divider.js";
import { made } from "./files.js";
import { answer } from "./impulse.js";

const NAMES = {
  lr: "low resolution",
  bicubic: "bicubic",
  network: "network",
  hr: "true picture",
  "network-error": "error of the network",
  "bicubic-error": "error of bicubic",
};

const panel = document.getElementById("pictures");
const viewer = panel?.querySelector(".viewer");

const SETTLED_MS = 250;

/** Choose what an address names, where it names what there is. */
function choose(selects, asked) {
  for (const [name, select] of Object.entries(selects)) {
    const wanted = asked.get(name);
    if ([...select.options].some(({ value }) => value === wanted)) select.value = wanted;
  }
}

/** Let a person choose among the pictures that an index tells of. */
function view(parts, index) {
  const pick = (name) => viewer.querySelector(`[data-${name}]`);
  const sides = { under: viewer.querySelector("[data-side=under]"), over: viewer.querySelector("[data-side=over]") };
  const divider = divided(viewer.querySelector(".stage"));
  const selects = { photograph: pick("photograph"), left: sides.under, right: sides.over, zoom: pick("zoom") };
  const shown = () => index.photographs[selects.photograph.selectedIndex];
  const zoom = zoomed(selects.zoom, divider, () => shown().width_px);

  const draw = () => {
    const { name, files, psnr_db: psnr } = shown();
    for (const [side, { value: kind }] of Object.entries(sides)) {
      const src = parts + encodeURIComponent(files[kind]);
      divider.show(side, { src, name: NAMES[kind], alt: `${name}: ${NAMES[kind]}` });
    }
    const figures = Object.entries(psnr).map(([kind, db]) => `${NAMES[kind]} ${db === null ? "∞" : db.toFixed(2)} dB`);
    viewer.querySelector(".told").textContent =
      `${name}, ×${index.scale}. PSNR of this crop, protocol ${index.protocol}: ${figures.join(", ")}. ` +
      "The PSNR that the network is known by is the mean over all validation images. " +
      `Errors are those of luma, ${index.error.gain} times enlarged: the brighter, the larger.`;
    zoom.apply();
  };
  const keep = () => {
    const address = new URL(location.href);
    Object.entries(selects).forEach(([name, { value }]) => address.searchParams.set(name, value));
    const middle = zoom.middle().map((part) => part.toFixed(3)).join(",");
    if (selects.zoom.value === "1") address.searchParams.delete("at");
    else address.searchParams.set("at", middle);
    history.replaceState(history.state, "", address);
  };
  let settling = null;
  const keepSoon = () => {
    clearTimeout(settling);
    settling = setTimeout(keep, SETTLED_MS);
  };

  selects.photograph.replaceChildren(...index.photographs.map(({ name }) => new Option(name)));
  for (const [side, select] of Object.entries(sides)) {
    const kinds = Object.keys(NAMES).filter((kind) => kind in index.photographs[0].files);
    select.replaceChildren(...kinds.map((kind) => new Option(NAMES[kind], kind)));
    select.value = side === "under" ? "bicubic" : "network";
  }
  const asked = new URLSearchParams(location.search);
  choose(selects, asked);
  for (const select of [selects.photograph, ...Object.values(sides)]) select.addEventListener("change", draw);
  for (const select of Object.values(selects)) select.addEventListener("input", keepSoon);
  viewer.hidden = false;
  draw();
  divider.ready().then(() => {
    zoom.apply();
    const at = (asked.get("at") ?? "").split(",").map(Number);
    if (at.length === 2 && at.every(Number.isFinite)) zoom.look(at);
    divider.frame.addEventListener("scroll", keepSoon);
  }, () => {}); // a picture that is not there says so by its words
  answer(viewer.querySelector(".dot"), parts, index);
}

/** Wait for pictures, and show them. */
async function follow(id) {
  const [asking, waiting] = [panel.querySelector(".ask"), panel.querySelector(".waiting")];
  asking.hidden = true;
  const words = "The pictures are being made. This page shows them as soon as they are there.";
  Object.assign(waiting, { hidden: false, textContent: words });
  try {
    const artifact = await made(id);
    view(`/v1/artifacts/${encodeURIComponent(id)}/parts/`, await read(artifact.links.index));
  } catch (error) {
    asking.hidden = false;
    say(error.words ?? error.message, { grave: true });
  }
  waiting.hidden = true;
}

panel?.querySelector("[data-pictures]")?.addEventListener("click", async (event) => {
  const button = event.currentTarget;
  button.disabled = true;
  try {
    await follow((await change("POST", panel.dataset.url)).id);
  } catch (refused) {
    say(refused.words ?? refused.message, { grave: true });
  }
  button.disabled = false;
});
if (panel?.dataset.artifact) follow(panel.dataset.artifact);
