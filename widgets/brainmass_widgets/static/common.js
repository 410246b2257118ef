/* What plots and controls share. */

function element(tag, className, parent) {
  const node = document.createElement(tag);
  node.className = className;
  parent?.appendChild(node);
  return node;
}

/** Give a class the methods of a part that is written in another file. */
function extend(target, part) {
  for (const name of Object.getOwnPropertyNames(part.prototype)) {
    if (name !== "constructor") target.prototype[name] = part.prototype[name];
  }
}

function niceStep(span, count) {
  const raw = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const unit = raw / power;
  return power * (unit <= 1 ? 1 : unit <= 2 ? 2 : unit <= 5 ? 5 : 10);
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

/** Keep JupyterLab from reading plain keys on a widget as commands for the cell. */
function shield(root) {
  const handler = (event) => {
    const owner = root.closest(".brainmass-widget") || root;
    if (!owner.contains(event.target)) return;
    const command =
      event.ctrlKey || event.metaKey || event.altKey || event.key === "Escape" ||
      (event.shiftKey && event.key === "Enter");
    event.target.toggleAttribute?.("data-lm-suppress-shortcuts", !command);
  };
  window.addEventListener("keydown", handler, { capture: true });
  return () => window.removeEventListener("keydown", handler, { capture: true });
}

const PARTS = ".brainmass-sheet, .brainmass-canvas";
const GONE =
  "The kernel that drew this was restarted or shut down. Run the cell again to go on from here.";

/** Call `say` with a sentence when the kernel behind a widget is gone, with "" when it is back.
 *
 * Only the first part of a widget says it; the others hear a blank, so that they can look the part.
 */
function watchKernel(model, el, say) {
  const look = () => {
    if (!el.closest(".jupyter-widgets-disconnected")) return say("");
    const parts = el.closest(".brainmass-widget")?.querySelectorAll(PARTS);
    return say(!parts || parts[0] === el ? GONE : " ");
  };
  // The class is set by another listener of the same event.
  const later = () => setTimeout(look, 0);
  model.on("comm_live_update", later);
  later();
  return () => model.off("comm_live_update", later);
}

const CLOSED = "This was closed. Run the cell again to open it anew.";

/** Leave a sentence where a widget stood, once it is closed. */
function watchClosing(model, el) {
  const leave = () => {
    // Not in the output itself, which JupyterLab hides when its widget is gone.
    const place = el.closest(".brainmass-widget")?.parentElement?.parentElement;
    if (!place || place.querySelector(":scope > .brainmass-closed")) return;
    const note = element("div", "brainmass-closed", place);
    note.setAttribute("role", "status");
    note.textContent = CLOSED;
  };
  model.on("comm:close", leave);
  return () => model.off("comm:close", leave);
}
