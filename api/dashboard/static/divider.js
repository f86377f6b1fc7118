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

/** How much of the pictures' width is seen at once: all of it where the window is wider. */
const seenOf = (frame, root) => Math.min(frame.clientWidth, root.offsetWidth);

/** Make a divider move; gives what sets its pictures and its size. */
export function divided(stage) {
  const [frame, root, handle, left, right] = [".window", ".divider", "[role=slider]", ".tag.left", ".tag.right"].map(
    (part) => stage.querySelector(part),
  );
  const images = { under: root.querySelector(".under"), over: root.querySelector(".over") };
  let at = 50; // percent of what is seen
  let drag = null;

  const place = () => {
    const { scrollLeft, scrollTop, clientHeight } = frame;
    root.style.setProperty("--at", `${scrollLeft + (at / 100) * seenOf(frame, root)}px`);
    root.style.setProperty("--middle", `${scrollTop + clientHeight / 2}px`);
  };
  const move = (wanted) => {
    at = Math.round(Math.min(100, Math.max(0, wanted)));
    place();
    handle.setAttribute("aria-valuenow", at);
    handle.setAttribute("aria-valuetext", `${at} % ${left.textContent}`);
  };
  const follow = (event) => {
    const [box, whole] = [frame.getBoundingClientRect(), root.getBoundingClientRect()];
    const left = Math.max(box.left + frame.clientLeft, whole.left);
    move((100 * (event.clientX - left)) / seenOf(frame, root));
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
      stage.style.setProperty("--wide", `${width}px`);
      root.classList.toggle("pixels", pixels);
      const larger = frame.scrollWidth > frame.clientWidth || frame.scrollHeight > frame.clientHeight;
      root.classList.toggle("pans", pixels && larger);
      place();
    },
    /** How much wider than high the pictures are; 1 before one is there. */
    ratio: () => images.over.naturalWidth / images.over.naturalHeight || 1,
    /** Wait until both pictures are there. */
    ready: () => Promise.all(Object.values(images).map((image) => image.decode())),
  };
}

/** What share of a length a place is; the middle of nothing. */
const share = (place, length) => (length ? place / length : 0.5);

/** The same of what a pointer is at, which may be beside the pictures. */
const within = (place, length) => Math.min(1, Math.max(0, share(place, length)));

const HIGHEST = 0.8; // of the screen, as the window is in network.css

/**
 * Have a choice of zoom set how wide a divider is: as wide as its window or as high as that may be, whichever is less, or
 * so many pixels of the page for one of the picture. What was in the middle stays there; a double click, and a wheel with
 * Ctrl, zoom about the pointer.
 */
export function zoomed(select, { frame, root, size, ratio }, widthOf) {
  const middle = () => {
    const box = frame.getBoundingClientRect();
    return { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
  };
  /** Zoom as is chosen, and keep what is at a point there. */
  const apply = (point = middle()) => {
    const [box, zoom] = [root.getBoundingClientRect(), Number(select.value)];
    const held = [within(point.clientX - box.left, box.width), within(point.clientY - box.top, box.height)];
    const fit = Math.floor(Math.min(frame.clientWidth, (HIGHEST * innerHeight - 2) * ratio()));
    size(zoom === 1 ? fit : widthOf() * zoom, zoom > 1);
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
  root.querySelector(".over").addEventListener("load", () => apply());
  frame.addEventListener("dblclick", (event) => zoomTo(select.selectedIndex ? 0 : 2, event));
  frame.addEventListener(
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
      share(frame.scrollLeft + seenOf(frame, root) / 2, root.offsetWidth),
      share(frame.scrollTop + frame.clientHeight / 2, root.offsetHeight),
    ],
    /** Bring a place of the picture to the middle. */
    look: ([x, y]) =>
      frame.scrollTo(x * root.offsetWidth - frame.clientWidth / 2, y * root.offsetHeight - frame.clientHeight / 2),
  };
}
