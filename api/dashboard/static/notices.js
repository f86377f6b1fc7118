// Short words at the foot of the page, which screen readers say as well.

const place = document.getElementById("notices");
const SHOWN_MS = 6000;

/** Say something for some seconds, or until the function that is returned is called. */
export function say(text, { grave = false, stays = false } = {}) {
  const notice = document.createElement("p");
  notice.className = grave ? "notice grave" : "notice";
  notice.textContent = text;
  place.append(notice);
  const end = () => notice.remove();
  if (!stays) setTimeout(end, SHOWN_MS);
  return end;
}
