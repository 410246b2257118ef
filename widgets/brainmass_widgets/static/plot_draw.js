/* What is drawn inside the axes. */

extend(Plot, class {
  visible(rect) {
    const traces = this.frame.panels[rect.panel].traces;
    return traces.filter((t) => !this.hidden.has(t.name));
  }

  drawTraces(c, rect, look) {
    const traces = this.visible(rect);
    const many = traces.filter((t) => !BEHIND.has(t.role)).length > 5;
    const styles = {
      ghost: { alpha: 0.65, width: 1.2, dash: [4, 3] },
      faint: { alpha: 0.3, width: 1, dash: [] },
      guide: { alpha: 0.9, width: 1.4, dash: [6, 4] },
      curve: { alpha: 1, width: 2, dash: [] },
      main: { alpha: 1, width: many ? 1.1 : 1.6, dash: [] },
    };
    c.lineJoin = "round";
    if (this.frame.arrows) this.drawArrows(c, rect, look);
    for (const trace of traces) if (trace.band) this.fillBand(c, rect, trace);
    for (const [role, style] of Object.entries(styles)) {
      for (const trace of traces.filter((t) => (t.role || "main") === role)) {
        c.globalAlpha = style.alpha;
        c.strokeStyle = this.colour(trace.color);
        c.lineWidth = style.width;
        c.setLineDash(style.dash);
        if (trace.x) this.strokeFree(c, rect, trace);
        else this.strokeUniform(c, rect, trace);
      }
    }
    c.setLineDash([]);
    c.globalAlpha = 1;
    for (const trace of traces.filter((t) => t.role === "dots")) this.drawDots(c, rect, trace);
    if (this.frame.kind === "phase" && !this.frame.bare) {
      const moving = traces.filter((t) => (t.role || "main") === "main");
      for (const trace of moving) this.ends(c, rect, trace, look);
    }
  }

  fillBand(c, rect, { band, color }) {
    const { lo, hi } = band;
    const at = band.x ? (i) => band.x[i] : (i) => band.x0 + i * band.dx;
    const shown = (i) => Number.isFinite(lo[i]) && Number.isFinite(hi[i]);
    c.globalAlpha = 0.22;
    c.fillStyle = this.colour(color);
    c.beginPath();
    for (let i = 0; i < hi.length; i++) {
      if (shown(i)) c.lineTo(...this.place(rect, at(i), hi[i]));
    }
    for (let i = lo.length - 1; i >= 0; i--) {
      if (shown(i)) c.lineTo(...this.place(rect, at(i), lo[i]));
    }
    c.closePath();
    c.fill();
    c.globalAlpha = 1;
  }

  drawDots(c, rect, { x, x0, dx, y, color }) {
    c.fillStyle = this.colour(color);
    const size = y.length > 2000 ? 1.5 : 3;
    for (let i = 0; i < y.length; i++) {
      if (!Number.isFinite(y[i])) continue;
      const [px, py] = this.place(rect, x ? x[i] : x0 + i * dx, y[i]);
      c.fillRect(px - size / 2, py - size / 2, size, size);
    }
  }

  /** A vector field: arrows that point as the flow does on the screen, also in a zoomed view. */
  drawArrows(c, rect, look) {
    const { x, y, u, v } = this.frame.arrows;
    const room = 0.8 * Math.sqrt((rect.width * rect.height) / Math.max(1, x.length));
    const length = Math.max(6, Math.min(22, room));
    const [wide, high] = [this.frame.x, this.frame.panels[rect.panel].y].map((a) => a.hi - a.lo);
    const across = (rect.width * wide) / (rect.x[1] - rect.x[0]);
    const up = (rect.height * high) / (rect.y[1] - rect.y[0]);
    c.strokeStyle = look.faint;
    c.globalAlpha = 0.6;
    c.lineWidth = 1;
    c.beginPath();
    for (let i = 0; i < x.length; i++) {
      const [ex, ey] = [u[i] * across, -v[i] * up];
      const size = (length * Math.hypot(u[i], v[i])) / Math.hypot(ex, ey);
      if (!Number.isFinite(size)) continue;
      const [px, py] = this.place(rect, x[i], y[i]);
      const [sx, sy] = [size * ex, size * ey];
      const [tx, ty] = [px + sx / 2, py + sy / 2];
      c.moveTo(px - sx / 2, py - sy / 2);
      c.lineTo(tx, ty);
      c.moveTo(tx - 0.3 * sx - 0.18 * sy, ty - 0.3 * sy + 0.18 * sx);
      c.lineTo(tx, ty);
      c.lineTo(tx - 0.3 * sx + 0.18 * sy, ty - 0.3 * sy - 0.18 * sx);
    }
    c.stroke();
    c.globalAlpha = 1;
  }

  /** Marked points, such as fixed points, a chosen cell, or the place of a slider. */
  drawMarks(c, rect, look) {
    for (const mark of this.frame.marks.filter((m) => (m.panel || 0) === rect.panel)) {
      c.lineWidth = 1.8;
      c.strokeStyle = mark.color === null ? look.ink : this.colour(mark.color);
      c.fillStyle = mark.filled ? c.strokeStyle : look.paper;
      c.beginPath();
      if (mark.kind === "cell") this.outlineCell(c, rect, mark);
      else if (mark.kind === "cross") this.crossOut(c, rect, mark);
      else if (mark.kind === "rule") {
        const [px] = this.place(rect, mark.x, 0);
        c.setLineDash([3, 3]);
        c.moveTo(px, rect.top);
        c.lineTo(px, rect.top + rect.height);
        c.stroke();
        c.setLineDash([]);
      } else {
        const [px, py] = this.place(rect, mark.x, mark.y);
        this.outline(c, mark.kind, px, py);
        c.fill();
        c.stroke();
      }
    }
  }

  outline(c, kind, px, py) {
    const corners = { square: [4, 45], diamond: [4, 0], triangle: [3, -90] }[kind];
    if (!corners) {
      c.arc(px, py, 5, 0, 7);
      return;
    }
    const [sides, turn] = corners;
    for (let k = 0; k < sides; k++) {
      const angle = ((turn + (360 * k) / sides) * Math.PI) / 180;
      c.lineTo(px + 6.5 * Math.cos(angle), py + 6.5 * Math.sin(angle));
    }
    c.closePath();
  }

  /** A cross where a run diverged, on a heat map in the middle of its cell. */
  crossOut(c, rect, { x, y }) {
    const heat = this.frame.heat;
    const [px, py] = heat
      ? this.place(rect, heat.x0 + (x + 0.5) * heat.dx, y + 0.5)
      : this.place(rect, x, y);
    const [nx, ny] = heat ? this.place(rect, heat.x0 + (x + 1) * heat.dx, y) : [px + 6, py + 6];
    const size = Math.max(1.5, Math.min(4, 0.6 * Math.abs(nx - px), 0.6 * Math.abs(ny - py)));
    c.lineWidth = 1.2;
    c.globalAlpha = 0.55;
    for (const side of [-1, 1]) {
      c.moveTo(px - size, py - side * size);
      c.lineTo(px + size, py + side * size);
    }
    c.stroke();
    c.globalAlpha = 1;
  }

  outlineCell(c, rect, { x, y }) {
    const { x0, dx } = this.frame.heat;
    const [left, upper] = this.place(rect, x0 + x * dx, y);
    const [right, lower] = this.place(rect, x0 + (x + 1) * dx, y + 1);
    c.lineWidth = 3;
    c.strokeStyle = "#ffffff";
    c.strokeRect(left, upper, right - left, lower - upper);
    c.lineWidth = 1.5;
    c.strokeStyle = "#000000";
    c.strokeRect(left, upper, right - left, lower - upper);
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
    const { lo, hi, label, unit, palette } = this.frame.heat;
    const left = rect.left + rect.width + 12;
    const colours = c.createLinearGradient(0, rect.top + rect.height, 0, rect.top);
    const stops = SCALES[palette] || SCALES.sequential;
    stops.forEach((v, i) => colours.addColorStop(i / (stops.length - 1), `rgb(${v})`));
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
});
