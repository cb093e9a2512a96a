// The page: what is asked for, shown, and undone. Curves, figures and errors are the server's.

import { busy, during, latest, post } from "./api.js";
import { Chart } from "./chart.js";
import { exportDialog, helpDialog, openDialog, openFiles, recipeDialog } from "./dialogs.js";
import { $, copy, h, icon, ICONS, menu, number, say, short, typed } from "./dom.js";
import { known, learn, phasesOf, phrase, pick, render, setPhases, showError } from "./form.js";
import { candidate, COLOURS, decode, encode, freeColour, freeName, store } from "./state.js";

store.results = new Map(); // of each candidate: the last answer, and the last one that was a curve
store.histories = [];
let catalogue;
let chart;

// -- starting

async function begin() {
  try {
    catalogue = await post("catalogue", {});
  } catch (error) {
    notice(error.message);
    return;
  }
  learn(catalogue);
  const { start } = catalogue;
  store.histories = (start.histories ?? []).map((one) => ({ ...one, visible: true }));
  chart = new Chart($("chart"), { hover, zoom });
  store.on((what) => {
    const all = what === "undo" || what === "replace";
    if (what !== "errors") { showControls(all); render(all); showTable(all); ask(); remember(); }
    showErrors();
  });
  await fromAddress(true);
  wire();
  document.documentElement.dataset.ready = "yes";
}

function fresh() {
  const { start } = catalogue;
  const given = start.candidates ?? [];
  const steps = start.steps ?? 10000;
  const candidates = given.slice(0, COLOURS).map((one, i) => candidate(one.name, one.design, i));
  if (!candidates.length) {
    candidates.push(candidate("warm-up, cosine", { schedule: "Join", parts: [{ schedule: "Warmup", steps: Math.max(1, Math.round(steps / 20)), start: 0 }, { schedule: "Cosine", steps: steps - Math.max(1, Math.round(steps / 20)), end: 0 }] }, 0));
  }
  return { steps, lr: start.lr ?? 1e-3, log: false, axis: "steps", perEpoch: 100, candidates, active: candidates[0].id };
}

let addresses = 0;
async function fromAddress(first) {
  const fragment = location.hash.slice(1);
  const turn = addresses += 1;
  if (!fragment) {
    if (first) store.replace(fresh());
    return;
  }
  try {
    const doc = await during(() => decode(fragment));
    if (turn !== addresses) return; // a newer address
    store.replace(doc);
    notice(null);
  } catch (error) {
    if (turn !== addresses) return;
    store.replace(fresh());
    notice(error.message);
  }
}

let own = "";
let remembering = 0;
function remember() {
  clearTimeout(remembering);
  busy("address", true);
  remembering = setTimeout(async () => {
    const now = remembering;
    const written = `#${await encode(store.doc)}`;
    if (now !== remembering) return; // the next one writes
    own = written;
    history.replaceState(null, "", own);
    busy("address", false);
  }, 250);
}

function notice(text) {
  const box = $("notice");
  box.hidden = !text;
  box.replaceChildren();
  if (text) box.append(text, h("button", { type: "button", class: "plain", "aria-label": "Close", onclick: () => notice(null) }, icon(ICONS.remove)));
}

// -- asking the server

const ask = latest("curves", async () => {
  const { doc, view } = store;
  const asked = doc.candidates.map(({ id, design }) => ({ id, design }));
  let found;
  try {
    found = await post("curves", {
      candidates: asked.map((one) => one.design), steps: doc.steps, lr: doc.lr, columns: chart.columns,
      ...(view ? { since: view.from, until: view.to } : {}),
    });
  } catch (error) {
    say(error.message, true);
    return;
  }
  const results = new Map();
  found.candidates.forEach((answer, i) => {
    const { id } = asked[i];
    const before = store.results.get(id);
    if (answer.error) results.set(id, { ...(before ?? {}), error: answer.error });
    else results.set(id, { ...answer, times: found.times, error: null });
  });
  store.results = results;
  draw();
  showTable();
  showErrors();
  showExpression();
});

