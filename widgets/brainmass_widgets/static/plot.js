/* One small plot for every brainmass widget: lines, a phase portrait or a heat map.
 *
 * The kernel sends a `frame` whose arrays are binary buffers; everything that follows the pointer
 * (pan, zoom, hover, legend) happens here, without the kernel. The kernel hears of a click, of a
 * drag, and of the range of x in view, so that it can send finer data for that range.
 */

const DRAG_PIXELS = 4;
const NEAR = /^(localhost|127\.[\d.]+|\[::1\])$/;
/** Roles of lines that the legend and the read-out leave out. */
const BEHIND = new Set(["ghost", "faint"]);

function floats(view) {
  if (!view) return new Float32Array(0);
  const n = view.byteLength >> 2;
  if (view.byteOffset % 4 === 0) return new Float32Array(view.buffer, view.byteOffset, n);
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + 4 * n));
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

function labelled(axis) {
  if (!axis) return "";
  return axis.unit ? `${axis.label} [${axis.unit}]` : axis.label || "";
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
    this.sayWhere();
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
    follow("msg:custom", (message, buffers) => this.receive(message, buffers));
    this.cleanup.push(shield(this.root));
    this.cleanup.push(
      watchKernel(this.model, this.root, (text) => {
        this.gone = text;
        this.setNotice();
      })
    );
    on(this.base, "pointerdown", (e) => this.press(e));
    on(this.base, "pointermove", (e) => this.move(e));
    on(this.base, "pointerup", (e) => this.release(e));
    on(this.base, "pointercancel", () => this.cancel());
    on(this.base, "pointerleave", () => this.hover(null));
    on(this.base, "dblclick", () => this.reset());
    on(this.base, "wheel", (e) => this.wheel(e), { passive: false });
    on(this.base, "keydown", (e) => this.key(e));
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

  /** Tell the kernel whether the server is on this machine, where bytes cost nothing. */
  sayWhere() {
    if (this.model.get("near") || !NEAR.test(window.location.hostname)) return;
    this.model.set("near", true);
    this.model.save_changes();
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
    const lost = { text: this.gone, level: "warning" };
    const notice = this.gone?.trim() ? lost : this.model.get("notice") || {};
    this.notice.hidden = !notice.text;
    this.notice.textContent = notice.text || "";
    this.notice.dataset.level = notice.level || "info";
    if (!notice.action) return;
    const button = element("button", "brainmass-cure", this.notice);
    button.type = "button";
    button.textContent = notice.action;
    button.addEventListener("click", () => this.model.send({ type: "action" }));
  }

  receive(message, buffers) {
    if (message?.type === "copy") {
      navigator.clipboard?.writeText(message.text).then(
        () => this.model.send({ type: "copied" }),
        () => {}
      );
    } else if (message?.type === "download") {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(buffers, { type: message.mime }));
      link.download = message.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    } else if (message?.type === "reset") this.reset();
  }

  setFrame() {
    const frame = this.model.get("frame") || {};
    delete frame.fill; // has done its work on the way, and is not worth keeping
    this.frame = frame.kind ? this.decode(frame) : null;
    if (this.frame && this.view.x && this.frame.kind !== "phase") {
      const { lo, hi } = this.frame.x;
      if (this.view.x[1] <= lo || this.view.x[0] >= hi) this.view.x = null;
    }
    this.buildLegend();
    this.redraw();
  }

  decode(frame) {
    const free = (part) => (part ? floats(part) : null);
    const panels = (frame.panels || []).map((panel) => ({
      ...panel,
      traces: panel.traces.map((trace) => ({
        ...trace,
        x: free(trace.x),
        y: floats(trace.y),
        band: trace.band && {
          ...trace.band,
          x: free(trace.band.x),
          lo: floats(trace.band.lo),
          hi: floats(trace.band.hi),
        },
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
    const field = frame.arrows;
    const arrows = field && {
      x: floats(field.x), y: floats(field.y), u: floats(field.u), v: floats(field.v),
    };
    return { ...frame, panels, heat, arrows, marks: frame.marks || [] };
  }

  paintImage({ rows, cols, data, palette, up }) {
    if (!rows || !cols) return;
    this.image.width = cols;
    this.image.height = rows;
    const context = this.image.getContext("2d");
    const pixels = context.createImageData(cols, rows);
    const packed = new Uint32Array(pixels.data.buffer);
    const table = TABLES[palette] || TABLES.sequential;
    for (let row = 0; row < rows; row++) {
      const from = row * cols;
      const to = (up ? rows - 1 - row : row) * cols;
      for (let i = 0; i < cols; i++) packed[to + i] = table[data[from + i]];
    }
    context.putImageData(pixels, 0, 0);
  }

  /* ---- legend ---------------------------------------------------------------------------- */

  buildLegend() {
    const traces = this.frame && this.frame.kind !== "heat"
      ? this.frame.panels.flatMap((p) => p.traces).filter((t) => t.name && !BEHIND.has(t.role))
      : [];
    const names = new Set(traces.map((t) => t.name));
    const key = JSON.stringify([traces.map((t) => [t.name, t.color]), this.dark]);
    this.legend.hidden = names.size < 2 && !this.frame?.legend;
    if (key === this.legendKey) return;
    this.legendKey = key;
    this.legend.replaceChildren();
    for (const trace of traces) {
      if (!names.delete(trace.name)) continue;
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
}
