// The choices of a page in its address, so that a view can be sent to somebody.

/** Reads and replaces them in a part of it: "search", or "hash" where nobody but the page is to be asked for them. */
export function choicesIn(part) {
  const sign = part === "hash" ? "#" : "?";
  return {
    read: () => new URLSearchParams(location[part].slice(1)),
    write: (choices) => history.replaceState(null, "", choices.size ? sign + choices : location.href.split(sign)[0]),
  };
}
