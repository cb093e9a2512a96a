// Everything that is computed is computed by the server.

export class Refusal extends Error {}

export async function post(name, body, { raw = false } = {}) {
  let answer;
  try {
    answer = await fetch(`/api/${name}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), credentials: "same-origin",
    });
  } catch {
    throw new Refusal("The studio has stopped. Start it again with: lucid studio");
  }
  if (answer.ok) {
    if (raw) return answer.blob();
    const found = await answer.json();
    if (typeof found.error === "string") throw new Refusal(found.error); // of what was read, and no mistake of the page
    return found;
  }
  let message = `The studio answered ${answer.status}`;
  try { message = (await answer.json()).error ?? message; } catch { /* no JSON */ }
  throw new Refusal(message);
}

/** Calls run one after the other, and of those that wait only the newest: a slider asks more often than can be answered. */
export function latest(run) {
  let busy = false;
  let waiting = null;
  return async function ask(...given) {
    if (busy) { waiting = given; return; }
    busy = true;
    try {
      await run(...given);
    } finally {
      busy = false;
      if (waiting) { const next = waiting; waiting = null; ask(...next); }
    }
  };
}
