/* Pointer, keys and read-out. */

extend(Plot, class {
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
    if (this.frame?.kind === "phase") {
      this.asking = setTimeout(() => this.tellView(), 60);
      return;
    }
    this.asking = setTimeout(() => {
      const range = this.view.x;
      const message = { type: "view", x: range, pixels: this.rects[0]?.width || 600 };
      if (!this.dead) this.model.send(message);
    }, 120);
  }

  /** Tell those who listen which part of a plane is seen, null for all of it. */
  tellView() {
    if (this.dead || !(this.model.get("events") || []).includes("view")) return;
    this.model.send({ type: "view", x: this.view.x, y: this.view.y.get(0) ?? null });
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
    let lines = kind === "heat" ? null : this.readMark(rect, here);
    if (!lines) {
      if (kind === "heat") lines = this.readHeat(rect, here);
      else if (kind === "phase") lines = this.readPhase(c, rect, here);
      else lines = this.readLines(c, here);
    }
    this.tip.hidden = !lines.length;
    this.tip.textContent = lines.join("\n");
    if (!lines.length) return;
    const side = here.px > this.stage.clientWidth / 2;
    this.tip.style.left = side ? "" : `${here.px + 14}px`;
    this.tip.style.right = side ? `${this.stage.clientWidth - here.px + 14}px` : "";
    this.tip.style.top = `${Math.max(0, Math.min(here.py - 10, this.stage.clientHeight - 60))}px`;
  }

  readHeat(rect, here) {
    const { rows, cols, x0, dx, data, names, columns, lo, hi, label, unit, matrix } =
      this.frame.heat;
    const { x, y } = this.data(rect, here);
    const row = Math.min(rows - 1, Math.max(0, Math.floor(y)));
    const col = Math.floor((x - x0) / dx);
    if (col < 0 || col >= cols) return [];
    const byte = data[row * cols + col];
    const crossed = (mark) => mark.kind === "cross" && mark.x === col && mark.y === row;
    const missing = this.frame.marks.find(crossed)?.name || "–";
    const value = byte ? number(lo + ((byte - 1) / 254) * (hi - lo), (hi - lo) / 200) : missing;
    const shown = `${label} ${value} ${unit}`;
    const up = this.frame.y?.label || "row";
    if (columns?.length) {
      return [`${labelled(this.frame.x)} ${columns[col]}`, `${up} ${names[row]}`, shown];
    }
    const who = (k) => (names && names[k] !== undefined ? `${k} ${names[k]}` : `${k}`);
    if (matrix) return [`to ${who(row)}`, `from ${who(col)}`, shown];
    return [
      `${up} ${who(row)}`,
      `${this.frame.x.label} ${number(x, (rect.x[1] - rect.x[0]) / 500)} ${this.frame.x.unit}`,
      shown,
    ];
  }

  /** What a marked point near the pointer says. */
  readMark(rect, here) {
    const near = this.frame.marks.find((mark) => {
      if (!mark.name || (mark.panel || 0) !== rect.panel || mark.kind === "rule") return false;
      const [px, py] = this.place(rect, mark.x, mark.y);
      return Math.hypot(px - here.px, py - here.py) < 9;
    });
    return near ? near.name.split("\n") : null;
  }

  readPhase(c, rect, here) {
    let best = null;
    for (const trace of this.visible(rect)) {
      if (trace.role === "faint") continue;
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
        if (BEHIND.has(trace.role)) continue;
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
});
