// A page that stands alone: plots of the documents that it holds. Whoever chooses a candidate is shown its row.

import { makeCurves } from "./curves.js";
import { makeFront } from "./front.js";

const keptIn = "hash"; // a service that answers with the page takes no other queries
const chosen = document.getElementById("chosen");

/** A document of the page. */
function held(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

/** Show a candidate: its row where it has one, and otherwise that it has none. */
function show(id) {
  for (const row of document.querySelectorAll("[aria-current]")) row.removeAttribute("aria-current");
  const row = document.querySelector(`tr[data-candidate="${CSS.escape(id)}"]`);
  chosen.textContent = row ? "" : `${id} is not on the front: the table below has no row of it.`;
  if (!row) return;
  row.setAttribute("aria-current", "true");
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "center" });
}

const [cloud, members, history] = ["cloud", "members", "history"].map((name) => held(`${name}-document`));
document.documentElement.dataset.script = "";
makeFront(cloud.search_id, { read: async () => cloud, readMembers: async () => members, open: show, keptIn })();
if (history.points.length) makeCurves(cloud.search_id, { read: async () => history, keptIn })();
