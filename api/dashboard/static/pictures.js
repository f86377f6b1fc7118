// What a network does to photographs: asks for the pictures, waits for them, and lays two of them on top of each other.

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

/** Let a person choose among the pictures that an index tells of. */
function view(parts, index) {
  const pick = (name) => viewer.querySelector(`[data-${name}]`);
  const sides = { under: viewer.querySelector("[data-side=under]"), over: viewer.querySelector("[data-side=over]") };
  const divider = divided(viewer.querySelector(".divider"));
  const photograph = pick("photograph");
  const shown = () => index.photographs[photograph.selectedIndex];
  const fit = zoomed(pick("zoom"), divider, viewer.querySelector(".window"), () => shown().width_px);

  const draw = () => {
    const { name, files, psnr_db: psnr } = shown();
    for (const [side, select] of Object.entries(sides)) {
      const kind = select.value;
      divider.show(side, { src: parts + encodeURIComponent(files[kind]), name: NAMES[kind], alt: `${name}: ${NAMES[kind]}` });
    }
    const figures = Object.entries(psnr).map(([kind, db]) => `${NAMES[kind]} ${db === null ? "∞" : db.toFixed(2)} dB`);
    viewer.querySelector(".told").textContent =
      `${name}, ×${index.scale}. PSNR of what is seen, protocol ${index.protocol}: ${figures.join(", ")}. ` +
      `Errors are those of luma, ${index.error.gain} times enlarged: the brighter, the larger.`;
    fit();
  };

  photograph.replaceChildren(...index.photographs.map(({ name }) => new Option(name)));
  for (const [side, select] of Object.entries(sides)) {
    const kinds = Object.keys(NAMES).filter((kind) => kind in index.photographs[0].files);
    select.replaceChildren(...kinds.map((kind) => new Option(NAMES[kind], kind)));
    select.value = side === "under" ? "bicubic" : "network";
  }
  [photograph, ...Object.values(sides)].forEach((select) => select.addEventListener("change", draw));
  viewer.hidden = false;
  draw();
  answer(viewer.querySelector(".dot"), parts, index);
}

/** Wait for pictures, and show them. */
async function follow(id) {
  const [asking, waiting] = [panel.querySelector(".ask"), panel.querySelector(".waiting")];
  asking.hidden = true;
  Object.assign(waiting, { hidden: false, textContent: "The pictures are being made. This page shows them as soon as they are there." });
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
