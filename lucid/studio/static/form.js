// Forms for any schedule: what a field may hold, and how it is told, comes from the registry.

import { busy, post } from "./api.js";
import { $, closeMenu, dialog, h, ICONS, icon, menu, number, say, short, spark, typed } from "./dom.js";
import { get, put, store } from "./state.js";

let families = new Map();
let groups = [];

export function learn(catalogue) {
  families = new Map(catalogue.families.map((one) => [one.name, one]));
  groups = catalogue.groups;
}

export const known = (name) => families.get(name);

const isDesign = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const keyOf = (path) => path.join(".");

/** Change what is at a path of the active candidate's design. */
function set(path, value, key = null, held = false) {
  return store.change(() => { const one = store.active; one.design = put(one.design, path, value); }, key, held);
}

/** What is at a path now: forms outlive the values that they were made of, which an undo replaces. */
const current = (path) => get(store.active.design, path);

// -- phases: the parts of a join, or the one schedule that there is

export const phasesOf = (design) => (design.schedule === "Join" && Array.isArray(design.parts) ? design.parts : [design]);
const phasePath = (design, i) => (design.schedule === "Join" ? ["parts", i] : []);

export function setPhases(phases, key = null) {
  return set([], phases.length === 1 ? phases[0] : { schedule: "Join", parts: phases }, key);
}

const clone = (value) => JSON.parse(JSON.stringify(value));

/** What a list of schedules offers: phases, and the parts of sums and the like. */
function listActions(parts, now, i, apply, focus) {
  const moved = (to) => { const next = [...now()]; next.splice(to, 0, next.splice(i, 1)[0]); apply(next); focus(to); };
  return {
    up: i > 0 ? () => moved(i - 1) : null,
    down: i < parts.length - 1 ? () => moved(i + 1) : null,
    duplicate: () => { const all = now(); apply([...all.slice(0, i + 1), clone(all[i]), ...all.slice(i + 1)]); focus(i + 1); },
    remove: parts.length > 1 ? () => { apply(now().filter((_, other) => other !== i)); focus(Math.max(0, i - 1)); } : null,
  };
}

let dragged = null;

/** The editor of a list: cards that can be moved by mouse and by keyboard. `now` gives the list as it is when one is. */
function list(parts, now, pathOf, apply, name) {
  const box = h("ol", { class: "cards", "aria-label": name });
  parts.forEach((part, i) => {
    const path = pathOf(i);
    const focus = (to) => document.querySelector(`[data-key="head:${keyOf(pathOf(to))}"]`)?.focus();
    const actions = listActions(parts, now, i, apply, focus);
    const handle = h("span", { class: "grip", draggable: true, title: "Drag to move", "aria-hidden": "true" }, icon(ICONS.grip, "dots"));
    const card = h("li", { class: "card" }, node(part, path, { actions, handle, index: name === "Phases" ? i + 1 : null }));
    handle.addEventListener("dragstart", (event) => {
      dragged = { box, i };
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", "");
      event.dataTransfer.setDragImage(card, 12, 12);
      card.classList.add("moving");
    });
    handle.addEventListener("dragend", () => { dragged = null; card.classList.remove("moving"); });
    card.addEventListener("dragover", (event) => {
      if (dragged?.box !== box || dragged.i === i) return;
      event.preventDefault();
      event.stopPropagation();
      card.classList.add(dragged.i < i ? "below" : "above");
    });
    card.addEventListener("dragleave", () => card.classList.remove("above", "below"));
    card.addEventListener("drop", (event) => {
      if (dragged?.box !== box) return;
      event.preventDefault();
      event.stopPropagation();
      const next = [...now()];
      next.splice(i, 0, next.splice(dragged.i, 1)[0]);
      apply(next);
    });
    card.addEventListener("keydown", (event) => {
      if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
      const run = event.key === "ArrowUp" ? actions.up : actions.down;
      event.preventDefault();
      event.stopPropagation();
      if (run) run();
    });
    box.append(card);
  });
  return box;
}

