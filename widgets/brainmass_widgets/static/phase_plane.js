/* A phase plane and a bifurcation diagram on the canvas of the other plots: arrows, nullclines,
 * trajectories, marked points and a cursor. What belongs to it stands in `frame.plane`.
 */

const MARK_PIXELS = 12;
const DASHES = { dashed: [5, 4], ghost: [4, 3] };
const WIDTHS = { curve: 2, dashed: 1.6, ghost: 1.2, main: 1.5 };

class PlanePlot extends Plot {
  decode(frame) {
    const decoded = super.decode(frame);
    const arrows = frame.plane?.arrows;
    decoded.plane = {
      marks: [], cursor: null, ...frame.plane,
      arrows: arrows && {
        x: floats(arrows.x), y: floats(arrows.y), u: floats(arrows.u), v: floats(arrows.v),
      },
    };
    return decoded;
  }

  setHelp() {
    this.base.title = "";
    this.base.setAttribute("aria-description", this.model.get("help"));
  }

  limitsX() {
    const { lo, hi } = this.frame.x;
    return this.view.x || [lo, hi];
  }

  limitsY(k) {
    const { lo, hi } = this.frame.panels[k].y;
    return this.view.y.get(k) || [lo, hi];
  }

  /** Tell the kernel which part of the plane is seen, once the gesture rests. */
  askDetail() {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => {
      const y = this.view.y.get(0) || null;
      if (!this.dead) this.model.send({ type: "view", x: this.view.x, y });
    }, 60);
  }

  /* ---- drawing --------------------------------------------------------------------------- */

  drawTraces(c, rect, look) {
    const { arrows, marks, cursor } = this.frame.plane;
    if (arrows) this.drawField(c, rect, arrows);
    const traces = this.visible(rect);
    c.lineJoin = "round";
    for (const role of ["ghost", "dashed", "curve", "main"]) {
      for (const trace of traces.filter((t) => (t.role || "main") === role)) {
        c.globalAlpha = role === "ghost" ? 0.65 : 1;
        c.strokeStyle = this.colour(trace.color);
        c.lineWidth = WIDTHS[role];
        c.setLineDash(DASHES[role] || []);
        this.strokeFree(c, rect, trace);
      }
    }
    c.setLineDash([]);
    c.globalAlpha = 1;
    for (const trace of traces.filter((t) => t.role === "main")) this.ends(c, rect, trace, look);
    if (cursor !== null) this.drawCursor(c, rect, cursor, look);
    for (const mark of marks) this.drawMark(c, rect, mark, look);
  }

  /** Arrows along the flow, longer where it is faster, never longer than their cell. */
  drawField(c, rect, { x, y, u, v }) {
    const sx = rect.width / (rect.x[1] - rect.x[0]);
    const sy = rect.height / (rect.y[1] - rect.y[0]);
    const room = Math.sqrt((rect.width * rect.height) / Math.max(1, x.length));
    const speeds = x.map((_, i) => Math.hypot(u[i] * sx, v[i] * sy));
    const fastest = speeds.reduce((a, b) => (Number.isFinite(b) && b > a ? b : a), 0);
    c.strokeStyle = this.dark ? "rgba(255,255,255,.38)" : "rgba(0,0,0,.32)";
    c.lineWidth = 1;
    c.beginPath();
    for (let i = 0; i < x.length; i++) {
      if (!(speeds[i] > 0) || !Number.isFinite(speeds[i])) continue;
      const length = room * (0.25 + 0.5 * (speeds[i] / fastest) ** 0.4);
      const [ex, ey] = [(u[i] * sx) / speeds[i], (-v[i] * sy) / speeds[i]];
      const [px, py] = this.place(rect, x[i], y[i]);
      const [tx, ty] = [px + (ex * length) / 2, py + (ey * length) / 2];
      const head = Math.min(4, length / 3);
      c.moveTo(px - (ex * length) / 2, py - (ey * length) / 2);
      c.lineTo(tx, ty);
      c.moveTo(tx - head * (ex - 0.6 * ey), ty - head * (ey + 0.6 * ex));
      c.lineTo(tx, ty);
      c.lineTo(tx - head * (ex + 0.6 * ey), ty - head * (ey - 0.6 * ex));
    }
    c.stroke();
  }

  drawCursor(c, rect, at, look) {
    const [px] = this.place(rect, at, rect.y[0]);
    c.strokeStyle = look.ink;
    c.lineWidth = 1;
    c.setLineDash([2, 3]);
    c.beginPath();
    c.moveTo(Math.round(px) + 0.5, rect.top);
    c.lineTo(Math.round(px) + 0.5, rect.top + rect.height);
    c.stroke();
    c.setLineDash([]);
  }

  /** Filled where stable, open where unstable, half of it for a saddle; other signs for folds. */
  drawMark(c, rect, { x, y, kind }, look) {
    const [px, py] = this.place(rect, x, y);
    c.strokeStyle = look.ink;
    c.fillStyle = look.paper;
    c.lineWidth = 1.6;
    c.beginPath();
    if (kind === "fold") c.rect(px - 4, py - 4, 8, 8);
    else if (kind === "branch point") {
      for (const [dx, dy] of [[0, -6], [6, 0], [0, 6], [-6, 0]]) c.lineTo(px + dx, py + dy);
      c.closePath();
    } else if (kind === "Hopf") {
      for (const [dx, dy] of [[0, -6], [5.5, 4], [-5.5, 4]]) c.lineTo(px + dx, py + dy);
      c.closePath();
    } else c.arc(px, py, 5, 0, 2 * Math.PI);
    if (kind === "stable") c.fillStyle = look.ink;
    c.fill();
    c.stroke();
    if (kind !== "saddle") return;
    c.fillStyle = look.ink;
    c.beginPath();
    c.arc(px, py, 5, Math.PI / 2, (3 * Math.PI) / 2);
    c.fill();
  }

  /* ---- read-out -------------------------------------------------------------------------- */

  readPhase(c, rect, here) {
    let best = null;
    for (const mark of this.frame.plane.marks) {
      const [px, py] = this.place(rect, mark.x, mark.y);
      const distance = Math.hypot(px - here.px, py - here.py);
      if (distance < (best?.distance ?? MARK_PIXELS)) best = { distance, mark };
    }
    return best ? best.mark.text.split("\n") : super.readPhase(c, rect, here);
  }
}

export default {
  render({ model, el }) {
    const plot = new PlanePlot(model, el);
    return () => plot.destroy();
  },
};
