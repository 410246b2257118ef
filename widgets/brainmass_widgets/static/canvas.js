/* One small plot for every brainmass widget: lines, a phase portrait or a heat map.
 *
 * The kernel sends a `frame` whose arrays are binary buffers; everything that follows the pointer
 * (pan, zoom, hover, legend) happens here, without the kernel. The kernel hears of a click, of a
 * drag, and of the range of x in view, so that it can send finer data for that range.
 */

const COLOURS = {
  light: ["#0072b2", "#d1480d", "#00805c", "#a8448c", "#8a6d00", "#3d8fc4", "#6a51c7", "#5c5c5c"],
  dark: ["#5ab4f0", "#ff9352", "#3fd6a2", "#f09ac9", "#f0d848", "#9cd3ff", "#b9a2ff", "#c4c4c4"],
};
const VIRIDIS = [
  [68, 1, 84], [72, 36, 117], [65, 68, 135], [53, 95, 141], [42, 120, 142], [33, 145, 140],
  [34, 168, 132], [68, 191, 112], [122, 209, 81], [189, 223, 38], [253, 231, 37],
];
const LUT = (() => {
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (VIRIDIS.length - 1);
    const low = Math.min(Math.floor(at), VIRIDIS.length - 2);
    const [r, g, b] = VIRIDIS[low].map((c, k) =>
      Math.round(c + (VIRIDIS[low + 1][k] - c) * (at - low))
    );
    table[i] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return table;
})();
const DRAG_PIXELS = 4;

function floats(view) {
  if (!view) return new Float32Array(0);
  const n = view.byteLength >> 2;
  if (view.byteOffset % 4 === 0) return new Float32Array(view.buffer, view.byteOffset, n);
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + 4 * n));
}

function niceStep(span, count) {
  const raw = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const unit = raw / power;
  return power * (unit <= 1 ? 1 : unit <= 2 ? 2 : unit <= 5 ? 5 : 10);
}

function ticks(lo, hi, count) {
  if (!(hi > lo)) return [];
  const step = niceStep(hi - lo, count);
  const out = [];
  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + step * 1e-9; k++) {
    out.push(Math.abs(k * step) < step * 1e-6 ? 0 : k * step);
  }
  return out;
}

/** Write a number with the digits that tell it apart from a neighbour `step` away. */
function number(value, step) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  let text;
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) text = value.toExponential(2);
  else text = value.toFixed(Math.min(8, Math.max(0, -Math.floor(Math.log10(step || 1) + 1e-9))));
  return text.replace("-", "−");
}

function labelled(axis) {
  if (!axis) return "";
  return axis.unit ? `${axis.label} [${axis.unit}]` : axis.label || "";
}

function element(tag, className, parent) {
  const node = document.createElement(tag);
  node.className = className;
  parent?.appendChild(node);
  return node;
}

/** Limits that follow the data outwards at once, and inwards only when much room is wasted. */
class Range {
  constructor() {
    this.lo = NaN;
    this.hi = NaN;
  }
  follow(lo, hi, pad) {
    if (!Number.isFinite(lo) || !Number.isFinite(hi)) [lo, hi] = [-1, 1];
    const size = Math.max(Math.abs(lo), Math.abs(hi));
    if (hi - lo <= 1e-6 * size || hi === lo) {
      const half = size > 0 ? 0.1 * size : 1;
      [lo, hi] = [(lo + hi) / 2 - half, (lo + hi) / 2 + half];
    }
    const margin = pad * (hi - lo);
    const fits = lo >= this.lo && hi <= this.hi && hi - lo > 0.55 * (this.hi - this.lo);
    if (!fits || pad === 0) [this.lo, this.hi] = [lo - margin, hi + margin];
  }
}

class Plot {
  constructor(model, el) {
    this.model = model;
    this.hidden = new Set();
    this.auto = new Map();
    this.view = { x: null, y: new Map() };
    this.rects = [];
    this.cleanup = [];
    this.build(el);
    this.listen();
    this.setHeight();
    this.setLabel();
    this.setSummary();
    this.setNotice();
    this.setFrame();
  }

