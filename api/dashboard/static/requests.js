// Requests to the service this page came from. The cookie that says who asks goes along by itself.

/** What the service refused, with what to do about it. */
export class Refused extends Error {
  constructor({ title, detail = "", hint = "" }, status) {
    super(title);
    Object.assign(this, { title, detail, hint, status });
  }
}

/** Ask for a change; the JSON of the answer, or `Refused`. */
export async function change(method, url) {
  const proof = document.querySelector("meta[name=csrf-token]");
  const headers = { Accept: "application/json", ...(proof && { "X-CSRF-Token": proof.content }) };
  let answer;
  try {
    answer = await fetch(url, { method, headers });
  } catch {
    throw new Refused({ title: "The service cannot be reached", hint: "Try again in a moment." }, 0);
  }
  if (answer.ok) return answer.json();
  throw new Refused(await answer.json().catch(() => ({ title: answer.statusText })), answer.status);
}