/** The editor of one configuration, with those inside of it. */
function node(design, path, { actions = {}, handle = null, index = null } = {}) {
  const family = isDesign(design) ? known(design.schedule) : undefined;
  const name = isDesign(design) ? String(design.schedule) : "?";
  const key = keyOf(path);
  const button = (what, label, run) => h("button", {
    type: "button", class: "plain", "aria-label": `${label} ${name}`, title: label, disabled: !run, key: `${what}:${key}`, onclick: run ?? undefined,
  }, icon(ICONS[what]));
  const head = h("div", { class: "node-head" },
    handle,
    index === null ? null : h("span", { class: "index", text: index }),
    h("button", { type: "button", class: "family", key: `head:${key}`, title: "Choose another", "aria-label": `${name}, choose another family`,
      onclick: async () => { const made = await pick("Choose another", current(path), path); if (made) set(path, made); } }, name,
      icon(ICONS.fold, "small")),
    h("span", { class: "grow" }),
    actions.duplicate ? [button("up", "Move up", actions.up), button("down", "Move down", actions.down), button("copy", "Duplicate", actions.duplicate), button("remove", "Remove", actions.remove)] : null,
    menu(h("button", { type: "button", class: "plain", "aria-label": `More for ${name}`, title: "More", key: `more:${key}` }, icon(ICONS.more, "dots")), () => moreOf(path, family)));
  const box = h("div", { class: "node", "data-node": key }, head, h("p", { class: "error node-error", "data-error": key }));
  if (!family) {
    box.append(h("p", { class: "muted", text: `${name} is unknown to this studio` }));
    return box;
  }
  box.append(h("p", { class: "summary", text: family.summary }));
  const rows = family.fields.map((field) => [field, row(field, design, [...path, field.name])]);
  const plain = ([field]) => field.required || rows.length <= 4 || JSON.stringify(design[field.name] ?? field.default) !== JSON.stringify(field.default);
  box.append(h("div", { class: "fields" }, rows.filter(plain).map(([, made]) => made)));
  const rest = rows.filter((one) => !plain(one));
  if (rest.length) {
    const opened = openDetails.has(`${key}/${name}`);
    const details = h("details", { class: "rest", open: opened }, h("summary", { key: `rest:${key}`, text: `${rest.length} more` }), h("div", { class: "fields" }, rest.map(([, made]) => made)));
    details.addEventListener("toggle", () => { openDetails[details.open ? "add" : "delete"](`${key}/${name}`); });
    box.append(details);
  }
  if (family.formula) {
    const at = `${key}/${name}/formula`;
    const details = h("details", { class: "rest", open: openDetails.has(at) }, h("summary", { key: `formula:${key}`, text: "Formula" }), h("pre", { tabindex: "0", text: family.formula }), family.source ? h("p", { class: "muted source", text: family.source }) : null);
    details.addEventListener("toggle", () => { openDetails[details.open ? "add" : "delete"](at); });
    box.append(details);
  }
  return box;
}

const openDetails = new Set();

function moreOf(path, family) {
  const design = current(path);
  const wraps = [...families.values()].filter((one) => one.wraps);
  const inner = family?.fields.find((field) => field.name === "of" || field.name === "fn");
  return [
    ...wraps.map((one) => ({ text: `Put into ${one.name}`, run: () => set(path, { ...clone(one.example), of: clone(design) }) })),
    null,
    ...["Sum", "Product", "Maximum", "Minimum"].map((one) => ({
      text: `${one} with a constant`, run: () => set(path, { schedule: one, parts: [clone(design), { schedule: "Constant", factor: one === "Sum" ? 0.1 : 0.5 }] }),
    })),
    null,
    { text: "Take out what is inside", disabled: !(inner && isDesign(design[inner.name])), run: () => set(path, clone(design[inner.name])) },
    { text: "Split into its phases", disabled: !family?.composed, run: async () => {
      try { set(path, (await post("change", { design, action: "split" })).design); } catch (error) { say(error.message, true); }
    } },
  ];
}

// -- fields

function row(field, design, path) {
  const key = keyOf(path);
  const value = design[field.name] === undefined ? field.default : design[field.name];
  const kinds = new Map(field.kinds.map((one) => [one.kind, one]));
  const label = field.name.replaceAll("_", " ");
  const help = field.help ? h("p", { class: "away", id: `help-${key}`, text: field.help }) : null;
  const error = h("p", { class: "error", "data-error": key, id: `error-${key}` });
  const shared = { field, kinds, path, key, label, described: `error-${key}${help ? ` help-${key}` : ""}` };
  const control = controlOf(value, shared);
  const nested = control.nested;
  const made = h("div", { class: `field${nested ? " nests" : ""}`, "data-field": key }, control.made, help, error, nested ?? null);
  const hint = (event) => { event.stopPropagation(); $("hint").replaceChildren(...(field.help ? [h("b", { text: label }), ` – ${field.help}`] : [])); };
  made.addEventListener("focusin", hint); // in a place of its own, so that nothing moves under the pointer
  made.addEventListener("pointerover", hint);
  return made;
}

