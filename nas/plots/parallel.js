// Parallel coordinates of the candidates of searches: an axis a figure, better is up, ranges along them select.
// Drawn on a canvas of our own, once a frame at most; what is faint is drawn once and kept.

import { LEAST, makeBrushes } from "./brushes.js";
import { KINDS } from "./cloud.js";
import { made } from "./elements.js";
import { written } from "./figures.js";
import { palette, save } from "./palette.js";
import { canvasPen, svgPen } from "./pen.js";
import { brief, drawAxes, drawChosen, drawRest, linesOf, nearest, plan } from "./strands.js";

const HOW =
  "A line is a candidate; the front lies on top. Drag along an axis, or move its handles, to select; " +
  "a double click or Escape takes that back.";
const MORE = "Scroll sideways for more axes →";
const HEIGHT = 400;
const SHARPEST = 2; // pixels of a canvas to one of the page, at most
const PICTURE = 2; // and those of a picture that is fetched

/**
 * The plot in a place; the function that is returned shows prepared clouds over figures `{ column, title, sense, log }`.
 * `open(id)` shows a candidate, `csv()` gives all as text.
 */
export function makeParallel(host, { searchId, selection, open, csv }) {
  const [rest, front, mark] = ["rest", "front", "mark"].map((name) => made("canvas", name, { "aria-hidden": "true" }));
  const tip = made("div", "tip");
  const stage = made("div", "stage", {}, rest, front, mark);
  const region = made("div", "wide", { role: "group", "aria-label": "Parallel coordinates; handles at each axis select" }, stage);
  const buttons = made("p", "files", {}, "This plot as ");
  const words = made("p", "unseen");
  const head = made("h3", "", {}, "All figures");
  const how = made("p", "note", {}, HOW);
  const hint = made("p", "hint", { hidden: "" }, MORE);
  let shown = null; // { every, figures }
  let places = null;
  let stale = true; // whether what is kept must be drawn anew
  let asked = false;
  let pointed = null;
  let named = null;
  let press = null; // the last one: { x, y, far }, whether it went far

  const chosen = (one) => selection.of(one);
  const numbered = (id) => {
    const place = shown.every.findIndex(({ ids }) => ids.includes(id));
    return place < 0 ? null : [place, shown.every[place].ids.indexOf(id)];
  };
  const namedId = () => (named ? shown.every[named[0]].ids[named[1]] : null);

  // -- what is drawn ---------------------------------------------------------------------------------------------------

  const penOn = (canvas, sharpness) => {
    const [width, height] = [places.width * sharpness, places.height * sharpness].map(Math.round);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    Object.assign(canvas.style, { width: `${places.width}px`, height: `${places.height}px` });
    const context = canvas.getContext("2d");
    context.setTransform(sharpness, 0, 0, sharpness, 0, 0);
    context.clearRect(0, 0, places.width, places.height);
    return canvasPen(context);
  };

  const draw = () => {
    asked = false;
    if (!shown || !host.clientWidth) return;
    const colours = palette();
    const sharpness = Math.min(SHARPEST, devicePixelRatio);
    if (stale) {
      places = plan(shown.every, shown.figures, region.clientWidth, HEIGHT);
      Object.assign(stage.style, { width: `${places.width}px`, height: `${HEIGHT}px` });
      drawRest(penOn(rest, sharpness), places, colours);
      words.textContent = told();
      showMore();
      stale = false;
    }
    rest.hidden = selection.empty;
    const pen = penOn(front, sharpness);
    drawChosen(pen, places, colours, chosen);
    drawAxes(pen, places, colours, selection.range);
    brush(places);
    drawNamed(penOn(mark, sharpness), colours);
  };

  const drawNamed = (pen, colours) => {
    if (!named) return;
    pen.lines(linesOf(places, ...named), { colour: colours.raised, width: 6 });
    pen.lines(linesOf(places, ...named), { colour: colours.ink, width: 3 });
  };

  /** Tell of axes that are not seen yet. */
  const showMore = () => {
    hint.hidden = region.scrollWidth <= region.clientWidth + 1;
    region.classList.toggle("more", region.scrollLeft + region.clientWidth < region.scrollWidth - 1);
  };

  const soon = () => {
    if (!asked) requestAnimationFrame(draw);
    asked = true;
  };
  const anew = () => {
    stale = true;
    soon();
  };

  const told = () => {
    const count = shown.every.reduce((sum, { ids }) => sum + ids.length, 0);
    const ranges = places.axes.map(({ title, low, high }) => `${title} from ${brief(low)} to ${brief(high)}`);
    return `${count} candidates over ${places.axes.length} figures: ${ranges.join("; ")}. The CSV has all of them.`;
  };

  // -- naming and opening ----------------------------------------------------------------------------------------------

  const name = (event) => {
    if (!places) return;
    const edge = stage.getBoundingClientRect();
    const at = [event.clientX - edge.left, event.clientY - edge.top];
    const found = nearest(places, chosen, at);
    if (String(found) === String(named)) return;
    named = found;
    stage.classList.toggle("pointed", Boolean(named));
    drawNamed(penOn(mark, Math.min(SHARPEST, devicePixelRatio)), palette());
    tip.hidden = !named;
    if (!named) return;
    const one = shown.every[named[0]];
    const figures = places.axes.map(({ column, title }) => `${title} ${written(column, one.figures[column]?.[named[1]])}`);
    const search = shown.every.length > 1 ? [`${one.name} · `] : [];
    tip.replaceChildren(
      ...search, made("b", "", {}, one.ids[named[1]]), ` ${KINDS[one.kinds[named[1]]]}, ${one.operators[named[1]]}`,
      ...figures.flatMap((text) => [made("br"), text]),
    );
    placeTip(at);
  };

  /** Put the tip beside a point, within what is seen of the stage. */
  const placeTip = ([x, y]) => {
    const [from, seen] = [region.scrollLeft, region.clientWidth];
    const wanted = x - from > seen / 2 ? x - tip.offsetWidth - 14 : x + 14;
    const left = Math.max(from, Math.min(wanted, from + seen - tip.offsetWidth));
    Object.assign(tip.style, { left: `${left}px`, top: `${Math.max(0, Math.min(y, HEIGHT - tip.offsetHeight))}px` });
  };

  const forget = () => {
    named = null;
    tip.hidden = true;
    stage.classList.remove("pointed");
    soon();
  };

  const tapped = (event) => {
    const before = namedId();
    name(event);
    const found = namedId();
    if (found && (event.pointerType !== "touch" || found === before)) open(found); // a finger names it first
  };

  const far = ({ clientX, clientY }) => press && Math.hypot(clientX - press.x, clientY - press.y) >= LEAST;

  stage.addEventListener("pointerdown", ({ clientX, clientY }) => (press = { x: clientX, y: clientY, far: false }), true);
  stage.addEventListener("pointermove", (event) => {
    if (event.buttons && press && far(event)) {
      press.far = true;
      if (named) forget();
    }
    if (event.buttons || event.pointerType === "touch") return;
    if (press?.far && event.target.closest(".strip")) return; // a tip would cover the axis that was brushed
    press = null;
    if (!pointed) requestAnimationFrame(() => (name(pointed), (pointed = null)));
    pointed = event;
  });
  stage.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && forget());
  stage.addEventListener("click", (event) => {
    if (event.target.closest(".strip, .handle, .tip") || press?.far || far(event)) return;
    tapped(event);
  });
  region.addEventListener("scroll", showMore);

  // -- what can be fetched ---------------------------------------------------------------------------------------------

  const fetched = `parallel-${searchId}`;
  const picture = (pen, colours) => {
    pen.shapes([[0, 0, places.width, 0, places.width, places.height, 0, places.height]], { colour: colours.raised });
    if (!selection.empty) drawRest(pen, places, colours);
    drawChosen(pen, places, colours, chosen);
    drawAxes(pen, places, colours, selection.range);
    return pen;
  };
  const files = {
    PNG: () => {
      const canvas = made("canvas");
      picture(penOn(canvas, PICTURE), palette());
      canvas.toBlob((blob) => save(blob, `${fetched}.png`, "image/png"));
    },
    SVG: () => save(picture(svgPen(places.width, places.height), palette()).text(), `${fetched}.svg`, "image/svg+xml"),
    CSV: () => save(csv(), `${fetched}.csv`),
  };
  for (const [kind, fetch] of Object.entries(files)) {
    const button = made("button", "small", { type: "button", "aria-label": `${kind} of the parallel coordinates` }, kind);
    button.addEventListener("click", () => places && fetch());
    buttons.append(...(kind === "CSV" ? ["all candidates as "] : []), button);
  }

  host.replaceChildren(head, how, hint, region, words, buttons);
  stage.append(tip);
  tip.hidden = true;
  const brush = makeBrushes(stage, selection, tapped);
  selection.watch(soon);
  new ResizeObserver(anew).observe(region);

  return (every, figures) => {
    const id = namedId();
    shown = { every, figures };
    named = id && numbered(id);
    if (!named) forget();
    host.hidden = !every.some(({ ids }) => ids.length);
    anew();
  };
}
