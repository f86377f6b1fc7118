// Server-sent events by fetch: unlike EventSource it hands out events of every kind, and says why a stream ended.

const SILENCE_MS = 60_000; // the service says something more often than that

/**
 * Read the events of a search as they happen, until the stream ends: "over" where nothing can follow, "ended" where the
 * service or a proxy had it end, "left" where nobody looks at the page, for a browser has few connections to a host,
 * else "broken".
 * `opened()` is told when the service answers, `came(ordinal, kind, detail)` of each event.
 */
export async function read(searchId, after, { opened, came }) {
  const control = new AbortController();
  const leave = () => document.hidden && control.abort();
  let silence = setTimeout(() => control.abort(), SILENCE_MS);
  let isOpen = false;
  document.addEventListener("visibilitychange", leave);
  try {
    const headers = { Accept: "text/event-stream", "Last-Event-ID": String(after) };
    const address = `/v1/searches/${encodeURIComponent(searchId)}/events`;
    const answer = await fetch(address, { headers, cache: "no-store", signal: control.signal });
    if (answer.status === 204) return "over";
    if (!answer.ok) return "broken";
    opened();
    isOpen = true;
    const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader(); // Safari cannot iterate over it
    let text = "";
    for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) {
      clearTimeout(silence);
      silence = setTimeout(() => control.abort(), SILENCE_MS);
      const blocks = (text + piece.value).split("\n\n");
      text = blocks.pop();
      const events = blocks.map(fieldsOf).filter(({ data }) => data);
      events.forEach(({ id, event, data }) => came(Number(id), event, JSON.parse(data).detail));
    }
    return "ended";
  } catch {
    if (document.hidden) return "left";
    return isOpen && !control.signal.aborted ? "ended" : "broken";
  } finally {
    clearTimeout(silence);
    document.removeEventListener("visibilitychange", leave);
  }
}

/** The fields of one event. */
function fieldsOf(block) {
  return Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
}
