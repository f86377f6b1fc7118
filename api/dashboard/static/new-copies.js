// A request as a program would send it: texts to copy, and the tabs that hold them.

/** A text as one word of a POSIX shell. */
export const shellWord = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** A JSON value as Python writes it. JSON's texts are Python's. */
export function python(value, indent = "") {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const deeper = `${indent}    `;
  const entries = Array.isArray(value)
    ? value.map((entry) => python(entry, deeper))
    : Object.entries(value).map(([name, entry]) => `${JSON.stringify(name)}: ${python(entry, deeper)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const line = `${open}${entries.join(", ")}${close}`;
  return line.length + indent.length <= 80 && !line.includes("\n")
    ? line
    : `${open}\n${entries.map((entry) => `${deeper}${entry},\n`).join("")}${indent}${close}`;
}

/** A request as a command of curl, and as Python with this service's client. */
export const AS = {
  json: ({ spec }) => JSON.stringify(spec, null, 2),
  curl: ({ url, path, body, token }) =>
    [
      `curl --fail-with-body ${shellWord(url + path)}`,
      ...(token ? ['-H "Authorization: Bearer $SRNAS_TOKEN"'] : []),
      "-H 'Content-Type: application/json'",
      `--data ${shellWord(JSON.stringify(body, null, 2))}`,
    ].join(" \\\n  "),
  python: ({ url, body, origin, token }) =>
    [
      `from api.client import Client${token ? "  # it reads SRNAS_TOKEN" : ""}`,
      "",
      `${origin ? "changes" : "spec"} = ${python(origin ? body.changes : body)}`,
      `with Client(${JSON.stringify(url)}) as client:`,
      `    search = client.${origin ? `clone(${JSON.stringify(origin)}, changes)` : "submit(spec)"}`,
      "    print(search.id)",
      "",
    ].join("\n"),
};

/** Have tabs show a request in the way that is chosen; gives a function that shows another request. */
export function makeTabs(place, say) {
  const tabs = [...place.querySelectorAll("[role=tab]")];
  const panel = place.querySelector("[role=tabpanel]");
  const code = panel.querySelector("code");
  let request = null;
  const present = () => tabs.find((tab) => tab.ariaSelected === "true");
  const draw = () => request && (code.textContent = AS[present().dataset.as](request));
  const choose = (tab) => {
    for (const other of tabs) {
      other.ariaSelected = String(other === tab);
      other.tabIndex = other === tab ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", tab.id);
    draw();
  };
  tabs.forEach((tab, number) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", ({ key }) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (!by) return;
      const next = tabs[(number + by + tabs.length) % tabs.length];
      choose(next);
      next.focus();
    });
  });
  place.querySelector("#copy").addEventListener("click", async () => {
    say((await copied(code)) ? `${present().textContent} is copied.` : "Press Ctrl+C: the text is chosen.");
  });
  return (value) => {
    request = value;
    draw();
  };
}

/** Copy what an element says; where the browser keeps scripts from that, choose it for the person to copy. */
async function copied(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}
