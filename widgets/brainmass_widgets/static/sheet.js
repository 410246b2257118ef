/* Controls in rows or in a bar: sliders with a field to type into, text fields, choices, buttons.
 *
 * Two traits, one for each direction: the browser writes `asked`, what people did last to each row,
 * numbered in order; the kernel writes `shown`, what each row shows, with the number of the deed
 * that it answers. The browser never answers to `shown`, so a new range cannot change a value, and a
 * row that was touched again ignores answers to earlier deeds.
 */

const SILENCE = 3000; // ms without an answer after which a person wants to know

class Sheet {
  constructor(model, el) {
    this.model = model;
    this.waiting = new Map();
    this.root = element("div", "brainmass-sheet", el);
    this.root.classList.toggle("brainmass-bar", model.get("bar"));
    this.note = element("div", "brainmass-sheet-note", this.root);
    this.note.setAttribute("role", "status");
    this.note.hidden = true;
    this.body = element("div", "brainmass-rows", this.root);
    this.folded = new Map();
    this.cleanup = [
      shield(this.root),
      watchKernel(model, this.root, (text) => this.lose(text)),
      watchClosing(model, this.root),
    ];
    const follow = (name, handler) => {
      model.on(name, handler);
      this.cleanup.push(() => model.off(name, handler));
    };
    const undo = (event) => this.undo(event);
    this.root.addEventListener("keydown", undo);
    follow("change:rows", () => this.build());
    follow("change:shown", () => this.adopt());
    this.build();
  }

  destroy() {
    clearTimeout(this.silence);
    this.cleanup.forEach((undo) => undo());
    this.root.remove();
  }

  build() {
    this.rows = new Map();
    this.body.replaceChildren();
    const title = this.model.get("title");
    if (title) element("b", "brainmass-title", this.body).textContent = title;
    const rows = this.model.get("rows");
    if (rows.length > 14 && !this.model.get("bar")) this.buildFinder();
    const groups = new Map();
    for (const row of rows) {
      if (!groups.has(row.group)) groups.set(row.group, this.buildGroup(row));
      const box = element("div", "brainmass-row", groups.get(row.group));
      box.dataset.id = row.id;
      box.dataset.words = `${row.label} ${row.tooltip}`.toLowerCase();
      const made = new KINDS[row.kind](this, row, box);
      made.box = box;
      this.rows.set(row.id, made);
    }
    this.adopt();
  }

  buildGroup({ group, open }) {
    const section = element("div", "brainmass-group", this.body);
    const box = element("div", "brainmass-group-rows", section);
    if (!group) return box;
    const heading = element("button", "brainmass-heading");
    heading.type = "button";
    section.prepend(heading);
    const show = (shown) => {
      this.folded.set(group, !shown);
      box.hidden = !shown;
      heading.textContent = `${shown ? "▾" : "▸"} ${group}`;
      heading.setAttribute("aria-expanded", String(shown));
    };
    heading.addEventListener("click", () => show(box.hidden));
    show(this.folded.has(group) ? !this.folded.get(group) : open);
    return box;
  }

  /** A field that leaves the rows whose name or meaning contains what is typed. */
  buildFinder() {
    const finder = element("input", "brainmass-finder", this.body);
    Object.assign(finder, { type: "search", placeholder: "Find a parameter", spellcheck: false });
    finder.setAttribute("aria-label", "Find a parameter");
    finder.addEventListener("input", () => {
      const words = finder.value.toLowerCase().split(/\s+/).filter(Boolean);
      this.body.classList.toggle("brainmass-finding", words.length > 0);
      for (const { box } of this.rows.values()) {
        box.classList.toggle("brainmass-found", words.every((w) => box.dataset.words.includes(w)));
      }
    });
  }

  adopt() {
    const all = this.model.get("shown");
    for (const [id, row] of this.rows) {
      const shown = all[id];
      if (!shown || shown.n < (this.waiting.get(id) ?? 0)) continue;
      this.waiting.delete(id);
      // All rows come with every answer; only what differs is worth touching the page for. What a
      // person changed differs at least in the number of the deed.
      const text = JSON.stringify(shown);
      if (row.adopted === text) continue;
      row.adopted = text;
      row.box.hidden = Boolean(shown.hidden);
      row.adopt(shown);
    }
    if (!this.waiting.size) this.hear();
  }

  ask(id, deed) {
    const asked = this.model.get("asked");
    // Those that another browser asked are known from the answers.
    const done = [...Object.values(asked), ...Object.values(this.model.get("shown"))];
    const n = 1 + Math.max(0, ...done.map((deed) => deed.n));
    this.waiting.set(id, n);
    this.model.set("asked", { ...asked, [id]: { ...deed, n } });
    this.model.save_changes();
    if (this.silence) return;
    this.silence = setTimeout(() => {
      this.say("No answer from the kernel yet: it is busy, or the connection is lost.");
    }, SILENCE);
  }

  /** Ctrl+Z and Ctrl+Shift+Z, where no text is being typed. */
  undo(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.dirty) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    event.stopPropagation();
    this.press(key === "y" || event.shiftKey ? "redo" : "undo");
  }

  /** Count a click, so that none is lost while another is on its way. */
  press(id) {
    this.ask(id, { press: (this.model.get("asked")[id]?.press ?? 0) + 1 });
  }

  hear() {
    clearTimeout(this.silence);
    this.silence = 0;
    this.say("");
  }

  lose(text) {
    this.gone = text;
    this.root.classList.toggle("brainmass-gone", Boolean(text));
    this.say("");
  }

  say(text) {
    this.note.textContent = (this.gone || text).trim();
    this.note.hidden = !this.note.textContent;
  }
}

export default {
  render({ model, el }) {
    const sheet = new Sheet(model, el);
    return () => sheet.destroy();
  },
};
