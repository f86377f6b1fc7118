// Two pictures on top of each other, with a line between them that pointers and keys move. Zoomed in, the line stays
// where it is seen, and the pictures are dragged below it; both sides always show the same place.

const STEP = 2;
const LEAP = 10;

/** The keys of a slider, and where each brings it from where it is. */
const KEYS = {
  ArrowLeft: (at) => at - STEP,
  ArrowDown: (at) => at - STEP,
  ArrowRight: (at) => at + STEP,
  ArrowUp: (at) => at + STEP,
  PageDown: (at) => at - LEAP,
  PageUp: (at) => at + LEAP,
  Home: () => 0,
  End: () => 100,
};

/** Make a divider move; gives what sets its pictures and its size. */
export function divided(stage) {
  const [frame, root, handle, left, right] = [".window", ".divider", "[role=slider]", ".tag.left", ".tag.right"].map(
    (part) => stage.querySelector(part),
  );
  const images = { under: root.querySelector(".under"), over: root.querySelector(".over") };
  let at = 50; // percent of what is seen
  let drag = null;

  const place = () => {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = frame;
    root.style.setProperty("--at", `${scrollLeft + (at / 100) * clientWidth}px`);
    root.style.setProperty("--middle", `${scrollTop + clientHeight / 2}px`);
  };
  const move = (wanted) => {
    at = Math.round(Math.min(100, Math.max(0, wanted)));
    place();
    handle.setAttribute("aria-valuenow", at);
    handle.setAttribute("aria-valuetext", `${at} % ${left.textContent}`);
  };
  const follow = (event) => {
    const box = frame.getBoundingClientRect();
    move((100 * (event.clientX - box.left - frame.clientLeft)) / frame.clientWidth);
  };
  const pan = (from) => {
    const start = [frame.scrollLeft + from.clientX, frame.scrollTop + from.clientY];
    return (event) => frame.scrollTo(start[0] - event.clientX, start[1] - event.clientY);
  };

  root.addEventListener("pointerdown", (event) => {
    const pans = event.target !== handle && root.classList.contains("pans");
    if (event.button || (pans && event.pointerType === "touch")) return; // fingers scroll by themselves
    root.setPointerCapture(event.pointerId);
    (pans ? frame : handle).focus({ preventScroll: true });
    event.preventDefault();
    drag = pans ? pan(event) : follow;
    drag(event);
  });
  root.addEventListener("pointermove", (event) => root.hasPointerCapture(event.pointerId) && drag(event));
  frame.addEventListener("scroll", place);
  handle.addEventListener("keydown", (event) => {
    const key = KEYS[event.key];
    if (!key) return;
    event.preventDefault();
    move(key(at));
  });

  return {
    frame,
    root,
    /** Show a picture on one side, "under" for the left and "over" for the right. */
    show(side, { src, name, alt = name }) {
      Object.assign(images[side], { src, alt });
      (side === "under" ? left : right).textContent = name;
      handle.setAttribute("aria-label", `Where ${left.textContent} ends and ${right.textContent} begins`);
      move(at);
    },
    /** How wide it is, in pixels of the page, and whether its own pixels are seen. */
    size(width, pixels) {
      root.style.setProperty("--wide", `${width}px`);
      root.classList.toggle("pixels", pixels);
      const larger = frame.scrollWidth > frame.clientWidth || frame.scrollHeight > frame.clientHeight;
      root.classList.toggle("pans", pixels && larger);
      place();
    },
    /** Wait until both pictures are there. */
    ready: () => Promise.all(Object.values(images).map((image) => image.decode())),
  };
}

/** What share of a length a place is; the middle of nothing. */
const share = (place, length) => (length ? place / length : 0.5);

/**
 * Have a choice of zoom set how wide a divider is: as fits, or so many pixels of the page for one of the picture. What
 * was in the middle stays there; a double click, and a wheel with Ctrl, zoom about the pointer.
 */
export function zoomed(select, { frame, root, size }, widthOf) {
  const middle = () => {
    const box = frame.getBoundingClientRect();
    return { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
  };
  /** Zoom as is chosen, and keep what is at a point there. */
  const apply = (point = middle()) => {
    const [box, zoom] = [root.getBoundingClientRect(), Number(select.value)];
    const held = [share(point.clientX - box.left, box.width), share(point.clientY - box.top, box.height)];
    const room = frame.parentElement.parentElement.clientWidth - 2;
    size(zoom === 1 ? Math.min(room, Math.max(widthOf(), 640)) : widthOf() * zoom, zoom > 1);
    const seen = frame.getBoundingClientRect();
    const [x, y] = [held[0] * root.offsetWidth, held[1] * root.offsetHeight];
    frame.scrollTo(x - point.clientX + seen.left, y - point.clientY + seen.top);
  };
  const zoomTo = (place, event) => {
    if (place < 0 || place >= select.options.length || place === select.selectedIndex) return;
    select.selectedIndex = place;
    apply(event);
    select.dispatchEvent(new Event("input"));
  };
  select.addEventListener("change", () => apply());
  addEventListener("resize", () => apply());
  root.addEventListener("dblclick", (event) => zoomTo(select.selectedIndex ? 0 : 2, event));
  root.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoomTo(select.selectedIndex - Math.sign(event.deltaY), event);
    },
    { passive: false },
  );
  return {
    apply,
    /** What is in the middle, as shares of the picture. */
    middle: () => [
      share(frame.scrollLeft + frame.clientWidth / 2, root.offsetWidth),
      share(frame.scrollTop + frame.clientHeight / 2, root.offsetHeight),
    ],
    /** Bring a place of the picture to the middle. */
    look: ([x, y]) =>
      frame.scrollTo(x * root.offsetWidth - frame.clientWidth / 2, y * root.offsetHeight - frame.clientHeight / 2),
  };
}