function controlOf(value, its) {
  const { kinds, field, path, key, label, described } = its;
  const optional = kinds.has("none");
  const name = (extra = "") => h("label", { for: `in-${key}${extra}`, class: "name", title: field.help, text: label });
  const none = !optional ? null : h("label", { class: "check none" }, h("input", {
    type: "checkbox", checked: value === null, key: `none:${key}`, "aria-label": `${label}: none`,
    onchange: (event) => set(path, event.target.checked ? null : fallback(its)),
  }), "none");
  if (optional && value === null) return { made: h("div", { class: "row" }, h("span", { class: "name", title: field.help, text: label }), h("span", { class: "grow" }), none) };
  if (Array.isArray(value) && kinds.has("schedules")) return { made: h("div", { class: "row" }, h("span", { class: "name", text: label })), nested: parts(value, path, its) };
  if (isDesign(value) || (kinds.has("schedule") && !kinds.has("choice"))) {
    const back = kinds.has("choice") ? h("button", { type: "button", class: "plain", key: `back:${key}`, onclick: () => set(path, kinds.get("choice").choices[0]) }, "use a name") : none;
    return { made: h("div", { class: "row" }, h("span", { class: "name", text: label, title: field.help }), h("span", { class: "grow" }), back), nested: isDesign(value) ? node(value, path) : null };
  }
  if (kinds.has("choice")) {
    const choices = kinds.get("choice").choices;
    const options = choices.map((one) => h("option", { value: one, text: one, selected: one === value }));
    if (kinds.has("callable")) options.push(h("option", { value: "\u0000", text: "a schedule …" }));
    const made = h("select", { id: `in-${key}`, key, "aria-describedby": described, onchange: (event) => set(path, event.target.value === "\u0000" ? { schedule: "Linear", steps: 1, start: 1, end: 0 } : event.target.value) }, options);
    made.dataset.sync = "value";
    return { made: h("div", { class: "row" }, name(), h("span", { class: "grow" }), made) };
  }
  if (kinds.has("bool")) {
    const made = h("input", { type: "checkbox", id: `in-${key}`, key, checked: value === true, "aria-describedby": described, onchange: (event) => set(path, event.target.checked) });
    made.dataset.sync = "checked";
    return { made: h("div", { class: "row" }, name(), h("span", { class: "grow" }), made) };
  }
  const listed = Array.isArray(value);
  const both = kinds.has("number") && kinds.has("numbers");
  const swap = both ? h("button", { type: "button", class: "plain", key: `swap:${key}`, onclick: () => { const now = current(path) ?? value; set(path, listed ? now[0] : [now, now]); } }, listed ? "one" : "list") : null;
  if (listed || (kinds.has("numbers") && !kinds.has("number"))) return { made: h("div", { class: "row" }, name(), numbers(value, its), swap) };
  if (kinds.has("number") && (typeof value === "number" || value === undefined)) return { made: scalar(value, its, name(), none, swap) };
  return { made: h("div", { class: "row" }, name(), anything(value, its), none) };
}

function parts(value, path, its) {
  const apply = (next) => set(path, next);
  return h("div", { class: "parts" }, list(value, () => current(path), (i) => [...path, i], apply, its.label),
    h("button", { type: "button", key: `add:${its.key}`, onclick: async () => { const made = await pick(`Add to ${its.label}`, null, path); if (made) apply([...current(path), made]); } }, "+ Part"));
}

function fallback({ field, kinds }) {
  if (kinds.has("schedule") || kinds.has("callable")) return clone(known(kinds.has("callable") ? "Constant" : "InversePower")?.example ?? { schedule: "Constant" });
  if (field.time) return Math.max(1, Math.round(store.doc.steps / 10));
  if (field.absolute) return store.doc.lr / 10;
  return (kinds.get("number")?.rule ?? "").includes("(0, 1)") ? 0.5 : 1;
}