function draw() {
  const { doc, view } = store;
  const lines = [];
  const active = store.active;
  for (const one of doc.candidates) {
    const result = store.results.get(one.id);
    if (!one.visible || !result?.values) continue;
    lines.push({ id: one.id, times: result.times, values: result.values, colour: one.colour, width: one.id === active.id ? 2.5 : 1.5, dash: result.error ? [3, 5] : undefined, alpha: result.error ? 0.6 : 1, dots: doc.steps <= 120 });
  }
  store.histories.forEach((file, f) => {
    if (!file.visible) return;
    file.curves.forEach((curve, i) => lines.push({ id: `history:${f}:${i}`, times: curve.times, values: curve.values, colour: `h${(f + i) % 4}`, width: 1.25, dash: [6, 3], recorded: true }));
  });
  const result = store.results.get(active.id);
  const epochs = doc.axis === "epochs";
  let end = doc.steps;
  if (!view) for (const line of lines) if (line.recorded) end = Math.max(end, line.times[line.times.length - 1]);
  chart.show({
    lines, unit: epochs ? doc.perEpoch : 1, axis: epochs ? "epoch" : "step", log: doc.log,
    range: view ? [view.from, view.to] : [0, end],
    marks: active.visible && result?.values && !result.error ? result.boundaries : [],
    labels: active.visible && result?.starts && !result.error ? spans(active, result) : [],
  });
  $("unzoom").hidden = !view;
  $("chart").setAttribute("aria-label", `The rate over ${short(doc.steps, 6)} steps: ${doc.candidates.filter((one) => one.visible).map((one) => { const r = store.results.get(one.id); return r?.values ? `${one.name}, peak ${short(r.peak)} at step ${short(r.peak_at, 6)}, end ${short(r.end)}` : one.name; }).join("; ")}`);
}

/** What the phases are called, over the chart. */
function spans(one, result) {
  const phases = phasesOf(one.design);
  if (phases.length < 2 || result.starts.length !== phases.length) return [];
  return phases.map((phase, i) => ({ text: phase.schedule, from: result.starts[i], to: result.starts[i + 1] ?? result.length ?? store.doc.steps }));
}

function zoom(from, to) {
  const { steps } = store.doc;
  if (from === null) store.view = null;
  else {
    const a = Math.max(0, from);
    const b = Math.min(steps, to);
    store.view = b - a > 1e-6 * steps && (a > 0 || b < steps) ? { from: a, to: b } : null;
  }
  ask();
}

// -- under the cursor

function hover(time, values, lines) {
  const output = $("cursor");
  for (const cell of document.querySelectorAll("[data-at]")) cell.textContent = "";
  if (time === null) { output.textContent = ""; return; }
  const { axis, perEpoch } = store.doc;
  output.textContent = axis === "epochs" ? `epoch ${short(time / perEpoch, 5)} · step ${short(time, 7)}` : `step ${short(time, 7)}`;
  lines.forEach((line, i) => {
    const cell = document.querySelector(`[data-at="${line.id}"]`);
    if (cell) cell.textContent = short(values[i], 5);
  });
}

// -- the table of candidates