  build(el) {
    this.root = element("div", "brainmass-canvas", el);
    this.legend = element("div", "brainmass-legend", this.root);
    this.stage = element("div", "brainmass-stage", this.root);
    this.base = element("canvas", "brainmass-base", this.stage);
    this.base.setAttribute("role", "img");
    this.base.tabIndex = 0;
    this.over = element("canvas", "brainmass-over", this.stage);
    this.over.setAttribute("aria-hidden", "true");
    this.tip = element("div", "brainmass-tip", this.stage);
    this.tip.hidden = true;
    this.resetButton = element("button", "brainmass-reset", this.stage);
    this.resetButton.type = "button";
    this.resetButton.textContent = "Reset view";
    this.resetButton.hidden = true;
    this.notice = element("div", "brainmass-notice", this.stage);
    this.notice.setAttribute("role", "alert");
    this.notice.hidden = true;
    this.live = element("div", "brainmass-live", this.root);
    this.live.setAttribute("aria-live", "polite");
    this.context = this.base.getContext("2d");
    this.overlay = this.over.getContext("2d");
    this.image = document.createElement("canvas");
  }

  listen() {
    const on = (target, name, handler, options) => {
      target.addEventListener(name, handler, options);
      this.cleanup.push(() => target.removeEventListener(name, handler, options));
    };
    const follow = (name, handler) => {
      this.model.on(name, handler);
      this.cleanup.push(() => this.model.off(name, handler));
    };
    follow("change:frame", () => this.setFrame());
    follow("change:height", () => this.setHeight());
    follow("change:margins", () => this.redraw());
    follow("change:label", () => this.setLabel());
    follow("change:summary", () => this.setSummary());
    follow("change:notice", () => this.setNotice());
    follow("msg:custom", (message) => this.receive(message));
    on(this.base, "pointerdown", (e) => this.press(e));
    on(this.base, "pointermove", (e) => this.move(e));
    on(this.base, "pointerup", (e) => this.release(e));
    on(this.base, "pointercancel", () => this.cancel());
    on(this.base, "pointerleave", () => this.hover(null));
    on(this.base, "dblclick", () => this.reset());
    on(this.base, "wheel", (e) => this.wheel(e), { passive: false });
    on(this.base, "keydown", (e) => this.key(e));
    on(window, "keydown", (e) => this.shield(e), { capture: true });
    on(this.resetButton, "click", () => {
      this.reset();
      this.base.focus({ preventScroll: true });
    });
    const sizes = new ResizeObserver(() => this.redraw());
    sizes.observe(this.stage);
    this.cleanup.push(() => sizes.disconnect());
    // A theme's style sheet arrives after the attribute that announces it.
    const restyle = () => [0, 250, 1000].forEach((wait) => setTimeout(() => this.redraw(), wait));
    const themes = new MutationObserver(restyle);
    const attributeFilter = [
      "class", "data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind", "data-theme",
    ];
    for (const node of [document.body, document.documentElement]) {
      themes.observe(node, { attributes: true, attributeFilter });
    }
    this.cleanup.push(() => themes.disconnect());
    on(window.matchMedia("(prefers-color-scheme: dark)"), "change", restyle);
  }

  destroy() {
    this.dead = true;
    this.cleanup.forEach((undo) => undo());
    this.root.remove();
  }

  /* ---- from the kernel ------------------------------------------------------------------- */

  setHeight() {
    this.stage.style.height = `${this.model.get("height")}px`;
  }

  setLabel() {
    this.base.setAttribute("aria-label", this.model.get("label"));
    this.setHelp();
  }

  setHelp() {
    this.base.title = "";
    this.base.setAttribute(
      "aria-description",
      "Arrow keys move the view, plus and minus zoom, Home shows everything."
    );
  }

  setSummary() {
    // Said once the slider rests, not at every step of it.
    clearTimeout(this.saying);
    this.saying = setTimeout(() => {
      this.live.textContent = this.model.get("summary");
    }, 500);
  }

  setNotice() {
    const notice = this.model.get("notice") || {};
    this.notice.hidden = !notice.text;
    this.notice.textContent = notice.text || "";
    this.notice.dataset.level = notice.level || "info";
  }

  receive(message) {
    if (message?.type === "copy") {
      navigator.clipboard?.writeText(message.text).then(
        () => this.model.send({ type: "copied" }),
        () => {}
      );
    } else if (message?.type === "reset") this.reset();
  }

  setFrame() {
    const frame = this.model.get("frame") || {};
    this.frame = frame.kind ? this.decode(frame) : null;
    if (this.frame && this.view.x && this.frame.kind !== "phase") {
      const { lo, hi } = this.frame.x;
      if (this.view.x[1] <= lo || this.view.x[0] >= hi) this.view.x = null;
    }
    this.buildLegend();
    this.redraw();
  }

