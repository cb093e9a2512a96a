// Draws the points that the page holds. It knows no schedule and no formula.
"use strict";
(() => {
  const chart = JSON.parse(document.getElementById("data").textContent);
  const charts = document.getElementById("charts");
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = i => css("--c" + (i % 8));
  const dashes = i => [[], [8, 4], [2, 4], [10, 4, 2, 4]][Math.floor(i / 8) % 4];
  const short = v => Number(v.toPrecision(6));
  const told = v => v == null ? "–" : Number.isInteger(v) && Math.abs(v) < 1e15 ? v.toLocaleString("en") : Math.abs(v) < 1e-3 ? short(v).toExponential() : String(short(v));
  const number = v => v === "NaN" ? null : v;  // a gap in the line
  const hidden = new Set();
  let log = chart.log, range = [0, chart.end], plots = [];

  // The nearest point that this curve has of its own: the others' times are not its.
  function nearest(u, series, at) {
    const x = u.data[0], y = u.data[series];
    if (!series || y[at] !== undefined) return at;
    let left = at, right = at;
    while (left >= 0 && y[left] === undefined) left--;
    while (right < y.length && y[right] === undefined) right++;
    if (left < 0 || right >= y.length) return left < 0 ? (right >= y.length ? null : right) : left;
    return x[at] - x[left] <= x[right] - x[at] ? left : right;
  }

  // What the line shows there: between the points of a plan, which lie close, it is straight.
  function under(track, series, curve, at, hovered) {
    const x = track.raw[0], y = track.raw[series];
    if (curve.recorded || hovered == null || y[hovered] !== undefined) return y[at];
    let left = hovered, right = hovered;
    while (left >= 0 && y[left] === undefined) left--;
    while (right < y.length && y[right] === undefined) right++;
    if (left < 0 || right >= y.length) return y[at];
    return y[left] + (y[right] - y[left]) * (x[hovered] - x[left]) / (x[right] - x[left]);
  }

  function marks(u, curves) {
    const { ctx, bbox } = u, top = bbox.top, bottom = top + bbox.height, ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, top, bbox.width, bbox.height);
    ctx.clip();
    const warm = [...new Set(curves.map(c => c.warmup).filter(t => t > 0))];
    ctx.fillStyle = css("--shade");
    for (const t of warm) {
      const left = u.valToPos(0, "x", true);
      ctx.fillRect(left, top, u.valToPos(t, "x", true) - left, bbox.height);
    }
    ctx.strokeStyle = ctx.fillStyle = css("--faint");
    ctx.font = 11 * ratio + "px system-ui, sans-serif";
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    ctx.lineWidth = ratio;
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    ctx.beginPath();
    for (const t of new Set(curves.flatMap(c => c.joints))) {
      const x = Math.round(u.valToPos(t, "x", true));
      ctx.moveTo(x, top);
      ctx.lineTo(x, bottom);
    }
    ctx.stroke();
    if (warm.length) {
      const left = Math.max(u.valToPos(0, "x", true), bbox.left) + 4 * ratio;
      if (u.valToPos(Math.max(...warm), "x", true) > left) {
        ctx.fillStyle = css("--paper");
        ctx.fillRect(left, top + 2 * ratio, ctx.measureText("warm-up").width + 4 * ratio, 15 * ratio);
        ctx.fillStyle = css("--faint");
        ctx.fillText("warm-up", left + 2 * ratio, top + 4 * ratio);
      }
    }
    ctx.restore();
  }

  function options(track, width, data) {
    const logarithmic = log && track.key === "lr", grid = { stroke: () => css("--line"), width: 1 };
    const axis = { stroke: () => css("--faint"), grid, ticks: grid, font: "12px system-ui, sans-serif" };
    const decades = (u, ticks) => logarithmic ? ticks.map(t => Number.isInteger(Math.log10(t)) ? t : null) : ticks;
    const plans = track.curves.some(c => !c.recorded);
    return {
      width, height: Math.round(track.key === "lr" ? Math.min(400, Math.max(240, innerHeight * .45)) : 170),
      scales: {
        x: { time: false, range: () => range },
        y: logarithmic ? { distr: 3, range: (u, lo, hi) => [track.floor, hi * 2] }
          : { range: (u, lo, hi) => lo == null ? [0, 1] : uPlot.rangeNum(track.key === "lr" && lo >= 0 ? 0 : lo, hi > lo ? hi : hi + (Math.abs(hi) || 1) * .1, .12, true) },
      },
      axes: [
        { ...axis, size: 34, values: (u, ticks) => ticks.map(told) },
        { ...axis, size: 66, grid: { ...grid, filter: decades }, ticks: { ...grid, filter: decades }, values: (u, ticks) => ticks.map(t => t == null ? "" : told(t)) },
      ],
      series: [{ label: chart.unit, value: (u, v) => told(v) }, ...track.curves.map((c, i) => ({
        label: c.label, show: !hidden.has(track.key + i), stroke: () => colour(c.colour) + (c.recorded && plans ? "80" : ""),
        width: c.recorded && plans ? 5 : 2, dash: dashes(c.colour), pxAlign: 0, points: { show: c.times.length < 2 },
        value: (u, v, s, at) => at == null ? "–" : told(under(track, s, c, at, u.cursor.idx)),
      }))],
      legend: { markers: { width: 3 } },
      cursor: {
        sync: { key: "lucid", setSeries: false }, dataIdx: nearest, drag: { x: true, y: false, setScale: false }, points: { size: 7 },
        bind: { dblclick: () => () => { zoom(0, chart.end); return null; } },
      },
      hooks: {
        drawClear: [u => marks(u, track.curves)],
        setSelect: [u => {
          if (u.select.width < 4) return;
          zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        }],
        setSeries: [(u, i, opts) => {
          if (opts.show == null || !i) return;
          opts.show ? hidden.delete(track.key + (i - 1)) : hidden.add(track.key + (i - 1));
          names(u, track);
        }],
      },
    };
  }

  // The legend's entries are buttons for the keyboard and for screen readers too.
  function names(u, track) {
    u.root.querySelectorAll(".u-legend .u-series").forEach((row, i) => {
      if (!i) return;
      const head = row.querySelector("th");
      head.tabIndex = 0;
      head.setAttribute("role", "button");
      head.setAttribute("aria-pressed", String(u.series[i].show));
      head.onkeydown = e => {
        if (e.key !== "Enter" && e.key !== " ") return;
        e.preventDefault();
        e.stopPropagation();
        u.setSeries(i, { show: !u.series[i].show });
      };
    });
  }

  function build() {
    plots.forEach(u => u.destroy());
    plots = chart.tracks.map(track => {
      const joined = uPlot.join(track.curves.map(c => [c.times, c.values.map(number)]), track.curves.map(() => [2, 2]));
      track.raw = joined;
      const low = track.floor * 1e-3;  // below the axis
      const data = log && track.key === "lr" ? joined.map((ys, i) => i ? ys.map(y => y == null || y > low ? y : low) : ys) : joined;
      const u = new uPlot(options(track, track.box.clientWidth, data), data, track.box);
      names(u, track);
      return u;
    });
  }

  function zoom(from, to) {
    const least = chart.end * 1e-6, span = Math.min(Math.max(to - from, least), chart.end);
    from = Math.min(Math.max(from, 0), chart.end - span);
    range = [from, from + span];
    plots.forEach(u => u.setScale("x", { min: range[0], max: range[1] }));
  }
  const by = (factor, at = (range[0] + range[1]) / 2) => zoom(at - (at - range[0]) * factor, at + (range[1] - at) * factor);
  const pan = share => { const d = (range[1] - range[0]) * share; zoom(range[0] + d, range[1] + d); };
  function logarithmic(on) {
    log = on;
    const button = document.getElementById("log");
    if (button) button.setAttribute("aria-pressed", String(log));
    build();
  }

  // The cursor from point to point of the first curve that is shown.
  function walk(step) {
    const u = plots[0], x = u.data[0];
    let at = u.cursor.left >= 0 ? u.posToIdx(u.cursor.left) : step > 0 ? -1 : x.length;
    const pixel = (range[1] - range[0]) / u.over.clientWidth, from = at < 0 || at >= x.length ? null : x[at];
    do at += step; while (at > 0 && at < x.length - 1 && from !== null && Math.abs(x[at] - from) < pixel);
    at = Math.min(Math.max(at, 0), x.length - 1);
    if (x[at] < range[0] || x[at] > range[1]) pan(Math.sign(step) / 2);
    u.setCursor({ left: u.valToPos(x[at], "x"), top: u.over.clientHeight / 2 });
  }

  const actions = { in: () => by(.5), out: () => by(2), left: () => pan(-.25), right: () => pan(.25), all: () => zoom(0, chart.end), log: () => logarithmic(!log) };
  document.querySelectorAll(".tools button").forEach(button => { button.onclick = actions[button.id]; });
  charts.tabIndex = 0;
  addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const keys = { "+": "in", "=": "in", "-": "out", "0": "all", "Escape": "all", "l": chart.positive ? "log" : "" };
    if (e.key === "ArrowLeft" || e.key === "ArrowRight") {
      const way = e.key === "ArrowLeft" ? -1 : 1;
      e.shiftKey ? pan(way / 4) : walk(way);
    } else if (keys[e.key]) actions[keys[e.key]]();
    else return;
    e.preventDefault();
  });

  chart.tracks.forEach((track, i) => {
    const head = charts.appendChild(document.createElement("h2"));
    head.textContent = track.name;
    track.box = charts.appendChild(document.createElement("div"));
    track.box.className = "chart";
    track.box.setAttribute("role", "img");
    track.box.setAttribute("aria-label", track.name + " over " + chart.unit + "s: " + track.curves.map(c => c.label).join("; "));
    // A finger moves the cursor; two zoom.
    let apart = 0;
    track.box.addEventListener("touchmove", e => {
      const u = plots[i], box = u.over.getBoundingClientRect(), [a, b] = e.touches;
      if (b) {
        const now = Math.abs(a.clientX - b.clientX);
        if (apart > 20 && now > 20) by(apart / now, u.posToVal((a.clientX + b.clientX) / 2 - box.left, "x"));
        apart = now;
        e.preventDefault();
      } else u.setCursor({ left: a.clientX - box.left, top: a.clientY - box.top });
    }, { passive: false });
    track.box.addEventListener("touchend", () => { apart = 0; });
  });
  build();
  let width = charts.clientWidth;
  new ResizeObserver(() => {
    if (charts.clientWidth === width) return;
    width = charts.clientWidth;
    plots.forEach(u => u.setSize({ width, height: u.height }));
  }).observe(charts);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
  document.documentElement.dataset.ready = "true";
})();
