// The page of the REST interface: shows the routes that hold what is looked for while it is typed, and opens the one
// that the address names. Without it, the form asks the service for the same.

const form = document.querySelector("form.find");
const found = document.getElementById("found");
const groups = [...document.querySelectorAll(".group:not(.objects)")].map((group) => ({
  group,
  routes: [...group.querySelectorAll(".operation")].map((route) => ({ route, text: textOf(route, group) })),
}));

/** What a route is found by, in lower case. */
function textOf(route, group) {
  const parts = [route.querySelector("summary"), route.querySelector(".says"), group.querySelector("h2")];
  return parts.map((part) => part.textContent).join(" ").toLowerCase();
}

/** Show the routes that hold every word, and say how many those are. */
function filter() {
  const asked = form.elements.q.value.trim();
  const words = asked.toLowerCase().split(/\s+/);
  let shown = 0;
  let count = 0;
  for (const { group, routes } of groups) {
    for (const { route, text } of routes) route.hidden = !words.every((word) => text.includes(word));
    const here = routes.filter(({ route }) => !route.hidden).length;
    group.hidden = !here;
    shown += here;
    count += routes.length;
  }
  found.textContent = asked ? `${shown} of ${count} routes` : `${count} routes`;
  history.replaceState(null, "", `${asked ? `?${new URLSearchParams({ q: asked })}` : location.pathname}${location.hash}`);
}

/** Open the route that the address names, whatever is looked for. */
function openNamed() {
  const inside = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const route = inside?.closest(".operation");
  if (!route) return;
  if (route.hidden) {
    form.elements.q.value = "";
    filter();
  }
  route.open = true;
  route.scrollIntoView();
}

form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", openNamed);
openNamed();
