// The drawing of a network: tells of what is pointed at, focused or tapped, lifts its skips out of the others, and says
// where it goes on beyond what is seen.

/** The words of a list: "a, b and c". */
const listed = (names) => names.join(", ").replace(/, ([^,]*)$/, " and $1");

/** Make the blocks of a drawing tell of themselves in a line below it. */
function follow(drawing) {
  const [svg, line] = [drawing.querySelector("svg"), drawing.parentElement.querySelector(".told-block")];
  const [blocks, arcs] = ["block", "arc"].map((name) => [...svg.querySelectorAll(`.${name}`)]);
  const titleOf = (part) => part.querySelector("title").textContent;
  const nameOf = (number) => titleOf(blocks[number]).split(":")[0];
  const ends = (arc) => [arc.dataset.from, arc.dataset.to].map(Number);
  const rest = line.textContent;
  const at = { pointed: null, focused: null };

  /** The neighbour in the chain, then those at the other ends of the skips. */
  const others = (number, own, other, neighbour) => [
    ...(blocks[neighbour] ? [neighbour] : []),
    ...arcs.map(ends).filter((pair) => pair[own] === number).map((pair) => pair[other]),
  ];
  const words = (part) => {
    if (!part.matches(".block")) return titleOf(part);
    const number = Number(part.dataset.block);
    const sides = [
      ["reads", others(number, 1, 0, number - 1)],
      ["is read by", others(number, 0, 1, number + 1)],
    ];
    const known = sides.filter(([, found]) => found.length);
    const told = known.map(([verb, found]) => `${verb} ${listed(found.map(nameOf))}`);
    return `${titleOf(part)}. It ${told.join(", and ")}.`;
  };
  const belongs = (part, chosen) => {
    if (part === chosen) return true;
    const [arc, block] = part.matches(".arc") ? [part, chosen] : [chosen, part];
    return arc.matches(".arc") && block.matches(".block") && ends(arc).includes(Number(block.dataset.block));
  };
  const show = (change) => {
    Object.assign(at, change);
    const chosen = at.pointed ?? at.focused;
    svg.classList.toggle("chosen", chosen !== null);
    for (const part of [...blocks, ...arcs]) part.classList.toggle("lit", chosen !== null && belongs(part, chosen));
    if (chosen?.matches(".block")) {
      const number = Number(chosen.dataset.block);
      const joined = [...others(number, 1, 0, number - 1), ...others(number, 0, 1, number + 1)];
      joined.forEach((other) => blocks[other].classList.add("lit"));
    }
    line.textContent = chosen ? words(chosen) : rest;
  };

  svg.setAttribute("role", "group"); // a picture hides its parts from those who hear it
  for (const block of blocks) {
    block.setAttribute("tabindex", "0");
    block.setAttribute("role", "img");
    block.setAttribute("aria-label", words(block));
    block.addEventListener("focus", () => show({ focused: block }));
    block.addEventListener("blur", () => show({ focused: null }));
  }
  for (const part of [...blocks, ...arcs]) {
    part.addEventListener("pointerenter", () => show({ pointed: part }));
    part.addEventListener("pointerleave", () => show({ pointed: null }));
  }
}

/** Fade a drawing where it goes on beyond what is seen, and say so while there is more on the right. */
function hint(drawing) {
  const text = "It goes on: scroll it sideways →";
  const words = Object.assign(document.createElement("p"), { className: "note further", textContent: text });
  words.ariaHidden = "true"; // the drawing's own name says that it scrolls
  drawing.after(words);
  const show = () => {
    const more = drawing.scrollWidth - drawing.clientWidth - drawing.scrollLeft > 1;
    drawing.classList.toggle("left", drawing.scrollLeft > 1);
    drawing.classList.toggle("right", more);
    words.hidden = !more;
  };
  drawing.addEventListener("scroll", show, { passive: true });
  new ResizeObserver(show).observe(drawing);
}

for (const drawing of document.querySelectorAll(".drawing")) {
  follow(drawing);
  hint(drawing);
}
