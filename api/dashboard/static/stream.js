// Server-sent events by fetch: unlike EventSource it hands out events of every kind, and says why a stream ended.

const SILENCE_MS = 60_000; // the service says something more often than that

/**
 * Read the events of a search as they happen, until the stream ends: "over" where nothing can follow, "ended" where the
 * service had sent for long enough, else "broken".
 * `opened()` is told when the service answers, `came(ordinal, kind, detail)` of each event.
 */
export async function read(searchId, after, { opened, came }) {
  const control = new AbortController();
  let silence = setTimeout(() => control.abort(), SILENCE_MS);
  try {
    const headers = { Accept: "text/event-stream", "Last-Event-ID": String(after) };
    const address = `/v1/searches/${encodeURIComponent(searchId)}/events`;
    const answer = await fetch(address, { headers, cache: "no-store", signal: control.signal });
    if (answer.status === 204) return "over";
    if (!answer.ok) return "broken";
    opened();
    let text = "";
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
      clearTimeout(silence);
      silence = setTimeout(() => control.abort(), SILENCE_MS);
      const blocks = (text + piece).split("\n\n");
      text = blocks.pop();
      blocks.map(fieldsOf).forEach(({ id, event, data }) => data && came(Number(id), event, JSON.parse(data).detail));
    }
    return "ended";
  } catch {
    return "broken";
  } finally {
    clearTimeout(silence);
  }
}

/** The fields of one event. */
function fieldsOf(block) {
  return Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
}