/** How far a slider goes, and in which steps: of times the run, of rates the base, else what the rule says. */
export function span(field, rule, value) {
  const { steps, lr } = store.doc;
  const size = Math.abs(value ?? 0);
  const nice = (v) => { const k = 10 ** Math.floor(Math.log10(v)); return [1, 2, 5, 10].map((m) => m * k).find((one) => one >= v * 0.999999); };
  if (/[\[(]0, 1[\])]/.test(rule)) return { low: rule.includes("[0") ? 0 : 0.01, high: rule.includes("1]") ? 1 : 0.99, step: 0.01 };
  if (rule.includes("whole")) return { low: rule.includes("1") ? 1 : 0, high: Math.max(10, nice(size || 1)), step: 1 };
  if (field.time) {
    const high = Math.max(steps, size);
    const step = high >= 200 ? nice(high / 1000) : high >= 20 ? 0.1 : 0.01;
    return { low: rule === "finite" ? -high : rule.includes("> 0") ? step : rule === ">= 1" ? 1 : 0, high, step };
  }
  const high = field.absolute ? Math.max(lr, size) || 1 : size <= 1 ? (field.default === 1 ? 2 : 1) : nice(size * 1.5);
  const step = field.absolute ? high / 200 : high / 100;
  return { low: rule === "finite" ? -high : rule === ">= 1" ? 1 : rule === "> 0" ? step : 0, high: rule === ">= 1" ? Math.max(high, 4) : high, step };
}

const tidy = (value, step) => Number(value.toPrecision(12 - Math.max(0, Math.floor(Math.log10(Math.abs(value) / step + 1)) > 10 ? 1 : 0)));

function scalar(value, its, name, none, swap) {
  const { field, kinds, path, key, label, described } = its;
  const rule = kinds.get("number").rule ?? "finite";
  let reach = span(field, rule, value);
  const slider = h("input", { type: "range", class: "slider", min: reach.low, max: reach.high, step: "any", key: `slider:${key}`, "aria-label": `${label}, slider` });
  slider.value = value ?? 0;
  const exact = h("input", { type: "text", class: "number", id: `in-${key}`, key, inputmode: "decimal", autocomplete: "off", spellcheck: "false", value: typed(value), "aria-describedby": described });
  let held = false; // a drag is one change, however long it takes
  slider.addEventListener("pointerdown", () => { held = true; store.lastKey = null; });
  slider.addEventListener("input", () => {
    const snapped = Math.abs(slider.value - reach.high) < reach.step / 2 ? reach.high : Math.max(reach.low, tidy(Math.round(slider.value / reach.step) * reach.step, reach.step));
    exact.value = typed(snapped);
    fill(slider);
    exact.removeAttribute("aria-invalid");
    set(path, snapped, `slide:${key}`, held);
  });
  slider.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (by === undefined || event.altKey) return;
    event.preventDefault();
    slider.value = Number(slider.value) + by * reach.step * (event.shiftKey ? 10 : 1);
    slider.dispatchEvent(new Event("input"));
  });
  const widen = (v) => {
    reach = span(field, rule, v);
    slider.min = reach.low;
    slider.max = reach.high;
    slider.value = v;
    fill(slider);
  };
  for (const end of ["change", "pointerup", "pointercancel"]) slider.addEventListener(end, () => { held = false; store.lastKey = null; });
  exact.addEventListener("input", () => {
    const found = number(exact.value);
    const error = document.querySelector(`[data-error="${CSS.escape(key)}"]`);
    if (found === null) {
      exact.setAttribute("aria-invalid", "true");
      if (error) error.textContent = "a number, such as 500 or 3e-4";
      return;
    }
    exact.removeAttribute("aria-invalid");
    if (error) error.textContent = "";
    if (set(path, found, `type:${key}`)) widen(found);
  });
  exact.addEventListener("keydown", (event) => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (by === undefined || event.altKey) return;
    event.preventDefault();
    const next = tidy((number(exact.value) ?? 0) + by * reach.step * (event.shiftKey ? 10 : 1), reach.step);
    exact.value = typed(Math.max(next, reach.low));
    exact.dispatchEvent(new Event("input"));
  });
  exact.addEventListener("blur", () => { if (number(exact.value) === null) { exact.value = typed(current(path)); exact.removeAttribute("aria-invalid"); store.tell("errors"); } });
  exact.sync = (v, all) => {
    if (typeof v !== "number") return;
    if (all || document.activeElement !== exact) { exact.value = typed(v); exact.removeAttribute("aria-invalid"); }
    if (all || document.activeElement !== slider) widen(v);
  };
  exact.dataset.sync = "number";
  fill(slider);
  return h("div", { class: "row" }, name, slider, exact, swap, none);
}

