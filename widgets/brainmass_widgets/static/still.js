/* Plots of a page without a kernel: FRAMES holds what each of them shows. */

/** Turn the buffers, which are text inside the page, into views again. */
function revive(value) {
  if (Array.isArray(value)) return value.map(revive);
  if (!value || typeof value !== "object") return value;
  if (typeof value.base64 === "string") {
    const bytes = Uint8Array.from(atob(value.base64), (c) => c.charCodeAt(0));
    return new DataView(bytes.buffer);
  }
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, revive(part)]));
}

class Still {
  constructor(state) {
    this.state = { margins: [0, 0], notice: {}, events: [], near: true, ...state };
  }
  get(name) {
    return this.state[name];
  }
  on() {}
  off() {}
  send() {}
}

for (const state of FRAMES) {
  const box = element("div", "", document.getElementById("plots"));
  new Plot(new Still(revive(state)), box);
}