  decode(frame) {
    const panels = (frame.panels || []).map((panel) => ({
      ...panel,
      traces: panel.traces.map((trace) => ({
        ...trace,
        x: trace.x ? floats(trace.x) : null,
        y: floats(trace.y),
      })),
    }));
    let heat = null;
    if (frame.kind === "heat") {
      const view = frame.heat.data;
      heat = {
        ...frame.heat,
        data: new Uint8Array(view.buffer, view.byteOffset, view.byteLength),
      };
      this.paintImage(heat);
    }
    return { ...frame, panels, heat };
  }

  paintImage({ rows, cols, data }) {
    if (!rows || !cols) return;
    this.image.width = cols;
    this.image.height = rows;
    const context = this.image.getContext("2d");
    const pixels = context.createImageData(cols, rows);
    const packed = new Uint32Array(pixels.data.buffer);
    for (let i = 0; i < packed.length; i++) packed[i] = LUT[data[i]];
    context.putImageData(pixels, 0, 0);
  }

  /* ---- legend ---------------------------------------------------------------------------- */

  buildLegend() {
    const traces = this.frame && this.frame.kind !== "heat"
      ? this.frame.panels.flatMap((p) => p.traces).filter((t) => t.name && t.role !== "ghost")
      : [];
    const key = JSON.stringify([traces.map((t) => [t.name, t.color]), this.dark]);
    this.legend.hidden = traces.length < 2;
    if (key === this.legendKey) return;
    this.legendKey = key;
    this.legend.replaceChildren();
    for (const trace of traces) {
      const button = element("button", "brainmass-key", this.legend);
      button.type = "button";
      button.title = `Show or hide ${trace.name}`;
      const swatch = element("span", "brainmass-swatch", button);
      swatch.style.background = this.colour(trace.color);
      button.append(trace.name);
      const shown = () => button.setAttribute("aria-pressed", String(!this.hidden.has(trace.name)));
      shown();
      button.addEventListener("click", () => {
        if (!this.hidden.delete(trace.name)) this.hidden.add(trace.name);
        shown();
        this.redraw();
      });
    }
  }

  /* ---- geometry -------------------------------------------------------------------------- */

  style() {
    const css = getComputedStyle(this.root);
    const pick = (...names) => {
      for (const name of names) {
        const value = css.getPropertyValue(name).trim();
        if (value) return value;
      }
      return "";
    };
    const system = window.matchMedia("(prefers-color-scheme: dark)").matches;
    const paper = pick("--jp-layout-color1", "--vscode-editor-background");
    const sample = this.overlay;
    sample.fillStyle = system ? "#111111" : "#ffffff";
    sample.fillStyle = paper;
    const parts = /^#(..)(..)(..)$/.exec(sample.fillStyle);
    const [r, g, b] = parts ? parts.slice(1).map((h) => parseInt(h, 16)) : [255, 255, 255];
    const dark = 0.299 * r + 0.587 * g + 0.114 * b < 128;
    if (dark !== this.dark) {
      this.dark = dark;
      this.root.dataset.theme = dark ? "dark" : "light";
      this.buildLegend();
    }
    return {
      paper: sample.fillStyle,
      ink: pick("--jp-ui-font-color1", "--vscode-foreground") || (dark ? "#e0e0e0" : "#212121"),
      faint: pick("--jp-ui-font-color2", "--vscode-descriptionForeground") || "#777",
      grid: dark ? "rgba(255,255,255,.10)" : "rgba(0,0,0,.08)",
      frame: dark ? "rgba(255,255,255,.35)" : "rgba(0,0,0,.35)",
      font: pick("--jp-ui-font-family") || "system-ui, sans-serif",
    };
  }

  colour(index) {
    const list = COLOURS[this.dark ? "dark" : "light"];
    return list[(index || 0) % list.length];
  }

