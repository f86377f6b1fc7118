// Requests to the service this page came from. The cookie that says who asks goes along by itself.

/** What the service refused, with what to do about it. */
export class Refused extends Error {
  constructor({ title, detail = "", hint = "", errors = [] }, status) {
    super(title);
    Object.assign(this, { title, detail, hint, errors, status });
  }

  /** All that is known of it, as one text. */
  get words() {
    return [this.title, this.detail, this.hint].filter(Boolean).map((part) => part.replace(/\.$/, "")).join(". ");
  }
}

/** Send a request with some bytes, or none; the answer, or `Refused`. */
export async function ask(method, url, { body, type, key, signal } = {}) {
  const proof = document.querySelector("meta[name=csrf-token]");
  const headers = { Accept: "application/json", ...(proof && { "X-CSRF-Token": proof.content }) };
  if (type) headers["Content-Type"] = type;
  if (key) headers["Idempotency-Key"] = key;
  let answer;
  try {
    answer = await fetch(url, { method, headers, body, signal });
  } catch {
    throw new Refused({ title: "The service cannot be reached", hint: "Try again in a moment." }, 0);
  }
  if (answer.ok) return answer;
  throw new Refused(await answer.json().catch(() => ({ title: answer.statusText })), answer.status);
}

/** Ask for a change, with a JSON document where it takes one; the JSON of the answer, or `Refused`. Under a key that is
 * sent again, it is made once. */
export async function change(method, url, value, { key, signal } = {}) {
  const sent = value === undefined ? {} : { body: JSON.stringify(value), type: "application/json" };
  return (await ask(method, url, { ...sent, key, signal })).json();
}

/** Read a JSON document; `Refused`. */
export const read = async (url) => (await ask("GET", url)).json();

/** A reader of a document of the service that remembers what it holds; null where nothing has changed. */
export function reader(url) {
  let tag = null;
  return async () => {
    const answer = await fetch(url, { headers: tag ? { "If-None-Match": tag } : {}, signal: AbortSignal.timeout(20_000) });
    if (answer.status === 304) return null;
    if (!answer.ok) throw new Error(answer.statusText);
    tag = answer.headers.get("ETag");
    return answer.json();
  };
}
