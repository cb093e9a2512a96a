// The document: what is undone, shared and kept by the address.

const LARGEST = 2_000_000;
export const COLOURS = 8;

export const store = {
  doc: null,
  view: null, // the part of the run that is looked at; not in the document
  past: [], future: [],
  lastKey: null, lastTime: 0,
  listeners: [],

  on(listener) { this.listeners.push(listener); },

  tell(what) { for (const listener of this.listeners) listener(what); },

  /** Change the document. Changes with the same key, shortly after each other or `held` in one drag, are undone together. */
  change(mutate, key = null, held = false) {
    const before = JSON.stringify(this.doc);
    mutate(this.doc);
    if (JSON.stringify(this.doc) === before) return false;
    const now = performance.now();
    if (key === null || key !== this.lastKey || (!held && now - this.lastTime > 1200)) {
      this.past.push(before);
      if (this.past.length > 200) this.past.shift();
    }
    this.lastKey = key;
    this.lastTime = now;
    this.future = [];
    this.tell("change");
    return true;
  },

  undo() { this.move(this.past, this.future); },
  redo() { this.move(this.future, this.past); },

  move(from, to) {
    if (!from.length) return;
    to.push(JSON.stringify(this.doc));
    this.doc = JSON.parse(from.pop());
    this.lastKey = null;
    this.tell("undo");
  },

  replace(doc) {
    if (this.doc) { this.past.push(JSON.stringify(this.doc)); this.future = []; }
    this.doc = doc;
    this.lastKey = null;
    this.tell("replace");
  },

  get active() { return this.doc.candidates.find((one) => one.id === this.doc.active) ?? this.doc.candidates[0]; },
};

let last = 0;
export function candidate(name, design, colour) {
  last += 1;
  return { id: `${Date.now().toString(36)}${last}`, name, colour, visible: true, design };
}

/** The first colour that nobody has. */
export function freeColour(doc) {
  const used = new Set(doc.candidates.map((one) => one.colour));
  for (let i = 0; i < COLOURS; i += 1) if (!used.has(i)) return i;
  return 0;
}

export function freeName(doc, wanted) {
  const names = new Set(doc.candidates.map((one) => one.name));
  if (!names.has(wanted)) return wanted;
  for (let i = 2; ; i += 1) if (!names.has(`${wanted} ${i}`)) return `${wanted} ${i}`;
}

// -- values inside of a design, by path

export function get(design, path) {
  return path.reduce((value, key) => value?.[key], design);
}

export function put(design, path, value) {
  if (!path.length) return value;
  const [key, ...rest] = path;
  if (rest.length === 0) design[key] = value;
  else put(design[key], rest, value);
  return design;
}

// -- the address

const toBase64 = (bytes) => btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join("")).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const fromBase64 = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

async function through(bytes, stream) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > LARGEST) { await reader.cancel(); throw new Error("it holds too much"); }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

export async function encode(doc) {
  const bytes = new TextEncoder().encode(JSON.stringify(doc));
  return `1.${toBase64(await through(bytes, new CompressionStream("deflate-raw")))}`;
}

export async function decode(fragment) {
  let doc;
  try {
    const [, packed] = /^1\.([\w-]+)$/.exec(fragment) ?? [];
    if (!packed) throw new Error(/^\d+\./.test(fragment) && !fragment.startsWith("1.") ? "a newer studio wrote it" : "it is cut off or changed");
    let text;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(await through(fromBase64(packed), new DecompressionStream("deflate-raw")));
      doc = JSON.parse(text);
    } catch (error) {
      throw new Error(error.message === "it holds too much" ? error.message : "it is cut off or changed");
    }
    return checked(doc);
  } catch (error) {
    throw new Error(`The address has a design that cannot be read: ${error.message}. Here is a fresh one.`);
  }
}

/** A document that the page can show, or an error that says what is wrong. What designs say, the server checks. */
function checked(doc) {
  const wrong = (what) => { throw new Error(`${what} is missing or wrong`); };
  const isNumber = (value, low) => typeof value === "number" && Number.isFinite(value) && value >= low;
  if (typeof doc !== "object" || doc === null) wrong("its document");
  if (!isNumber(doc.steps, 1)) wrong("steps");
  if (!isNumber(doc.lr, 0)) wrong("lr");
  if (!Array.isArray(doc.candidates) || doc.candidates.length < 1 || doc.candidates.length > COLOURS) wrong("candidates");
  const candidates = doc.candidates.map((one) => {
    if (typeof one !== "object" || one === null || typeof one.design !== "object" || one.design === null) wrong("a candidate's design");
    const made = candidate(String(one.name ?? "schedule").slice(0, 80), one.design, Number.isInteger(one.colour) ? ((one.colour % COLOURS) + COLOURS) % COLOURS : 0);
    return { ...made, visible: one.visible !== false, id: typeof one.id === "string" ? one.id : made.id };
  });
  return {
    steps: Math.round(doc.steps), lr: doc.lr, log: doc.log === true, axis: doc.axis === "epochs" ? "epochs" : "steps",
    perEpoch: isNumber(doc.perEpoch, 1) ? doc.perEpoch : 100, candidates,
    active: candidates.some((one) => one.id === doc.active) ? doc.active : candidates[0].id,
  };
}
