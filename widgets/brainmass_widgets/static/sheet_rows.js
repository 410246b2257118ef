/* The rows of a sheet: one class for each kind of control. */

const clean = (value) => Number(value.toPrecision(10));

/** Between a value and its place on the slider, from 0 to 1. */
class Scale {
  constructor({ lo, hi, step, log }) {
    Object.assign(this, { lo, hi, step, log: log && lo > 0 });
  }
  place(value) {
    const { lo, hi, log } = this;
    if (!(hi > lo)) return 0;
    const at = log ? Math.log(value / lo) / Math.log(hi / lo) : (value - lo) / (hi - lo);
    return Math.min(1, Math.max(0, at));
  }
  value(place) {
    const { lo, hi, log, step } = this;
    if (place <= 0) return lo;
    if (place >= 1) return hi;
    if (log) return Number((lo * (hi / lo) ** place).toPrecision(3));
    const raw = lo + place * (hi - lo);
    const snapped = step > 0 ? clean(Math.round(raw / step) * step) : raw;
    return Math.min(hi, Math.max(lo, snapped));
  }
  /** The value `count` steps away, exact where it was typed; not beyond the ends. */
  moved(value, count) {
    const { lo, hi, log, step } = this;
    let next = log ? Number((value * 10 ** (step * count)).toPrecision(4)) : value + step * count;
    next = clean(next);
    return count > 0 ? Math.max(value, Math.min(hi, next)) : Math.min(value, Math.max(lo, next));
  }
}

class NumberRow {
  constructor(sheet, row, box) {
    this.sheet = sheet;
    this.id = row.id;
    this.name = element("label", "brainmass-name", box);
    this.name.textContent = row.label;
    this.name.title = row.tooltip;
    this.track = element("input", "brainmass-slider", box);
    Object.assign(this.track, { type: "range", min: 0, max: 1, step: "any", title: row.tooltip });
    this.entry = element("input", "brainmass-entry", box);
    Object.assign(this.entry, { type: "text", spellcheck: false, title: row.hint });
    this.track.id = `brainmass-${Math.random().toString(36).slice(2)}`;
    this.name.htmlFor = this.track.id;
    this.track.setAttribute("aria-label", row.label);
    this.entry.setAttribute("aria-label", `${row.label}, type a value`);
    // What belongs to one movement of the hand is undone together.
    const begin = () => {
      this.gesture = Math.random().toString(36).slice(2);
    };
    this.track.addEventListener("pointerdown", begin);
    this.track.addEventListener("keydown", (e) => e.repeat || begin(), { capture: true });
    this.track.addEventListener("input", () => this.slide(this.scale.value(+this.track.value)));
    this.track.addEventListener("keydown", (e) => this.key(e));
    this.track.addEventListener("dblclick", () => this.slide(row.first));
    this.name.addEventListener("dblclick", () => this.slide(row.first));
    typed(this.entry, (text) => sheet.ask(this.id, { text }), () => this.shown.text);
  }
  adopt(shown) {
    this.shown = shown;
    this.scale = new Scale(shown);
    this.track.disabled = this.entry.disabled = Boolean(shown.disabled);
    this.track.value = this.scale.place(shown.value);
    this.write(shown.text);
  }
  write(text) {
    if (document.activeElement !== this.entry || !this.entry.dirty) this.entry.value = text;
    this.track.setAttribute("aria-valuetext", text);
  }
  slide(value) {
    this.shown = { ...this.shown, value };
    this.track.value = this.scale.place(value);
    this.write(String(Number(value.toPrecision(6))));
    this.sheet.ask(this.id, { number: value, gesture: this.gesture });
  }
  key(event) {
    const { key, shiftKey } = event;
    const small = shiftKey ? 0.1 : 1;
    const counts = {
      ArrowRight: small, ArrowUp: small, ArrowLeft: -small, ArrowDown: -small,
      PageUp: 10, PageDown: -10,
    };
    const { value } = this.shown;
    if (key in counts) this.slide(this.scale.moved(value, counts[key]));
    else if (key === "Home") this.slide(this.scale.lo);
    else if (key === "End") this.slide(this.scale.hi);
    else return;
    event.preventDefault();
  }
}

class NoteRow {
  constructor(sheet, row, box) {
    this.note = element("div", "brainmass-note", box);
  }
  adopt(shown) {
    this.note.textContent = shown.text;
  }
}

class TextRow {
  constructor(sheet, row, box) {
    this.name = element("label", "brainmass-name", box);
    this.name.textContent = row.label;
    this.name.title = row.tooltip;
    this.entry = element("input", "brainmass-entry brainmass-wide", box);
    Object.assign(this.entry, { type: "text", spellcheck: false, title: row.tooltip });
    this.entry.setAttribute("aria-label", row.label);
    typed(this.entry, (text) => sheet.ask(row.id, { text }), () => this.shown.text);
  }
  adopt(shown) {
    this.shown = shown;
    this.entry.disabled = Boolean(shown.disabled);
    if (document.activeElement !== this.entry || !this.entry.dirty) this.entry.value = shown.text;
  }
}

