// What is opened, exported and explained.

import { during, post } from "./api.js";
import { copy, dialog, download, h, say } from "./dom.js";
import { store } from "./state.js";

// -- opening

const isRun = (name) => /\.(csv|jsonl|ndjson)$/i.test(name);

/** Files: runs are shown beside the plan, schedules become candidates. Nothing changes where one is refused. */
export const openFiles = (files, opened) => during(() => readFiles(files, opened));

async function readFiles(files, { add, history }) {
  for (const file of files) {
    if (file.size > (isRun(file.name) ? 15e6 : 1e6)) throw new Error(`${file.name} is too large: the studio takes ${isRun(file.name) ? "15 MB of a run; keep every tenth step of it, or name it with lucid studio --history" : "1 MB of a schedule"}`);
    const text = await file.text();
    if (isRun(file.name)) history(await post("history", { name: file.name, text }));
    else {
      const found = await post("parse", { text }).catch((error) => { throw new Error(`${file.name}: ${error.message}`); });
      add(file.name.replace(/\.[^.]*$/, ""), found.design);
    }
  }
}

export function openDialog(opened) {
  const error = h("p", { class: "error", role: "alert" });
  const text = h("textarea", { rows: "9", spellcheck: "false", id: "open-text", "aria-describedby": "open-error", placeholder: '{"schedule": "Cosine", "steps": 9500}\n\nor an expression, or an address that the studio shared' });
  error.id = "open-error";
  const files = h("input", { type: "file", multiple: true, id: "open-files", accept: ".json,.txt,.csv,.jsonl,.ndjson" });
  let trying = false;
  const attempt = async (run) => {
    if (trying) return; // a double click opens once
    trying = true;
    error.textContent = "";
    try {
      await run();
      made.close();
    } catch (problem) {
      error.textContent = problem.message;
    } finally { trying = false; }
  };
  const paste = () => attempt(async () => {
    const given = text.value.trim();
    if (!given) throw new Error("There is nothing to open: paste JSON, an expression or an address");
    const link = /#(\d+\.[\w-]+)\s*$/.exec(given);
    if (link) return opened.link(link[1]);
    const found = await post("parse", { text: given });
    if (!made.open) return; // given up meanwhile
    if (!opened.add(found.name, found.design)) throw new Error("There are as many candidates as there can be; delete one first");
  });
  text.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); paste(); } });
  files.addEventListener("change", () => {
    const chosen = [...files.files];
    files.value = ""; // a file that was mended can be chosen again
    attempt(() => openFiles(chosen, opened));
  });
  const made = dialog("Open", [
    h("label", { for: "open-text", class: "title", text: "Paste a schedule" }), text, error,
    h("div", { class: "actions" }, h("button", { type: "button", class: "main", onclick: paste, text: "Open as a candidate" })),
    h("label", { for: "open-files", class: "title", text: "Or choose files" }), files,
    h("p", { class: "muted", text: "Schedules as .json or .txt. Histories of real runs as .csv or .jsonl: lucid.History writes them, and Lightning's CSVLogger; their rates are drawn beside the plan." }),
  ]);
  text.focus();
}

export function recipeDialog(catalogue, add) {
  const made = dialog("Recipes", [
    h("p", { class: "muted", text: `How published runs were trained, for ${store.doc.steps.toLocaleString("en-US")} steps. A recipe becomes a candidate, which you can change.` }),
    h("div", { class: "recipes" }, catalogue.recipes.map((one) => h("button", { type: "button", class: "tile", title: one.summary, onclick: async () => {
      try {
        const { design } = await post("recipe", { name: one.name, steps: store.doc.steps });
        if (!made.open) return; // given up meanwhile, or the second click of two
        made.close();
        add(one.name, design);
      } catch (error) { say(error.message, true); }
    } }, h("b", { text: one.name }), h("small", { text: one.summary })))),
  ], { wide: true });
}

// -- exporting

const TOLD = { json: "JSON", csv: "CSV", npy: "NumPy", pytorch: "PyTorch", optax: "optax", keras: "Keras", transformers: "transformers", expression: "Expression", svg: "SVG", png: "PNG" };
const ENDS = { json: "json", csv: "csv", npy: "npy", expression: "txt", svg: "svg", png: "png" };