/** How much of a slider is behind its thumb. */
function fill(slider) {
  const part = (slider.value - slider.min) / (slider.max - slider.min || 1);
  slider.style.setProperty("--part", `${100 * Math.max(0, Math.min(1, part))}%`);
}

function numbers(value, { path, key, described }) {
  const told = Array.isArray(value) ? value.map(typed).join(", ") : String(value ?? ""); // what is no list, the server refuses
  const made = h("input", { type: "text", class: "list", id: `in-${key}`, key, autocomplete: "off", spellcheck: "false", value: told, "aria-describedby": described });
  made.addEventListener("input", () => {
    const found = made.value.split(/[,;\s]+/).filter(Boolean).map(number);
    const error = document.querySelector(`[data-error="${CSS.escape(key)}"]`);
    if (!found.length || found.includes(null)) {
      made.setAttribute("aria-invalid", "true");
      if (error) error.textContent = "numbers with commas between, such as 30, 60, 80";
      return;
    }
    made.removeAttribute("aria-invalid");
    if (error) error.textContent = "";
    set(path, found, `type:${key}`);
  });
  made.sync = (v, all) => { if (Array.isArray(v) && (all || document.activeElement !== made)) { made.value = v.map(typed).join(", "); made.removeAttribute("aria-invalid"); } };
  made.dataset.sync = "number";
  return made;
}

/** A field of a type that nothing is known of: JSON as it is. */
function anything(value, { path, key, described }) {
  const made = h("input", { type: "text", class: "list", id: `in-${key}`, key, autocomplete: "off", spellcheck: "false", value: JSON.stringify(value) ?? "", "aria-describedby": described });
  made.addEventListener("change", () => {
    try { set(path, JSON.parse(made.value)); made.removeAttribute("aria-invalid"); } catch { made.setAttribute("aria-invalid", "true"); }
  });
  made.sync = (v, all) => { if (all || document.activeElement !== made) made.value = JSON.stringify(v) ?? ""; };
  made.dataset.sync = "json";
  return made;
}

// -- the panel

let built = "";

const signature = (value) => JSON.stringify(value, (name, one) => (typeof one === "number" ? 0 : one));

/** Bring the forms up to date: new ones where the structure changed, else only what fields show; `all`: also what is being typed. */
export function render(all = false) {
  const one = store.active;
  const now = `${one.id}|${signature(one.design)}`;
  const box = $("phases");
  if (now === built) {
    for (const input of box.querySelectorAll("[data-sync]")) {
      const value = get(one.design, pathOf(input.dataset.key, one.design));
      if (input.sync) input.sync(value, all);
      else if (value !== undefined) input[input.dataset.sync] = value;
    }
    return;
  }
  built = now;
  closeMenu();
  $("hint").replaceChildren(); // its field may be gone
  const focused = document.activeElement?.dataset?.key;
  const held = box.contains(document.activeElement);
  const { design } = one;
  const phases = phasesOf(design);
  box.replaceChildren(list(phases, () => phasesOf(store.active.design), (i) => phasePath(store.active.design, i), (next) => setPhases(next), "Phases"));
  if (held && focused) box.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  const whole = $("whole");
  whole.replaceChildren(phases.length > 1 ? menu(h("button", { type: "button", class: "plain", key: "whole" }, "Whole …"), () => moreOf([], known("Join")).slice(0, -3)) : "");
}

function pathOf(key, design) {
  const path = [];
  let at = design;
  for (const part of key.split(".")) {
    const step = Array.isArray(at) ? Number(part) : part;
    path.push(step);
    at = at?.[step];
  }
  return path;
}

/** Errors where they belong. */
export function showError(error) {
  for (const old of document.querySelectorAll("#phases [data-error]")) old.textContent = "";
  for (const old of document.querySelectorAll("#phases .server-invalid")) { old.classList.remove("server-invalid"); old.removeAttribute("aria-invalid"); }
  if (!error) return;
  const path = [...error.path, ...(error.field ? [error.field] : [])];
  const spot = document.querySelector(`#phases [data-error="${CSS.escape(keyOf(path))}"]`) ?? document.querySelector(`#phases [data-error="${CSS.escape(keyOf(error.path))}"]`) ?? document.querySelector("#phases [data-error]");
  if (!spot) return;
  spot.textContent = error.message;
  const details = spot.closest("details");
  if (details) details.open = true;
  const input = document.querySelector(`#phases [data-key="${CSS.escape(keyOf(path))}"]`);
  if (input) { input.setAttribute("aria-invalid", "true"); input.classList.add("server-invalid"); }
}