class ChoiceRow {
  constructor(sheet, row, box) {
    this.name = element("label", "brainmass-name", box);
    this.name.textContent = row.label;
    this.name.title = row.tooltip;
    this.select = element("select", "brainmass-choice brainmass-wide", box);
    this.select.title = row.tooltip;
    this.select.setAttribute("aria-label", row.label);
    this.select.addEventListener("change", () => sheet.ask(row.id, { text: this.select.value }));
  }
  adopt(shown) {
    if (JSON.stringify(shown.options) !== this.options) {
      this.options = JSON.stringify(shown.options);
      this.select.replaceChildren(...shown.options.map((text) => new Option(text, text)));
    }
    this.select.value = shown.text;
    this.select.disabled = Boolean(shown.disabled);
  }
}

class CheckRow {
  constructor(sheet, row, box) {
    const label = element("label", "brainmass-check", box);
    this.check = element("input", "", label);
    this.check.type = "checkbox";
    label.append(row.label);
    label.title = row.tooltip;
    this.check.addEventListener("change", () => sheet.ask(row.id, { on: this.check.checked }));
  }
  adopt(shown) {
    this.check.disabled = Boolean(shown.disabled);
    this.check.checked = shown.on;
  }
}

/** A parameter of a fit: whether it is fitted, its value, its bounds. */
class FitRow {
  constructor(sheet, row, box) {
    box.classList.add("brainmass-fit");
    const label = element("label", "brainmass-check brainmass-name", box);
    label.title = row.tooltip;
    this.check = element("input", "", label);
    this.check.type = "checkbox";
    element("span", "", label).textContent = row.label;
    this.check.addEventListener("change", () => sheet.ask(row.id, { on: this.check.checked }));
    const field = (name, hint) => {
      const entry = element("input", "brainmass-entry", box);
      Object.assign(entry, { type: "text", spellcheck: false, title: hint });
      entry.setAttribute("aria-label", `${row.label}, ${name}`);
      typed(entry, (text) => sheet.ask(row.id, { [name]: text }), () => this.shown[name]);
      return entry;
    };
    this.fields = {
      text: field("text", "Value: type one to go on from there"),
      low: field("low", "Lower bound"),
      high: field("high", "Upper bound"),
    };
  }
  adopt(shown) {
    this.shown = shown;
    this.check.checked = shown.on;
    this.check.disabled = Boolean(shown.disabled) || !shown.movable;
    for (const [name, entry] of Object.entries(this.fields)) {
      if (document.activeElement !== entry || !entry.dirty) entry.value = shown[name];
      entry.disabled = name !== "text" && this.check.disabled;
    }
  }
}

class ToggleRow {
  constructor(sheet, row, box) {
    this.button = element("button", "brainmass-button", box);
    Object.assign(this.button, { type: "button", textContent: row.label, title: row.tooltip });
    this.button.addEventListener("click", () => {
      this.set(!this.on);
      sheet.ask(row.id, { on: this.on });
    });
  }
  set(on) {
    this.on = on;
    this.button.setAttribute("aria-pressed", String(on));
  }
  adopt(shown) {
    this.button.disabled = Boolean(shown.disabled);
    this.set(shown.on);
  }
}

class ButtonRow {
  constructor(sheet, row, box) {
    this.button = element("button", "brainmass-button", box);
    Object.assign(this.button, { type: "button", textContent: row.label, title: row.tooltip });
    this.button.addEventListener("click", () => sheet.press(row.id));
  }
  adopt(shown) {
    this.button.disabled = Boolean(shown.disabled);
  }
}

class ChipsRow {
  constructor(sheet, row, box) {
    this.sheet = sheet;
    this.id = row.id;
    this.box = element("div", "brainmass-chips", box);
    this.box.setAttribute("role", "group");
    this.box.setAttribute("aria-label", row.tooltip);
    if (row.label) element("span", "brainmass-name", this.box).textContent = row.label;
    this.chips = new Map();
  }
  adopt({ options, chosen }) {
    if (JSON.stringify(options) !== this.options) {
      this.options = JSON.stringify(options);
      for (const chip of this.chips.values()) chip.remove();
      this.chips = new Map(options.map((text) => [text, this.chip(text)]));
    }
    this.chosen = chosen;
    for (const [text, chip] of this.chips) {
      chip.setAttribute("aria-pressed", String(chosen.includes(text)));
    }
  }
  chip(text) {
    const chip = element("button", "brainmass-chip", this.box);
    Object.assign(chip, { type: "button", textContent: text, title: `Show or hide ${text}` });
    chip.addEventListener("click", () => {
      const rest = this.chosen.filter((t) => t !== text);
      const chosen = rest.length < this.chosen.length ? rest : [...rest, text];
      this.sheet.ask(this.id, { chosen });
    });
    return chip;
  }
}

const KINDS = {
  number: NumberRow, text: TextRow, choice: ChoiceRow, check: CheckRow, toggle: ToggleRow,
  button: ButtonRow, chips: ChipsRow, fit: FitRow, note: NoteRow,
};

/** Report what is typed into a field once it is finished; Escape takes it back. */
function typed(entry, report, before) {
  entry.addEventListener("input", () => {
    entry.dirty = true;
  });
  const done = () => {
    if (!entry.dirty) return;
    entry.dirty = false;
    report(entry.value);
  };
  entry.addEventListener("change", done);
  entry.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      done();
      entry.select();
    } else if (event.key === "Escape") {
      entry.dirty = false;
      entry.value = before();
    }
  });
}