  fit() {
    const width = this.stage.clientWidth;
    const height = this.stage.clientHeight;
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.base, this.over]) {
      const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    }
    return { width, height, ratio };
  }

  range(key) {
    if (!this.auto.has(key)) this.auto.set(key, new Range());
    return this.auto.get(key);
  }

  limitsX() {
    const { x, kind } = this.frame;
    const range = this.range(`${kind}:x`);
    range.follow(x.lo, x.hi, kind === "phase" ? 0.06 : 0);
    return this.view.x || [range.lo, range.hi];
  }

  limitsY(k) {
    if (this.frame.kind === "heat") return [this.frame.heat.rows, 0];
    const { y } = this.frame.panels[k];
    const range = this.range(`${this.frame.kind}:${k}:${y.label}:${y.unit}`);
    range.follow(y.lo, y.hi, 0.06);
    return this.view.y.get(k) || [range.lo, range.hi];
  }

  /* ---- drawing --------------------------------------------------------------------------- */

  redraw() {
    if (this.pending || this.dead) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      if (!this.dead) this.draw();
    });
  }

  draw() {
    const { width, height, ratio } = this.fit();
    if (!width || !height) return;
    const look = this.style();
    const c = this.context;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    this.rects = [];
    this.resetButton.hidden = !(this.view.x || this.view.y.size);
    if (!this.frame) return;
    c.font = `11px ${look.font}`;
    const heat = this.frame.kind === "heat";
    const count = heat ? 1 : this.frame.panels.length;
    const limits = [...Array(count).keys()].map((k) => this.limitsY(k));
    const marks = limits.map((l, k) => this.marksY(l, k, (height - 40) / count));
    const widest = Math.max(...marks.flat().map((m) => c.measureText(m.text).width), 8);
    const [padLeft, padRight] = this.model.get("margins");
    const left = Math.max(padLeft, Math.ceil((widest + 30) / 8) * 8);
    const bar = Math.max(padRight, heat ? this.barWidth(c) : 12);
    const [top, bottom, gap] = [8, 36, 14];
    const each = (height - top - bottom - gap * (count - 1)) / count;
    const x = this.limitsX();
    for (let k = 0; k < count; k++) {
      const rect = {
        left, top: top + k * (each + gap), width: Math.max(10, width - left - bar), height: each,
        x, y: limits[k], panel: k,
      };
      this.rects.push(rect);
      this.axes(c, rect, marks[k], look, k === count - 1);
      c.save();
      c.beginPath();
      c.rect(rect.left, rect.top, rect.width, rect.height);
      c.clip();
      if (heat) this.drawHeat(c, rect);
      else this.drawTraces(c, rect, look);
      c.restore();
      c.strokeStyle = look.frame;
      c.lineWidth = 1;
      c.strokeRect(rect.left + 0.5, Math.round(rect.top) + 0.5, rect.width, Math.round(each));
    }
    if (heat) this.drawBar(c, this.rects[0], look);
    this.root.dataset.frame = this.frame.id;
    this.root.dataset.draws = Number(this.root.dataset.draws || 0) + 1;
    this.hover(this.pointer);
  }

  marksY([lo, hi], k, size) {
    if (this.frame.kind === "heat") return this.marksRegions(size);
    const count = Math.max(2, Math.floor(size / 38));
    const step = niceStep(hi - lo, count);
    return ticks(lo, hi, count).map((at) => ({ at, text: number(at, step) }));
  }

  marksRegions(size) {
    const { rows, names } = this.frame.heat;
    const stride = Math.max(1, Math.ceil(niceStep(rows, Math.max(1, size / 16))));
    const out = [];
    for (let i = 0; i < rows; i += stride) {
      const text = names && names[i] !== undefined ? String(names[i]) : String(i);
      out.push({ at: i + 0.5, text: text.length > 12 ? `${text.slice(0, 11)}…` : text });
    }
    return out;
  }

  axes(c, rect, marks, look, last) {
    const { left, top, width, height, x, y } = rect;
    c.textBaseline = "middle";
    c.lineWidth = 1;
    const isHeat = this.frame.kind === "heat";
    for (const { at, text } of marks) {
      const py = Math.round(top + ((y[1] - at) / (y[1] - y[0])) * height) + 0.5;
      if (!isHeat) {
        c.strokeStyle = look.grid;
        c.beginPath();
        c.moveTo(left, py);
        c.lineTo(left + width, py);
        c.stroke();
      }
      c.fillStyle = look.ink;
      c.textAlign = "right";
      c.fillText(text, left - 6, py);
    }
    const least = this.frame.heat?.matrix ? x[1] - x[0] : Infinity; // whole regions only
    const count = Math.min(least, Math.max(3, Math.floor(width / 75)));
    const step = niceStep(x[1] - x[0], count);
    for (const at of ticks(x[0], x[1], count)) {
      const px = Math.round(left + ((at - x[0]) / (x[1] - x[0])) * width) + 0.5;
      if (!isHeat) {
        c.strokeStyle = look.grid;
        c.beginPath();
        c.moveTo(px, top);
        c.lineTo(px, top + height);
        c.stroke();
      }
      if (last) {
        c.fillStyle = look.ink;
        c.textAlign = "center";
        c.fillText(number(at, step), px, top + height + 11);
      }
    }
    c.fillStyle = look.faint;
    if (last) {
      c.textAlign = "center";
      c.fillText(labelled(this.frame.x), left + width / 2, top + height + 27);
    }
    const name = isHeat ? this.frame.y?.label : labelled(this.frame.panels[rect.panel].y);
    if (name) {
      c.save();
      c.translate(10, top + height / 2);
      c.rotate(-Math.PI / 2);
      c.textAlign = "center";
      c.fillText(name, 0, 0, height);
      c.restore();
    }
  }

  visible(rect) {
    const traces = this.frame.panels[rect.panel].traces;
    return traces.filter((t) => !this.hidden.has(t.name));
  }

  drawTraces(c, rect, look) {
    const traces = this.visible(rect);
    const many = traces.filter((t) => t.role !== "ghost").length > 5;
    c.lineJoin = "round";
    for (const role of ["ghost", "main"]) {
      for (const trace of traces.filter((t) => (t.role || "main") === role)) {
        c.globalAlpha = role === "ghost" ? 0.65 : 1;
        c.strokeStyle = this.colour(trace.color);
        c.lineWidth = role === "ghost" ? 1.2 : many ? 1.1 : 1.6;
        c.setLineDash(role === "ghost" ? [4, 3] : []);
        if (trace.x) this.strokeFree(c, rect, trace);
        else this.strokeUniform(c, rect, trace);
      }
    }
    c.setLineDash([]);
    c.globalAlpha = 1;
    if (this.frame.kind === "phase") {
      for (const trace of traces.filter((t) => t.role !== "ghost")) this.ends(c, rect, trace, look);
    }
  }

  strokeUniform(c, rect, { x0, dx, y }) {
    const sx = rect.width / (rect.x[1] - rect.x[0]);
    const sy = rect.height / (rect.y[1] - rect.y[0]);
    const first = Math.max(0, Math.floor((rect.x[0] - x0) / dx) - 1);
    const last = Math.min(y.length, Math.ceil((rect.x[1] - x0) / dx) + 2);
    const bottom = rect.top + rect.height;
    c.beginPath();
    let pen = false;
    for (let i = first; i < last; i++) {
      const v = y[i];
      if (v !== v || v === Infinity || v === -Infinity) {
        pen = false;
        continue;
      }
      const px = rect.left + (x0 + i * dx - rect.x[0]) * sx;
      const py = Math.max(-1e4, Math.min(1e4, bottom - (v - rect.y[0]) * sy));
      if (pen) c.lineTo(px, py);
      else c.moveTo(px, py);
      pen = true;
    }
    c.stroke();
  }

  strokeFree(c, rect, { x, y }) {
    c.beginPath();
    let pen = false;
    for (let i = 0; i < y.length; i++) {
      if (!Number.isFinite(y[i]) || !Number.isFinite(x[i])) {
        pen = false;
        continue;
      }
      const [px, py] = this.place(rect, x[i], y[i]);
      if (pen) c.lineTo(px, py);
      else c.moveTo(px, py);
      pen = true;
    }
    c.stroke();
  }

  place(rect, x, y) {
    const px = rect.left + ((x - rect.x[0]) / (rect.x[1] - rect.x[0])) * rect.width;
    const py = rect.top + ((rect.y[1] - y) / (rect.y[1] - rect.y[0])) * rect.height;
    return [Math.max(-1e4, Math.min(1e4, px)), Math.max(-1e4, Math.min(1e4, py))];
  }

  /** An open ring where the trajectory starts, a dot where it ends. */
  ends(c, rect, { x, y, color }, look) {
    let last = y.length - 1;
    while (last > 0 && !(Number.isFinite(x[last]) && Number.isFinite(y[last]))) last--;
    if (last < 0) return;
    c.lineWidth = 1.6;
    c.strokeStyle = c.fillStyle = this.colour(color);
    const [px, py] = this.place(rect, x[0], y[0]);
    const [qx, qy] = this.place(rect, x[last], y[last]);
    c.beginPath();
    c.arc(qx, qy, 3.5, 0, 7);
    c.fill();
    c.beginPath();
    c.arc(px, py, 4, 0, 7);
    c.fillStyle = look.paper;
    c.fill();
    c.stroke();
  }

  drawHeat(c, rect) {
    const { rows, cols, x0, dx } = this.frame.heat;
    if (!rows || !cols) return;
    const sx = rect.width / (rect.x[1] - rect.x[0]);
    c.imageSmoothingEnabled = false;
    const from = rect.left + (x0 - rect.x[0]) * sx;
    c.drawImage(this.image, from, rect.top, cols * dx * sx, rect.height);
  }

  barMarks() {
    const { lo, hi } = this.frame.heat;
    const step = niceStep(hi - lo, 4);
    return ticks(lo, hi, 4).map((at) => ({ at, text: number(at, step) }));
  }

  barWidth(c) {
    const widest = Math.max(...this.barMarks().map((m) => c.measureText(m.text).width), 8);
    return Math.ceil((widest + 58) / 8) * 8;
  }

  drawBar(c, rect, look) {
    const { lo, hi, label, unit } = this.frame.heat;
    const left = rect.left + rect.width + 12;
    const colours = c.createLinearGradient(0, rect.top + rect.height, 0, rect.top);
    VIRIDIS.forEach((v, i) => colours.addColorStop(i / (VIRIDIS.length - 1), `rgb(${v})`));
    c.fillStyle = colours;
    c.fillRect(left, rect.top, 12, rect.height);
    c.fillStyle = look.ink;
    c.textAlign = "left";
    let right = 0;
    for (const { at, text } of this.barMarks()) {
      const py = rect.top + ((hi - at) / (hi - lo)) * rect.height;
      c.fillText(text, left + 17, Math.max(rect.top + 5, Math.min(rect.top + rect.height - 5, py)));
      right = Math.max(right, c.measureText(text).width);
    }
    c.save();
    c.translate(left + 17 + right + 11, rect.top + rect.height / 2);
    c.rotate(-Math.PI / 2);
    c.textAlign = "center";
    c.fillStyle = look.faint;
    c.fillText(labelled({ label, unit }), 0, 0, rect.height);
    c.restore();
  }

  /* ---- pointer and keys ------------------------------------------------------------------ */

  at(event) {
    const box = this.base.getBoundingClientRect();
    return { px: event.clientX - box.left, py: event.clientY - box.top };
  }

  rectAt({ px, py }) {
    return this.rects.find(
      (r) => px >= r.left && px <= r.left + r.width && py >= r.top && py <= r.top + r.height
    );
  }

  data(rect, { px, py }) {
    return {
      x: rect.x[0] + ((px - rect.left) / rect.width) * (rect.x[1] - rect.x[0]),
      y: rect.y[1] - ((py - rect.top) / rect.height) * (rect.y[1] - rect.y[0]),
    };
  }

  tell(type, rect, point, more = {}) {
    if (!(this.model.get("events") || []).includes(type)) return false;
    this.model.send({ type, panel: rect.panel, ...this.data(rect, point), ...more });
    return true;
  }

  press(event) {
    if (event.button !== 0) return;
    const from = this.at(event);
    const rect = this.rectAt(from);
    if (!rect) return;
    this.base.setPointerCapture(event.pointerId);
    this.gesture = {
      from, rect: { ...rect }, box: event.shiftKey, moved: false,
      reports: (this.model.get("events") || []).includes("drag") && !event.shiftKey,
    };
  }

  move(event) {
    const here = this.at(event);
    const gesture = this.gesture;
    if (!gesture) return this.hover(here);
    const [dx, dy] = [here.px - gesture.from.px, here.py - gesture.from.py];
    if (!gesture.moved && Math.hypot(dx, dy) < DRAG_PIXELS) return;
    const first = !gesture.moved;
    gesture.moved = true;
    if (gesture.reports) this.tell("drag", gesture.rect, here, { phase: first ? "start" : "move" });
    else if (gesture.box) this.drawBox(gesture.from, here);
    else this.pan(gesture.rect, dx, dy);
  }

  release(event) {
    const gesture = this.gesture;
    this.gesture = null;
    if (!gesture) return;
    const here = this.at(event);
    if (!gesture.moved) this.tell("click", gesture.rect, here);
    else if (gesture.reports) this.tell("drag", gesture.rect, here, { phase: "end" });
    else if (gesture.box) this.zoomTo(gesture.rect, gesture.from, here);
  }

  cancel() {
    this.gesture = null;
    this.redraw();
  }

  drawBox(a, b) {
    const c = this.clearOverlay();
    c.strokeStyle = this.colour(0);
    c.setLineDash([4, 3]);
    c.strokeRect(a.px, a.py, b.px - a.px, b.py - a.py);
    c.setLineDash([]);
  }

  pan(rect, dx, dy) {
    const shift = (-dx / rect.width) * (rect.x[1] - rect.x[0]);
    this.setX([rect.x[0] + shift, rect.x[1] + shift]);
    if (this.frame.kind === "phase" || this.view.y.has(rect.panel)) {
      const rise = (dy / rect.height) * (rect.y[1] - rect.y[0]);
      this.view.y.set(rect.panel, [rect.y[0] + rise, rect.y[1] + rise]);
    }
    this.redraw();
  }

  zoomTo(rect, a, b) {
    if (Math.abs(a.px - b.px) < DRAG_PIXELS) return this.hover(b);
    const [p, q] = [this.data(rect, a), this.data(rect, b)];
    this.setX([Math.min(p.x, q.x), Math.max(p.x, q.x)]);
    if (this.frame.kind !== "heat" && Math.abs(p.y - q.y) > 0) {
      this.view.y.set(rect.panel, [Math.min(p.y, q.y), Math.max(p.y, q.y)]);
    }
    this.redraw();
  }

  zoom(rect, factor, centre, which) {
    if (which.includes("x")) {
      this.setX(rect.x.map((v) => centre.x + (v - centre.x) * factor));
    }
    if (which.includes("y") && this.frame.kind !== "heat") {
      this.view.y.set(rect.panel, rect.y.map((v) => centre.y + (v - centre.y) * factor));
    }
    this.redraw();
  }

  setX(limits) {
    if (!(limits[1] > limits[0])) return;
    if (this.frame.kind !== "phase") {
      const { lo, hi } = this.frame.x;
      const span = Math.min(limits[1] - limits[0], hi - lo);
      const start = Math.max(lo, Math.min(limits[0], hi - span));
      limits = [start, start + span];
      this.view.x = span >= hi - lo ? null : limits;
    } else this.view.x = limits;
    this.askDetail();
  }

  /** Ask the kernel for finer data of the range in view, once the gesture rests. */
  askDetail() {
    clearTimeout(this.asking);
    if (this.frame?.kind === "phase") return;
    this.asking = setTimeout(() => {
      const range = this.view.x;
      const message = { type: "view", x: range, pixels: this.rects[0]?.width || 600 };
      if (!this.dead) this.model.send(message);
    }, 120);
  }

  /** Zoom with Ctrl (or Cmd) held, so that the page still scrolls over the plot. */
  wheel(event) {
    const here = this.at(event);
    const rect = this.rectAt(here);
    if (!rect || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    const factor = Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.005);
    const which = this.frame.kind === "phase" ? "xy" : event.shiftKey ? "y" : "x";
    this.zoom(rect, factor, this.data(rect, here), which);
  }

  /** Keep JupyterLab from reading plain keys on a slider or a plot as commands for the cell. */
  shield(event) {
    const owner = this.root.closest(".brainmass-widget") || this.root;
    if (!owner.contains(event.target)) return;
    const command =
      event.ctrlKey || event.metaKey || event.altKey || event.key === "Escape" ||
      (event.shiftKey && event.key === "Enter");
    event.target.toggleAttribute?.("data-lm-suppress-shortcuts", !command);
  }

  key(event) {
    const rect = this.rects[0];
    if (!rect || event.ctrlKey || event.metaKey || event.altKey) return;
    const middle = { x: (rect.x[0] + rect.x[1]) / 2, y: (rect.y[0] + rect.y[1]) / 2 };
    const which = this.frame.kind === "phase" ? "xy" : "x";
    const step = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (step[event.key]) {
      const [dx, dy] = step[event.key];
      this.pan(rect, 0.1 * dx * rect.width, 0.1 * dy * rect.height);
    } else if (event.key === "+" || event.key === "=") this.zoom(rect, 0.8, middle, which);
    else if (event.key === "-" || event.key === "_") this.zoom(rect, 1.25, middle, which);
    else if (event.key === "Home") this.reset();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  reset() {
    this.view = { x: null, y: new Map() };
    this.auto.clear();
    this.askDetail();
    this.redraw();
  }

  clearOverlay() {
    const ratio = window.devicePixelRatio || 1;
    this.overlay.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.overlay.clearRect(0, 0, this.over.width, this.over.height);
    return this.overlay;
  }

  hover(here) {
    this.pointer = here;
    const c = this.clearOverlay();
    const rect = here && this.frame && this.rectAt(here);
    if (!rect) {
      this.tip.hidden = true;
      return;
    }
    const kind = this.frame.kind;
    const lines =
      kind === "heat" ? this.readHeat(rect, here)
        : kind === "phase" ? this.readPhase(c, rect, here)
          : this.readLines(c, here);
    this.tip.hidden = !lines.length;
    this.tip.textContent = lines.join("\n");
    if (!lines.length) return;
    const side = here.px > this.stage.clientWidth / 2;
    this.tip.style.left = side ? "" : `${here.px + 14}px`;
    this.tip.style.right = side ? `${this.stage.clientWidth - here.px + 14}px` : "";
    this.tip.style.top = `${Math.max(0, Math.min(here.py - 10, this.stage.clientHeight - 60))}px`;
  }

  readHeat(rect, here) {
    const { rows, cols, x0, dx, data, names, lo, hi, label, unit, matrix } = this.frame.heat;
    const { x, y } = this.data(rect, here);
    const row = Math.min(rows - 1, Math.max(0, Math.floor(y)));
    const col = Math.floor((x - x0) / dx);
    if (col < 0 || col >= cols) return [];
    const value = lo + (data[row * cols + col] / 255) * (hi - lo);
    const who = (k) => (names && names[k] !== undefined ? `${k} ${names[k]}` : `${k}`);
    const shown = `${label} ${number(value, (hi - lo) / 200)} ${unit}`;
    if (matrix) return [`row ${who(row)}`, `column ${who(col)}`, shown];
    return [
      `${this.frame.y?.label || "row"} ${who(row)}`,
      `${this.frame.x.label} ${number(x, (rect.x[1] - rect.x[0]) / 500)} ${this.frame.x.unit}`,
      shown,
    ];
  }

  readPhase(c, rect, here) {
    let best = null;
    for (const trace of this.visible(rect)) {
      for (let i = 0; i < trace.y.length; i++) {
        const [px, py] = this.place(rect, trace.x[i], trace.y[i]);
        const distance = Math.hypot(px - here.px, py - here.py);
        if (distance < (best?.distance ?? 40)) best = { distance, trace, i, px, py };
      }
    }
    if (!best) return [];
    this.dot(c, best.px, best.py, best.trace.color);
    const { x } = this.frame;
    const { y } = this.frame.panels[rect.panel];
    const write = (axis, value, limits) =>
      `${axis.label} ${number(value, (limits[1] - limits[0]) / 500)} ${axis.unit || ""}`;
    const named = this.frame.panels[rect.panel].traces.length > 1 ? [best.trace.name] : [];
    return [
      ...named,
      write(x, best.trace.x[best.i], rect.x),
      write(y, best.trace.y[best.i], rect.y),
    ];
  }

  readLines(c, here) {
    const rect0 = this.rects[0];
    const { x } = this.data(rect0, here);
    c.strokeStyle = this.dark ? "rgba(255,255,255,.4)" : "rgba(0,0,0,.4)";
    c.beginPath();
    for (const rect of this.rects) {
      c.moveTo(here.px, rect.top);
      c.lineTo(here.px, rect.top + rect.height);
    }
    c.stroke();
    const out = [
      `${this.frame.x.label} ${number(x, (rect0.x[1] - rect0.x[0]) / 500)} ${this.frame.x.unit || ""}`,
    ];
    for (const rect of this.rects) {
      const axis = this.frame.panels[rect.panel].y;
      for (const trace of this.visible(rect)) {
        if (trace.role === "ghost") continue;
        const i = this.nearest(trace, x);
        if (i < 0 || !Number.isFinite(trace.y[i])) continue;
        const at = trace.x ? trace.x[i] : trace.x0 + i * trace.dx;
        const [px, py] = this.place(rect, at, trace.y[i]);
        if (py >= rect.top && py <= rect.top + rect.height) this.dot(c, px, py, trace.color);
        const value = number(trace.y[i], (rect.y[1] - rect.y[0]) / 500);
        out.push(`${trace.name} ${value} ${axis.unit || ""}`);
      }
    }
    return out.slice(0, 14);
  }

  nearest(trace, x) {
    const n = trace.y.length;
    if (!n) return -1;
    if (!trace.x) {
      const i = Math.round((x - trace.x0) / trace.dx);
      return i >= 0 && i < n ? i : -1;
    }
    let [lo, hi] = [0, n - 1];
    while (hi - lo > 1) {
      const mid = (lo + hi) >> 1;
      if (trace.x[mid] < x) lo = mid;
      else hi = mid;
    }
    return x - trace.x[lo] < trace.x[hi] - x ? lo : hi;
  }

  dot(c, px, py, color) {
    c.fillStyle = this.colour(color);
    c.beginPath();
    c.arc(px, py, 3.5, 0, 7);
    c.fill();
  }
}

export default {
  render({ model, el }) {
    const plot = new Plot(model, el);
    return () => plot.destroy();
  },
};