let tabled = "";
function showTable(all = false) {
  const { doc } = store;
  const focused = document.activeElement?.dataset?.key;
  const table = $("candidates");
  const now = JSON.stringify([doc.candidates.map(({ id, colour, visible }) => [id, colour, visible]), store.histories.map((file) => [file.name, file.visible])]);
  showAdvice();
  if (now === tabled) { fillTable(table, all); return; }
  tabled = now;
  const rows = doc.candidates.map((one, i) => {
    const swatch = h("button", { type: "button", class: `swatch c${one.colour}`, key: `colour:${one.id}`, "data-told": "Colour of", title: "Next colour",
      onclick: () => edit(one.id, (c) => { c.colour = (c.colour + 1) % COLOURS; }) });
    const name = h("input", { class: "name", value: one.name, key: `name:${one.id}`, "aria-label": `Name of candidate ${i + 1}`, maxlength: "80", spellcheck: "false", autocomplete: "off",
      onfocus: () => activate(one.id), oninput: (event) => edit(one.id, (c) => { c.name = event.target.value; }, `name:${one.id}`) });
    const eye = h("button", { type: "button", class: "plain", key: `eye:${one.id}`, "aria-pressed": String(one.visible), "data-told": "Show", title: one.visible ? "Hide" : "Show",
      onclick: () => edit(one.id, (c) => { c.visible = !c.visible; }) }, icon(one.visible ? ICONS.eye : ICONS.closed));
    const row = h("tr", { class: one.visible ? undefined : "hidden", "data-id": one.id },
      h("th", { scope: "row" }, h("div", { class: "who" }, h("input", { type: "radio", name: "active", key: `pick:${one.id}`, "data-told": "Edit", onchange: () => activate(one.id) }), swatch, name)),
      h("td", { class: "at", "data-at": one.id, "data-label": "at cursor" }),
      ...["area", "ratio", "peak", "end"].map((what) => h("td", { "data-figure": what, "data-label": what })),
      h("td", { class: "acts" }, eye,
        h("button", { type: "button", class: "plain", key: `dup:${one.id}`, "data-told": "Duplicate", title: "Duplicate", disabled: doc.candidates.length >= COLOURS, onclick: () => duplicate(one.id) }, icon(ICONS.copy)),
        h("button", { type: "button", class: "plain", key: `del:${one.id}`, "data-told": "Delete", title: "Delete", disabled: doc.candidates.length < 2, onclick: () => remove(one.id) }, icon(ICONS.remove))));
    row.addEventListener("click", (event) => { if (!event.target.closest("button, input")) activate(one.id); });
    return row;
  });
  const recorded = store.histories.flatMap((file, f) => file.curves.map((curve, i) => h("tr", { class: `recorded${file.visible ? "" : " hidden"}` },
    h("th", { scope: "row" }, h("div", { class: "who" }, h("span", { class: `swatch dashed h${(f + i) % 4}` }), h("span", { class: "name", title: `${file.name}: ${curve.label}`, text: file.curves.length > 1 ? `${file.name}: ${curve.label}` : file.name }), h("small", { text: "run" }))),
    h("td", { class: "at", "data-at": `history:${f}:${i}`, "data-label": "at cursor" }), cell("area", curve.area), h("td", { "data-ratio": String(curve.area), "data-label": "ratio" }), cell("peak", curve.peak), cell("end", curve.end),
    h("td", { class: "acts" }, i > 0 ? "" : [
      h("button", { type: "button", class: "plain", key: `heye:${f}`, "aria-pressed": String(file.visible), "aria-label": `Show ${file.name}`, onclick: () => { file.visible = !file.visible; showTable(); draw(); } }, icon(file.visible ? ICONS.eye : ICONS.closed)),
      h("button", { type: "button", class: "plain", key: `hdel:${f}`, "aria-label": `Close ${file.name}`, title: "Close", onclick: () => { store.histories.splice(f, 1); showTable(); draw(); } }, icon(ICONS.remove))]))));
  table.replaceChildren(table.querySelector("caption"),
    h("thead", {}, h("tr", {}, ["Candidate", "At cursor", "Area", "Ratio", "Peak", "End"].map((text, i) => h("th", { scope: "col", text, title: ["", "The value under the cursor", "The sum of the rates of all steps", "Area, as a multiple of the first candidate's", "The highest rate, and its step", "The rate where the run is over"][i] })), h("th", { scope: "col" }, h("span", { class: "away", text: "Actions" })))),
    h("tbody", {}, [...rows, ...recorded]));
  fillTable(table, true);
  if (focused && document.activeElement === document.body) table.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  $("add-candidate").disabled = doc.candidates.length >= COLOURS;
}

const cell = (what, value) => h("td", { "data-label": what, text: short(value) });

/** What the rows show; a name that is being typed stays, but where `all`. */
function fillTable(table, all) {
  const { doc } = store;
  const base = store.results.get(doc.candidates[0].id);
  for (const spot of table.querySelectorAll("[data-ratio]")) spot.textContent = base?.area && !base.error ? `${short(Number(spot.dataset.ratio) / base.area, 3)}×` : "–";
  for (const row of table.querySelectorAll("tr[data-id]")) {
    const result = store.results.get(row.dataset.id);
    const { id, name } = doc.candidates.find((one) => one.id === row.dataset.id);
    const box = row.querySelector("input.name");
    if (box.value !== name && (all || document.activeElement !== box)) box.value = name;
    for (const told of row.querySelectorAll("[data-told]")) told.setAttribute("aria-label", `${told.dataset.told} ${name}`);
    row.querySelector("[type=radio]").checked = id === doc.active;
    row.classList.toggle("active", id === doc.active);
    row.classList.toggle("wrong", !!result?.error);
    row.title = result?.error?.message ?? "";
    for (const spot of row.querySelectorAll("[data-figure]")) {
      const what = spot.dataset.figure;
      let text = "–";
      if (result?.values && !result.error) {
        if (what === "ratio") text = base?.area && result.area !== null && !base.error ? `${short(result.area / base.area, 3)}×` : "–";
        else text = `${what === "area" && !result.exact ? "≈ " : ""}${short(result[what])}`;
        if (what === "peak") spot.title = `at step ${short(result.peak_at, 7)}`;
      }
      if (spot.textContent !== text) spot.textContent = text;
    }
  }
}

function showAdvice() {
  const result = store.results.get(store.active.id);
  const told = result && !result.error ? [...(result.advice ?? []), ...(result.finite === false ? ["some values are beyond every float, and are not drawn"] : [])] : [];
  $("advice").replaceChildren(...told.map((text) => h("li", { text: text[0].toUpperCase() + text.slice(1) })));
}

