/* Colours of lines in both themes, and of heat maps. */

const COLOURS = {
  light: ["#0072b2", "#d1480d", "#00805c", "#a8448c", "#8a6d00", "#3d8fc4", "#6a51c7", "#5c5c5c"],
  dark: ["#5ab4f0", "#ff9352", "#3fd6a2", "#f09ac9", "#f0d848", "#9cd3ff", "#b9a2ff", "#c4c4c4"],
};
const SCALES = {
  sequential: [
    [68, 1, 84], [72, 36, 117], [65, 68, 135], [53, 95, 141], [42, 120, 142], [33, 145, 140],
    [34, 168, 132], [68, 191, 112], [122, 209, 81], [189, 223, 38], [253, 231, 37],
  ],
  diverging: [
    [5, 48, 97], [33, 102, 172], [67, 147, 195], [146, 197, 222], [209, 229, 240], [247, 247, 247],
    [253, 219, 199], [244, 165, 130], [214, 96, 77], [178, 24, 43], [103, 0, 31],
  ],
};

/** A table from byte to colour. Byte 0 stands for "no value" and is transparent. */
function colourTable(stops) {
  const table = new Uint32Array(256);
  for (let i = 1; i < 256; i++) {
    const at = ((i - 1) / 254) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const [r, g, b] = stops[low].map((c, k) =>
      Math.round(c + (stops[low + 1][k] - c) * (at - low))
    );
    table[i] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return table;
}
const TABLES = Object.fromEntries(
  Object.entries(SCALES).map(([name, stops]) => [name, colourTable(stops)])
);