// -- choosing a family

/** A dialog with every family; gives a design that fits the run, which keeps what the old one and the new one share. */
export function pick(title, old, path) {
  return new Promise((resolve) => {
    const begun = built;
    let done = null;
    const search = h("input", { type: "text", role: "searchbox", class: "search", placeholder: "cosine, wsd, one cycle …", "aria-label": "Search families", autocomplete: "off", spellcheck: "false" });
    const results = h("div", { class: "families" });
    const count = h("p", { class: "away", role: "status" });
    const choose = async (family) => {
      busy(results, true); // until the dialog has closed, which it tells a moment later
      try {
        const { design } = await post("example", { name: family.name, steps: roomFor(path, old), lr: store.doc.lr });
        for (const field of family.fields) {
          const kept = old && isDesign(old) ? old[field.name] : undefined;
          const fits = known(old?.schedule)?.fields.some((one) => one.name === field.name && JSON.stringify(one.kinds) === JSON.stringify(field.kinds));
          if (kept !== undefined && fits) design[field.name] = clone(kept);
        }
        done = design;
        box.close();
      } catch (error) { busy(results, false); say(error.message, true); }
    };
    const show = () => {
      const words = search.value.toLowerCase().replace(/[\s_-]+/g, " ").trim().split(" ").filter(Boolean);
      const matches = (one) => {
        const text = `${one.name} ${one.aliases.join(" ")} ${one.summary}`.toLowerCase();
        const bare = text.replace(/[\s_-]+/g, "");
        return words.every((word) => text.includes(word)) || bare.includes(words.join(""));
      };
      const rank = (one) => (one.name.toLowerCase().startsWith(words.join("")) ? 0 : 1);
      const found = [...families.values()].filter(matches);
      results.replaceChildren(...groups.map((group) => {
        const some = found.filter((one) => one.group === group).sort((a, b) => rank(a) - rank(b));
        return some.length ? h("section", {}, h("h3", { text: group }), h("div", { class: "tiles" }, some.map((one) => h("button", {
          type: "button", class: "tile", title: `${one.summary}${one.aliases.length ? ` Also: ${one.aliases.join(", ")}` : ""}`, onclick: () => choose(one),
        }, spark(one.spark), h("b", {}, broken(one.name)), h("small", { text: one.summary }))))) : null;
      }).filter(Boolean));
      count.textContent = `${found.length} families`;
      if (!found.length) results.append(h("p", { class: "muted", text: "No family has such a name. Any schedule can also be written as an expression." }));
    };
    search.addEventListener("input", show);
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); results.querySelector(".tile")?.click(); }
      if (event.key === "ArrowDown") { event.preventDefault(); results.querySelector(".tile")?.focus(); }
    });
    results.addEventListener("keydown", (event) => {
      const tiles = [...results.querySelectorAll(".tile")];
      const to = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const at = tiles.indexOf(document.activeElement) + to;
      (at < 0 ? search : tiles[Math.min(at, tiles.length - 1)]).focus();
    });
    show();
    const box = dialog(title, [search, count, results], { wide: true });
    box.addEventListener("close", () => {
      if (done && built !== begun) say("The design has changed meanwhile; choose again", true);
      resolve(built === begun ? done : null);
      busy(results, false);
    });
    search.focus();
  });
}

/** A name that may be broken where a word of it ends. */
const broken = (name) => name.split(/(?<=[a-z])(?=[A-Z])/).flatMap((word, i) => (i ? [h("wbr"), word] : [word]));

/** How long a new phase is: what the run has left, and at least a tenth of it. */
function roomFor(path, old) {
  const { steps } = store.doc;
  if (old && typeof old.steps === "number" && old.steps > 0) return old.steps;
  const length = store.results?.get(store.active.id)?.length;
  if (path.length || length === null || length === undefined) return steps;
  return Math.max(steps - length, Math.round(steps / 10), 1);
}

export const phrase = (length) => (length === null || length === undefined ? "endless" : `${short(length, 6)} steps`);
