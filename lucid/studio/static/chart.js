// The curves, drawn by uPlot from what the server computed. Nothing here knows a schedule.

import { short } from "./dom.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Chart {
  constructor(box, { hover, zoom }) {
    this.box = box;
    this.hover = hover;
    this.zoom = zoom;
    this.plot = null;
    this.shape = "";
    this.drawn = 0;
    new ResizeObserver(() => this.resize()).observe(box);
    box.addEventListener("keydown", (event) => this.key(event));
  }

  get columns() { return Math.max(200, Math.min(2000, Math.round((this.box.clientWidth - 70) * Math.min(devicePixelRatio, 2)))); }

  size() { return { width: Math.max(this.box.clientWidth, 100), height: Math.max(this.box.clientHeight, 120) }; }

  resize() {
    if (this.plot) this.plot.setSize(this.size());
  }

  /** Draw. `lines` have times, values, colour, width, dash; `marks` are boundaries of the active one. */
  show({ lines, unit, log, range, marks, labels, axis }) {
    const tables = [];
    for (const line of lines) {
      const shared = tables.find((table) => table.times === line.times);
      if (shared) shared.lines.push(line);
      else tables.push({ times: line.times, lines: [line] });
    }
    const ordered = tables.flatMap((table) => table.lines);
    this.raw = ordered;
    const floor = log ? this.floor(ordered) : 0;
    const drawn = (values) => (log ? values.map((v) => (v === null ? null : Math.max(v, floor))) : values);
    const data = tables.map((table) => [table.times.map((t) => t / unit), ...table.lines.map((line) => drawn(line.values))]);
    const joined = data.length === 0 ? [[0, 1]] : data.length === 1 ? data[0] : window.uPlot.join(data);
    this.unit = unit;
    this.marks = marks;
    this.labels = labels;
    this.range = range.map((t) => t / unit);
    this.floorValue = floor;
    const shape = JSON.stringify([log, axis, ordered.map((line) => [line.colour, line.width, line.dash, line.recorded]), document.documentElement.dataset.theme, matchMedia("(prefers-color-scheme: dark)").matches]);
    if (!this.plot || shape !== this.shape) {
      this.shape = shape;
      this.plot?.destroy();
      this.plot = new window.uPlot(this.options(ordered, log, axis), joined, this.box);
    } else {
      this.plot.setData(joined, true);
    }
    this.drawn += 1;
    this.box.dataset.drawn = this.drawn;
  }

  /** Where a logarithmic axis begins: a cosine comes down to rounding errors, which would take all the room. */
  floor(lines) {
    let low = Infinity;
    let high = 0;
    for (const line of lines) for (const v of line.values) if (v > 0) { low = Math.min(low, v); high = Math.max(high, v); }
    return high > 0 ? Math.max(low / 1.5, high * 1e-6) : 1e-6;
  }

  options(lines, log, axis) {
    const ink = css("--muted");
    const grid = { stroke: css("--grid"), width: 1 };
    const font = `12px ${css("--sans")}`;
    const colour = (index) => css(typeof index === "number" ? `--c${index}` : `--${index}`);
    return {
      ...this.size(),
      padding: [18, 28, 0, 4],
      pxAlign: 0,
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false, setScale: false, dist: 6 },
        points: { size: 7, width: 2 },
        dataIdx: (u, series, at) => nearest(u.data[series], at),
        focus: { prox: -1 },
      },
      select: { show: true },
      scales: {
        x: { time: false, range: () => this.range },
        y: log
          ? { distr: 3, range: (u, low, high) => (low > 0 && high > 0 ? [low * 0.9, high * 1.3] : [1e-6, 1]) }
          : { range: (u, low, high) => (low === null || high === null ? [0, 1] : [Math.min(0, low * 1.06), high > 0 ? high * 1.06 : low < 0 ? 0 : 1]) },
      },
      axes: [
        { stroke: ink, grid: { show: false }, ticks: { stroke: css("--line"), size: 5, width: 1 }, font, size: 34, gap: 4, space: 70,
          values: (u, splits) => splits.map((v) => (v === null ? null : tick(v))), label: axis, labelSize: 18, labelFont: font, labelGap: 0 },
        { stroke: ink, grid, ticks: { show: false }, font, size: 62, gap: 6, space: 38,
          values: (u, splits) => splits.map((v) => (v === null ? null : short(v, 3))) },
      ],
      series: [{}, ...lines.map((line) => ({
        stroke: colour(line.colour), width: line.width, dash: line.dash, alpha: line.alpha ?? 1, spanGaps: !!line.recorded,
        points: { show: (u, s, first, last) => !line.recorded && line.dots && last - first < 130, size: 5, fill: colour(line.colour), stroke: colour(line.colour), filter: line.dots ? (u, s, show) => whole(u, s, show, this.unit) : undefined },
      }))],
      hooks: {
        drawClear: [(u) => this.boundaries(u)],
        setCursor: [(u) => this.moved(u)],
        setSelect: [(u) => {
          if (u.select.width < 6) return;
          const [a, b] = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
          u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          this.zoom(a * this.unit, b * this.unit);
        }],
        ready: [(u) => u.over.addEventListener("dblclick", () => this.zoom(null, null))],
      },
    };
  }

  boundaries(u) {
    const { ctx } = u;
    const { left, top, width, height } = u.bbox;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = css("--mark");
    ctx.lineWidth = ratio;
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    for (const mark of this.marks ?? []) {
      const x = Math.round(u.valToPos(mark / this.unit, "x", true)) + 0.5;
      if (x <= left || x >= left + width) continue;
      ctx.beginPath();
      ctx.moveTo(x, top);
      ctx.lineTo(x, top + height);
      ctx.stroke();
    }
    ctx.setLineDash([]);
    ctx.fillStyle = css("--muted");
    ctx.font = `${11 * ratio}px ${css("--sans")}`;
    ctx.textBaseline = "bottom";
    for (const { from, to, text } of this.labels ?? []) {
      const a = Math.max(u.valToPos(from / this.unit, "x", true), left);
      const b = Math.min(u.valToPos(to / this.unit, "x", true), left + width);
      const wide = ctx.measureText(text).width;
      if (b - a < wide + 8 * ratio) continue;
      ctx.fillText(text, (a + b - wide) / 2, top - 4 * ratio);
    }
    ctx.restore();
  }

  moved(u) {
    const { idx } = u.cursor;
    if (idx === null || idx === undefined || u.cursor.left < 0) { this.hover(null); return; }
    const time = u.data[0][idx] * this.unit;
    this.time = time;
    const values = this.raw.map((line, i) => {
      const at = nearest(u.data[i + 1], idx);
      if (at === null || at === undefined) return null;
      return line.values[search(line.times, u.data[0][at] * this.unit)] ?? null;
    });
    this.hover(time, values, this.raw);
  }

  key(event) {
    const u = this.plot;
    if (!u || event.ctrlKey || event.metaKey || event.altKey) return;
    const count = u.data[0].length;
    const at = u.cursor.idx ?? Math.floor(count / 2);
    const far = event.shiftKey ? Math.max(1, Math.round(count / 20)) : 1;
    const to = { ArrowLeft: at - far, ArrowRight: at + far, Home: 0, End: count - 1 }[event.key];
    if (to !== undefined) {
      const left = u.valToPos(u.data[0][Math.max(0, Math.min(count - 1, to))], "x");
      u.setCursor({ left, top: u.over.clientHeight / 2 });
    } else if (event.key === "+" || event.key === "=" || event.key === "-") {
      const [a, b] = this.range.map((t) => t * this.unit);
      const middle = this.time ?? (a + b) / 2;
      const k = event.key === "-" ? 2 : 0.5;
      this.zoom(middle - (middle - a) * k, middle + (b - middle) * k);
    } else if (event.key === "Escape") this.zoom(null, null);
    else return;
    event.preventDefault();
  }
}

function tick(v) {
  const size = Math.abs(v);
  if (size >= 1e6) return `${Number((v / 1e6).toPrecision(6))}M`;
  if (size >= 1e5) return `${Number((v / 1e3).toPrecision(6))}k`;
  return short(v, 5);
}

/** The nearest row where a series has a value: rows that came from another series have none. */
function nearest(values, at) {
  if (values[at] !== undefined && values[at] !== null) return at;
  for (let d = 1; d < values.length; d += 1) {
    if (values[at - d] !== undefined && values[at - d] !== null) return at - d;
    if (values[at + d] !== undefined && values[at + d] !== null) return at + d;
  }
  return null;
}

function search(times, t) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < t - 1e-9 * Math.max(1, Math.abs(t))) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Dots at whole steps: what a short run really takes. */
function whole(u, series, show, unit) {
  if (!show) return [];
  const found = [];
  u.data[0].forEach((x, i) => { const t = x * unit; if (Math.abs(t - Math.round(t)) < 1e-9 && u.data[series][i] != null) found.push(i); });
  return found;
}
