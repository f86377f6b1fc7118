// What takes hold of the axes of parallel coordinates: a strip over each one to drag along, and a handle for either end of
// its range, for keys too. A handle at the end of its axis leaves that side open.

import { made } from "./elements.js";
import { brief } from "./strands.js";

const [STEP, LEAP] = [0.02, 0.1]; // shares of an axis
const STEPS = {
  ArrowUp: STEP, ArrowRight: STEP, ArrowDown: -STEP, ArrowLeft: -STEP, PageUp: LEAP, PageDown: -LEAP, Home: -1, End: 1,
};
const SLIDER = { role: "slider", tabindex: "0", "aria-orientation": "vertical", "aria-valuemin": "0", "aria-valuemax": "100" };
const GRIP = { touch: 22, other: 12 }; // how near to an end it is taken hold of, in pixels
const SNAP = 6; // how near to the end of its axis a drag leaves it open
const BRIM = 14; // how far beyond the ends of an axis it can be taken hold of
/** What is dragged less far was a tap, in pixels. */
export const LEAST = 4;

/** A range as shares of its axis, its lower end on the page first; 0 and 1 where it is open. */
function sharesOf(axis, [least, most]) {
  const [low, high] = axis.turned ? [most, least] : [least, most];
  const inside = (share) => Math.min(1, Math.max(0, share));
  return [low === null ? 0 : inside(axis.share(low)), high === null ? 1 : inside(axis.share(high))];
}

/** The range that lies between two shares of an axis. */
function rangeAt(axis, [low, high]) {
  const [bottom, top] = [low <= 0 ? null : axis.valueAt(low), high >= 1 ? null : axis.valueAt(high)];
  return axis.turned ? [top, bottom] : [bottom, top];
}

/**
 * The strips and handles on a stage; the function that is returned puts them where the axes of a plan are.
 * `tapped(event)` is told of what was no drag.
 */
export function makeBrushes(stage, selection, tapped) {
  const held = new Map(); // by column: its axis, strip and handles
  let places = null;
  let drag = null;

  const change = (axis, shares, settled) => selection.brush({ [axis.column]: rangeAt(axis, shares) }, { settled });

  const pressed = (event, one) => {
    if (event.button) return;
    const at = shareAt(event);
    const shares = sharesOf(one.axis, selection.range(one.axis.column));
    const grip = (GRIP[event.pointerType] ?? GRIP.other) / (places.bottom - places.top);
    const whole = shares[0] <= 0 && shares[1] >= 1;
    const end = whole ? -1 : shares.findIndex((share) => Math.abs(share - at) <= grip);
    const inside = !whole && end < 0 && at > shares[0] && at < shares[1];
    drag = { one, from: at, shares, end, inside, x: event.clientX, y: event.clientY, moved: false };
    one.strip.setPointerCapture(event.pointerId);
  };

  const moved = (event) => {
    if (!drag) return;
    drag.moved ||= Math.abs(event.clientY - drag.y) >= LEAST;
    if (!drag.moved) return;
    const { one, from, shares, end, inside } = drag;
    const at = shareAt(event);
    if (inside) {
      const by = Math.min(1 - shares[1], Math.max(-shares[0], at - from));
      return change(one.axis, shares.map((share) => share + by), false);
    }
    const fixed = end < 0 ? from : shares[1 - end];
    change(one.axis, [Math.min(fixed, at), Math.max(fixed, at)], false);
  };

  const released = (event) => {
    if (!drag) return;
    const { one, moved: far } = drag;
    const aside = Math.hypot(event.clientX - drag.x, event.clientY - drag.y) >= LEAST;
    drag = null;
    if (far) selection.brush({ [one.axis.column]: selection.range(one.axis.column) });
    else if (event.type === "pointerup" && !aside) tapped(event);
  };

  const shareAt = ({ clientY }) => {
    const y = clientY - stage.getBoundingClientRect().top;
    if (y - places.top < SNAP) return 1;
    return places.bottom - y < SNAP ? 0 : places.shareAt(y);
  };

  const key = (event, one, end) => {
    const shares = sharesOf(one.axis, selection.range(one.axis.column));
    const step = STEPS[event.key];
    if (event.key === "Escape" || event.key === "Delete") change(one.axis, [0, 1], true);
    else if (!step) return;
    else {
      const wanted = Math.round((shares[end] + step) * 1000) / 1000;
      shares[end] = end ? Math.min(1, Math.max(shares[0], wanted)) : Math.max(0, Math.min(shares[1], wanted));
      change(one.axis, shares, true);
    }
    event.preventDefault();
  };

  const make = (axis) => {
    const strip = made("div", "strip");
    const handles = ["lower", "upper"].map((name) => made("div", `handle ${name}`, SLIDER));
    const one = { axis, strip, handles };
    strip.addEventListener("pointerdown", (event) => pressed(event, one));
    strip.addEventListener("pointermove", moved);
    for (const end of ["pointerup", "pointercancel"]) strip.addEventListener(end, released);
    strip.addEventListener("dblclick", () => change(one.axis, [0, 1], true));
    handles.forEach((handle, end) => handle.addEventListener("keydown", (event) => key(event, one, end)));
    stage.append(strip, ...handles);
    return one;
  };

  const put = (one) => {
    const { axis, strip, handles } = one;
    const shares = sharesOf(axis, selection.range(axis.column));
    const open = [shares[0] <= 0, shares[1] >= 1];
    Object.assign(strip.style, {
      left: `${axis.x}px`, top: `${places.top - BRIM}px`, height: `${places.bottom - places.top + 2 * BRIM}px`,
    });
    handles.forEach((handle, end) => {
      const value = brief(axis.valueAt(shares[end]));
      Object.assign(handle.style, { left: `${axis.x}px`, top: `${places.heightOf(shares[end])}px` });
      handle.setAttribute("aria-label", `${axis.title}: ${end === 0 ? "worst" : "best"} that is selected`);
      handle.setAttribute("aria-valuenow", String(Math.round(shares[end] * 100)));
      handle.setAttribute("aria-valuetext", open[end] ? `${value}, no limit` : value);
    });
  };

  return (found) => {
    places = found;
    for (const [column, { strip, handles }] of held) {
      if (places.axes.some((axis) => axis.column === column)) continue;
      [strip, ...handles].forEach((element) => element.remove());
      held.delete(column);
    }
    for (const axis of places.axes) {
      if (!held.has(axis.column)) held.set(axis.column, make(axis));
      const one = held.get(axis.column);
      one.axis = axis;
      put(one);
    }
  };
}