const edit = (id, change, key = null) => store.change((doc) => change(doc.candidates.find((one) => one.id === id)), key);

function activate(id) {
  if (store.doc.active === id) return;
  store.doc.active = id; // which one is edited is not a change that is undone
  store.lastKey = null;
  store.tell("select");
}

function add(name, design, announce = true) {
  if (store.doc.candidates.length >= COLOURS) { say(`There are ${COLOURS} candidates already; delete one first`, true); return null; }
  const made = candidate(freeName(store.doc, name), design, freeColour(store.doc));
  store.change((doc) => { doc.candidates.push(made); doc.active = made.id; });
  if (announce) say(`${made.name} added`);
  return made;
}

const duplicate = (id) => {
  const one = store.doc.candidates.find((other) => other.id === id);
  return add(`${one.name} copy`, JSON.parse(JSON.stringify(one.design)));
};

function remove(id) {
  const { name } = store.doc.candidates.find((one) => one.id === id);
  store.change((doc) => {
    const at = doc.candidates.findIndex((one) => one.id === id);
    doc.candidates.splice(at, 1);
    if (doc.active === id) doc.active = doc.candidates[Math.max(0, at - 1)].id;
  });
  say(`${name} deleted; Ctrl+Z brings it back`);
}

// -- the editor's other parts

function showControls(all = false) {
  const { doc } = store;
  const fillIn = (id, value) => { if (all || document.activeElement !== $(id)) { $(id).value = value; $(id).removeAttribute("aria-invalid"); } };
  fillIn("steps", typed(doc.steps));
  fillIn("lr", typed(doc.lr));
  fillIn("per-epoch", typed(doc.perEpoch));
  $("axis").value = doc.axis;
  $("log").checked = doc.log;
  $("per-epoch-label").hidden = doc.axis !== "epochs";
  $("undo").disabled = !store.past.length;
  $("redo").disabled = !store.future.length;
}

let dirty = false;
let shownFor = "";
function showExpression() {
  const result = store.results.get(store.active.id);
  const box = $("expression");
  const now = `${store.active.id}`;
  if (now !== shownFor) { dirty = false; shownFor = now; }
  $("total").textContent = result?.values && !result.error ? phrase(result.length) : "";
  if (dirty && (reading || document.activeElement === box)) return;
  if (result?.expression && !result.error) {
    box.value = result.expression;
    wrong("");
    dirty = false;
    fit();
  }
}

function fit() {
  const box = $("expression");
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, 220)}px`;
}

function wrong(text) {
  $("expression-error").textContent = text;
  if (text) $("expression").setAttribute("aria-invalid", "true");
  else $("expression").removeAttribute("aria-invalid");
}

let reading = 0; // what is typed and not yet read
function readExpression(atOnce) {
  clearTimeout(reading);
  const box = $("expression");
  const text = box.value;
  const { id, design } = store.active;
  const before = JSON.stringify(design);
  busy("expression", true);
  const now = setTimeout(async () => {
    try {
      const { design: found } = await post("parse", { text });
      const one = store.doc.candidates.find((other) => other.id === id);
      if (now !== reading || JSON.stringify(one?.design) !== before) return; // what was done last counts
      if (store.active.id === id) wrong("");
      edit(id, (c) => { c.design = found; }, "expression");
    } catch (error) {
      if (now === reading && store.active.id === id) wrong(error.message);
    } finally {
      if (now === reading) {
        reading = 0;
        busy("expression", false);
        if (document.activeElement !== box && !box.hasAttribute("aria-invalid")) { dirty = false; showExpression(); }
      }
    }
  }, atOnce ? 0 : 250);
  reading = now;
}

function showErrors() {
  const result = store.results.get(store.active.id);
  showError(result?.error ?? null);
  const text = result?.error?.message ?? "";
  if (text && text !== showErrors.last) say(text, true);
  else if (!text && showErrors.last) say("");
  showErrors.last = text;
}

const addWarmup = () => during(async () => {
  await ask.answered(); // how long a design is that was just changed
  const one = store.active;
  const phases = phasesOf(one.design);
  if (phases[0].schedule === "Warmup") {
    $("phases").querySelector("input.number")?.focus();
    say("It begins with a warm-up already");
    return;
  }
  const { steps } = store.doc;
  const rise = Math.max(1, Math.round(steps / 20));
  const before = JSON.stringify(one.design);
  const design = JSON.parse(before);
  // A schedule that fills the run makes room, so that the whole still does.
  const [first] = phasesOf(design);
  const field = known(first.schedule)?.fields.find((f) => f.name === "steps" && f.time);
  if (field && store.results.get(one.id)?.length === steps && first.steps > rise) first.steps -= rise;
  try {
    const made = await post("change", { design, action: "warmup", steps: rise });
    if (store.active !== one || JSON.stringify(one.design) !== before) { say("The design has changed meanwhile; add the warm-up again", true); return; }
    store.change(() => { one.design = made.design; });
    say(`A warm-up of ${short(rise)} steps`);
    $("phases").querySelector("input.slider")?.focus();
  } catch (error) { say(error.message, true); }
});

async function addPhase() {
  const made = await pick("Add a phase", null, []);
  if (!made) return;
  setPhases([...phasesOf(store.active.design), made]);
  [...$("phases").querySelectorAll(":scope > ol > li")].at(-1).querySelector(".family").focus();
}

async function share() {
  const url = `${location.origin}/#${await during(() => encode(store.doc))}`;
  history.replaceState(null, "", `#${url.split("#")[1]}`);
  say((await copy(url)) ? "The address is copied. It opens in a studio that runs at this address; or paste it under Open in another." : "Copy the address from the address bar");
}

