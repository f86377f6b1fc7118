// Two pictures on top of each other, with a line between them that pointers and keys move.

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
export function divided(root) {
  const handle = root.querySelector("[role=slider]");
  const [left, right] = [root.querySelector(".tag.left"), root.querySelector(".tag.right")];
  const images = { under: root.querySelector(".under"), over: root.querySelector(".over") };
  let at = 50;

  const move = (wanted) => {
    at = Math.round(Math.min(100, Math.max(0, wanted)));
    root.style.setProperty("--at", `${at}%`);
    handle.setAttribute("aria-valuenow", at);
    handle.setAttribute("aria-valuetext", `${at} % ${left.textContent}`);
  };
  const follow = (event) => {
    const box = root.getBoundingClientRect();
    move((100 * (event.clientX - box.left)) / box.width);
  };

  root.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    root.setPointerCapture(event.pointerId);
    handle.focus({ preventScroll: true });
    event.preventDefault();
    follow(event);
  });
  root.addEventListener("pointermove", (event) => root.hasPointerCapture(event.pointerId) && follow(event));
  handle.addEventListener("keydown", (event) => {
    const key = KEYS[event.key];
    if (!key) return;
    event.preventDefault();
    move(key(at));
  });

  return {
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
    },
  };
}

/** Have a choice of zoom set how wide a divider is: as fits, or so many pixels of the page for one of the picture. */
export function zoomed(select, divider, frame, widthOf) {
  const apply = () => {
    const zoom = Number(select.value);
    const room = frame.parentElement.clientWidth - 2;
    divider.size(zoom === 1 ? Math.min(room, Math.max(widthOf(), 640)) : widthOf() * zoom, zoom > 1);
  };
  select.addEventListener("change", apply);
  addEventListener("resize", apply);
  return apply;
}
