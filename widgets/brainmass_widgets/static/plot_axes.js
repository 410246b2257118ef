/* Geometry, axes and their labels. */

function short(name) {
  const text = String(name);
  return text.length > 12 ? `${text.slice(0, 11)}…` : text;
}

extend(Plot, class {
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
    range.follow(x.lo, x.hi, kind === "phase" && !this.frame.boxed ? 0.06 : 0);
    return this.view.x || [range.lo, range.hi];
  }

  limitsY(k) {
    if (this.frame.kind === "heat") {
      const { rows, up } = this.frame.heat;
      return up ? [0, rows] : [rows, 0];
    }
    const { y } = this.frame.panels[k];
    const range = this.range(`${this.frame.kind}:${k}:${y.label}:${y.unit}`);
    range.follow(y.lo, y.hi, this.frame.boxed ? 0 : 0.06);
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
      this.drawMarks(c, rect, look);
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

  marksX({ x, width }) {
    const heat = this.frame.heat;
    const least = heat?.matrix || heat?.columns?.length ? x[1] - x[0] : Infinity;
    const count = Math.min(least, Math.max(3, Math.floor(width / 75))); // whole cells only
    const step = niceStep(x[1] - x[0], count);
    const marks = ticks(x[0], x[1], count).map((at) => ({ at, text: number(at, step) }));
    if (!heat?.columns?.length) return marks;
    return marks
      .filter(({ at }) => Number.isInteger(at) && heat.columns[at] !== undefined)
      .map(({ at }) => ({ at, text: short(heat.columns[at]) }));
  }

  marksRegions(size) {
    const { rows, names } = this.frame.heat;
    const stride = Math.max(1, Math.ceil(niceStep(rows, Math.max(1, size / 16))));
    const out = [];
    for (let i = 0; i < rows; i += stride) {
      out.push({ at: i + 0.5, text: short(names?.[i] ?? i) });
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
    for (const { at, text } of this.marksX(rect)) {
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
        const half = c.measureText(text).width / 2;
        c.fillText(text, Math.min(px, this.stage.clientWidth - half - 1), top + height + 11);
      }
    }
    c.fillStyle = look.faint;
    if (last) {
      c.textAlign = "center";
      c.fillText(labelled(this.frame.x), left + width / 2, top + height + 27);
    }
    const name = isHeat ? labelled(this.frame.y) : labelled(this.frame.panels[rect.panel].y);
    if (name) {
      c.save();
      c.translate(10, top + height / 2);
      c.rotate(-Math.PI / 2);
      c.textAlign = "center";
      c.fillText(name, 0, 0, height);
      c.restore();
    }
  }
});