function theme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("lucid-theme", root.dataset.theme); } catch { /* storage is switched off */ }
  draw();
}

function wire() {
  const typedNumber = (id, field, low, convert = (v) => v) => {
    $(id).addEventListener("input", (event) => {
      const found = number(event.target.value);
      const good = found !== null && found >= low;
      if (good) event.target.removeAttribute("aria-invalid");
      else { event.target.setAttribute("aria-invalid", "true"); return; }
      if (field === "steps") store.view = null;
      store.change((doc) => { doc[field] = convert(found); }, field);
    });
    $(id).addEventListener("blur", () => showControls());
  };
  typedNumber("steps", "steps", 1, Math.round);
  typedNumber("lr", "lr", 0);
  typedNumber("per-epoch", "perEpoch", 1);
  $("axis").addEventListener("change", (event) => store.change((doc) => { doc.axis = event.target.value; }));
  $("log").addEventListener("change", (event) => store.change((doc) => { doc.log = event.target.checked; }));
  $("undo").addEventListener("click", () => store.undo());
  $("redo").addEventListener("click", () => store.redo());
  $("unzoom").addEventListener("click", () => zoom(null, null));
  $("add-warmup").addEventListener("click", addWarmup);
  $("add-phase").addEventListener("click", addPhase);
  $("share").addEventListener("click", share);
  $("theme").addEventListener("click", theme);
  $("help").addEventListener("click", helpDialog);
  $("recipes").addEventListener("click", () => recipeDialog(catalogue, add));
  const opened = { add, history: addHistory, link: openLink };
  $("open").addEventListener("click", () => openDialog(opened));
  $("export").addEventListener("click", () => exportDialog(catalogue));
  menu($("add-candidate"), () => [
    { text: "Copy of this one", run: () => duplicate(store.active.id) },
    { text: "From a family …", run: async () => { const made = await pick("A new candidate", null, ["new"]); if (made) add(made.schedule, made); } },
    { text: "From a recipe …", run: () => recipeDialog(catalogue, add) },
    { text: "From a file or text …", run: () => openDialog(opened) },
  ]);
  const box = $("expression");
  box.addEventListener("input", () => { dirty = true; fit(); readExpression(false); });
  box.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); readExpression(true); } });
  box.addEventListener("blur", () => { if (!reading && !box.hasAttribute("aria-invalid")) dirty = false; });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    if (event.target === box && dirty && box.hasAttribute("aria-invalid")) return; // text that is not yet a schedule: the box's own undo
    event.preventDefault();
    dirty = false;
    if (key === "y" || event.shiftKey) store.redo();
    else store.undo();
  });
  addEventListener("hashchange", () => { if (location.hash !== own) fromAddress(false); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  document.addEventListener("dragover", (event) => { if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    openFiles([...event.dataTransfer.files], opened).catch((error) => say(error.message, true));
  });
  let width = innerWidth;
  addEventListener("resize", () => { if (Math.abs(innerWidth - width) > 40) { width = innerWidth; ask(); } });
}

function addHistory(found) {
  store.histories.push({ ...found, visible: true });
  store.histories = store.histories.slice(-8);
  showTable();
  draw();
  say([`${found.name}: ${found.curves.length} ${found.curves.length === 1 ? "curve" : "curves"}`, ...(found.notes ?? [])].join("; "));
}

async function openLink(fragment) {
  store.replace(await during(() => decode(fragment)));
  say("Opened");
}

begin();
