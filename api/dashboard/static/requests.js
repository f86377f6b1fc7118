// Requests to the service this page came from. The cookie that says who asks goes along by itself.

const LONGEST_MS = 20_000; // for an answer

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
    const headers = tag ? { "If-None-Match": tag } : {};
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(LONGEST_MS) });
    if (answer.status === 304) return null;
    if (!answer.ok) throw new Error(answer.statusText);
    const found = await answer.json();
    tag = answer.headers.get("ETag"); // not before: an answer may be cut off
    return found;
  };
}

const scriptOf = (page) => page.querySelector("script[type=module]")?.src;

/**
 * A reader of this page as the service draws it now; null where it is as it was. It gives nothing where the page is
 * loaded instead: whoever looks was signed out, or the service is of another version by now.
 */
export function pageReader() {
  let tag = null;
  return async () => {
    const headers = { Accept: "text/html", ...(tag && { "If-None-Match": tag }) };
    const answer = await fetch(location.href, { headers, cache: "no-store", signal: AbortSignal.timeout(LONGEST_MS) });
    if (answer.status === 304) return null;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.redirected && !(answer.ok && scriptOf(fresh))) throw new Error(answer.statusText);
    if (answer.redirected || scriptOf(fresh) !== scriptOf(document)) {
      location.reload();
      return new Promise(() => {});
    }
    tag = answer.headers.get("ETag");
    return fresh;
  };
}
