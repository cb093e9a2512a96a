// Everything that is computed is computed by the server.

export class Refusal extends Error {}

export const post = (name, body, { raw = false } = {}) => during(() => answered(name, body, raw));

async function answered(name, body, raw) {
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

const pending = new Set();

/** What is under way, by name; the document says whether there is anything. */
export function busy(what, on) {
  pending[on ? "add" : "delete"](what);
  document.documentElement.toggleAttribute("data-busy", pending.size > 0);
}

/** Run it; the page is busy until it has ended. */
export async function during(run) {
  const call = Symbol("call");
  busy(call, true);
  try { return await run(); } finally { busy(call, false); }
}

/** Calls run one after the other, and of those that wait only the newest: a slider asks more often than can be answered. */
export function latest(name, run) {
  let running = null;
  let waiting = false;
  const all = async () => {
    do {
      waiting = false;
      try { await run(); } catch (error) { console.error(error); }
    } while (waiting);
    running = null;
    busy(name, false);
  };
  const ask = () => {
    busy(name, true);
    if (running) waiting = true;
    else running = Promise.resolve().then(all);
  };
  ask.answered = () => running; // null, or a promise of the newest answer
  return ask;
}
