// Who follows a link from elsewhere comes without the cookie, for browsers keep it back then: a request of this page's
// own bears it, and the service answers that one with the way on.

const answer = await fetch(location.href, { redirect: "manual", cache: "no-store" }).catch(() => null);
const wanted = document.querySelector("input[name=next]").value;
if (answer?.type === "opaqueredirect") location.replace(wanted);
