// The little that the page needs to make elements.

export const $ = (id) => document.getElementById(id);

export function h(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "key") made.dataset.key = value;
    else if (name === "text") made.textContent = value;
    else if (["value", "checked", "disabled", "selected", "hidden", "draggable", "open"].includes(name)) made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function icon(path, extra = "") {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 20 20");
  made.setAttribute("aria-hidden", "true");
  if (extra) made.setAttribute("class", extra);
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  made.append(line);
  return made;
}

export const ICONS = {
  up: "M10 16V4m-5 5 5-5 5 5", down: "M10 4v12m5-5-5 5-5-5", copy: "M7 7V3h10v10h-4M3 7h10v10H3z", remove: "M5 5l10 10M15 5 5 15",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01", grip: "M7 5h.01M7 10h.01M7 15h.01M13 5h.01M13 10h.01M13 15h.01",
  eye: "M2 10s3-5.5 8-5.5S18 10 18 10s-3 5.5-8 5.5S2 10 2 10zm8 2.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  closed: "M2 10s3-5.5 8-5.5S18 10 18 10s-3 5.5-8 5.5S2 10 2 10zM4 17 16 3", fold: "M5 8l5 5 5-5",
};

export function spark(values) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "-2 -3 100 38");
  made.setAttribute("class", "spark");
  made.setAttribute("preserveAspectRatio", "none");
  made.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", values.map((v, i) => `${(i * 96) / (values.length - 1)},${32 - 32 * v}`).join(" "));
  made.append(line);
  return made;
}

/** A number as people write it: five digits, no tail of zeros. */
export function short(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e");
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  return Number(value.toPrecision(Math.max(digits, Math.ceil(Math.log10(size)) + 1))).toLocaleString("en-US", { maximumFractionDigits: 12 });
}

/** A number as it is typed. */
export function typed(value) {
  if (typeof value !== "number") return "";
  const text = String(value);
  return text.replace("e+", "e");
}

/** What was typed as a number, or null. */
export function number(text) {
  const plain = text.trim().replace(/(\d)[_,](?=\d{3}(\D|$))/g, "$1");
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return null;
  const value = Number(plain);
  return Number.isFinite(value) ? value : null;
}

let clear;
export function say(text, error = false) {
  const status = $("status");
  status.textContent = "";
  status.classList.toggle("bad", error);
  clearTimeout(clear);
  requestAnimationFrame(() => { status.textContent = text; });
  clear = setTimeout(() => { status.textContent = ""; }, error ? 9000 : 4000);
}

/** Close the menu that is open: what it was opened for may be gone. */
export let closeMenu = () => {};

/** A button with a list of actions; arrows move, Escape closes. */
export function menu(button, items) {
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  let list = null;
  const close = (focus) => {
    if (!list) return;
    const had = list.contains(document.activeElement);
    list.remove();
    list = null;
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    if (focus && (had || document.activeElement === document.body)) button.focus();
  };
  const outside = (event) => { if (!list.contains(event.target) && !button.contains(event.target)) close(false); };
  const open = () => {
    const entries = typeof items === "function" ? items() : items;
    list = h("div", { class: "menu", role: "menu" }, entries.map((item) => item === null ? h("hr") : h("button", {
      type: "button", role: "menuitem", tabindex: "-1", disabled: item.disabled, text: item.text,
      onclick: () => { close(true); item.run(); },
    })));
    list.addEventListener("keydown", (event) => {
      const buttons = [...list.querySelectorAll("button:not(:disabled)")];
      const at = buttons.indexOf(document.activeElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
      if (to !== undefined) { event.preventDefault(); buttons[(to + buttons.length) % buttons.length].focus(); }
      else if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); close(true); }
      else if (event.key === "Tab") close(false);
    });
    document.body.append(list);
    const place = button.getBoundingClientRect();
    const under = innerHeight - place.bottom - 12;
    const over = place.top - 12;
    const below = list.offsetHeight <= under || under >= over;
    list.style.maxHeight = `${Math.max(120, Math.min(420, below ? under : over))}px`;
    const width = list.offsetWidth;
    const height = list.offsetHeight;
    list.style.left = `${Math.max(8, Math.min(place.right - width, innerWidth - width - 8)) + scrollX}px`;
    list.style.top = `${(below ? place.bottom + 4 : place.top - height - 4) + scrollY}px`;
    button.setAttribute("aria-expanded", "true");
    closeMenu = () => close(true);
    document.addEventListener("pointerdown", outside, true);
    list.querySelector("button:not(:disabled)")?.focus();
  };
  button.addEventListener("click", () => (list ? close(true) : open()));
  return button;
}

/** A modal dialog, gone when it is closed; the browser gives the focus back, before the event that tells of it. */
export function dialog(title, content, { wide = false } = {}) {
  const made = h("dialog", { class: wide ? "wide" : undefined, "aria-labelledby": "dialog-title" },
    h("header", {}, h("h2", { id: "dialog-title", text: title }),
      h("button", { type: "button", class: "plain", "aria-label": "Close", onclick: () => made.close() }, icon(ICONS.remove))),
    h("div", { class: "content" }, content));
  made.addEventListener("close", () => made.remove());
  made.addEventListener("click", (event) => { if (event.target === made) made.close(); });
  document.body.append(made);
  made.showModal();
  return made;
}

export function download(name, data, type) {
  const url = URL.createObjectURL(new Blob([data], { type }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "away", "aria-hidden": "true" });
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