export function exportDialog(catalogue) {
  const { doc, active } = store;
  const stem = active.name.replace(/[^\w.-]+/g, "-").replace(/^-+|-+$/g, "") || "schedule";
  const code = h("pre", { tabindex: "0", "aria-label": "What is exported" });
  const picture = h("img", { alt: `The curves of ${doc.candidates.filter((one) => one.visible).map((one) => one.name).join(", ")}`, hidden: true });
  const error = h("p", { class: "error", role: "alert" });
  const copyButton = h("button", { type: "button", text: "Copy", onclick: async () => { copyButton.textContent = (await copy(whole)) ? "Copied" : "Select it, and copy"; } });
  const saveButton = h("button", { type: "button", class: "main", text: "Download", onclick: () => data && download(`${stem}.${ENDS[chosen] ?? "py"}`, data, "application/octet-stream") });
  const told = h("p", { class: "muted" });
  let chosen = "";
  let data = null;
  let whole = ""; // of which a long one shows the beginning
  const formats = [...catalogue.formats, "svg", "png"];
  const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Format" }, formats.map((format) => h("button", {
    type: "button", role: "tab", text: TOLD[format] ?? format, "data-format": format, "aria-selected": "false", tabindex: "-1", onclick: () => choose(format),
  })));
  tabs.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const to = formats[(formats.indexOf(chosen) + by + formats.length) % formats.length];
    choose(to);
    tabs.querySelector(`[data-format="${to}"]`).focus();
  });
  let url = "";
  let turns = 0; // what was chosen last is shown, whatever is answered last
  const choose = (format) => during(() => show(format));
  async function show(format) {
    const turn = turns += 1;
    chosen = format;
    data = null;
    for (const tab of tabs.children) {
      const on = tab.dataset.format === format;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
    }
    error.textContent = "";
    copyButton.textContent = "Copy";
    const isPicture = format === "svg" || format === "png";
    const isTable = format === "csv" || format === "npy";
    told.textContent = isPicture ? "All candidates that are shown, drawn by lucid.plot." : `${active.name}${isTable ? `, the rate of each of ${doc.steps.toLocaleString("en-US")} steps` : ""}.`;
    saveButton.disabled = true;
    try {
      if (isPicture) {
        const shown = doc.candidates.filter((one) => one.visible);
        if (!shown.length) throw new Error("No candidate is shown, so there is nothing to draw");
        const blob = await post("picture", { candidates: shown.map((one) => one.design), names: shown.map((one) => one.name || "schedule"), steps: doc.steps, lr: doc.lr, format, log: doc.log }, { raw: true });
        if (turn !== turns || !made.open) return;
        data = blob;
        URL.revokeObjectURL(url);
        url = URL.createObjectURL(blob);
        picture.src = url;
      } else {
        const blob = await post("export", { design: active.design, format, steps: doc.steps, lr: doc.lr }, { raw: true });
        const text = format === "npy" ? `${blob.size.toLocaleString("en-US")} bytes: numpy.load("${stem}.npy")` : await blob.text();
        if (turn !== turns) return;
        data = blob;
        whole = text;
        code.textContent = text.length > 20000 ? `${text.slice(0, 20000)}\n…` : text;
      }
      saveButton.disabled = false;
    } catch (problem) {
      if (turn !== turns) return;
      error.textContent = problem.message;
      code.textContent = "";
    }
    picture.hidden = !isPicture || !data;
    code.hidden = isPicture || !data;
    copyButton.hidden = isPicture || format === "npy" || !data;
  }
  const made = dialog("Export", [tabs, told, error, code, picture, h("div", { class: "actions" }, copyButton, saveButton)], { wide: true });
  made.addEventListener("close", () => URL.revokeObjectURL(url));
  choose("json");
  tabs.firstChild.focus();
}

// -- help

export function helpDialog() {
  const keys = [
    ["Ctrl+Z, Ctrl+Shift+Z", "undo, redo"], ["Tab", "through everything on the page"],
    ["← →", "on a slider: change it; with Shift ten times as far"], ["↑ ↓", "in a number: change it"],
    ["Alt+↑ Alt+↓", "in a phase: move it"], ["← → Home End", "on the chart: move the cursor"],
    ["+ −", "on the chart: zoom; Escape shows the whole run"], ["Enter", "in the expression: read it"], ["Escape", "closes what is open"],
  ];
  dialog("Keyboard and help", [
    h("dl", { class: "keys" }, keys.flatMap(([key, what]) => [h("dt", {}, h("kbd", { text: key })), h("dd", { text: what })])),
    h("p", { text: "Drag over the chart to look at a part of the run; a double click shows the whole again. Drop files on the page to open them." }),
    h("p", { class: "muted", text: "Area is the sum of the rates of all steps, end the rate where the run is over. Everything is computed by Lucid on this machine, which alone the page talks to." }),
  ]);
}
