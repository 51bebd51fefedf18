// Bars: the items of a row, as wide as they cost. Drawing a row takes time for each pixel, not for each span: it goes
// from pixel to pixel by binary search, and draws the items of a pixel as one bar.

const VEIL = 0.72; // how much of the ground lies over what is not selected

// frame: what is seen, { from, to (ns), scale (px in a ns), width (px), fine (px that the screen can tell apart) }.
// wide(item, fill, x, end), if given, draws what an item of more than a few pixels has besides its colour.
function paintBars(c, scene, row, look, frame, y, height, wide = null) {
  const { left, right, rowItems } = scene;
  const { from, to, scale, width, fine } = frame;
  const high = scene.rowStart[row + 1];
  let k = scene.firstAfter(from, scene.rowStart[row], high);
  // A bar of items narrower than a pixel, which grows while the colour stays the same.
  let barX = 0;
  let barEnd = -1;
  let barFill = "";
  let drawnTo = -Infinity;
  const flush = () => {
    if (barEnd < 0) return;
    c.fillStyle = barFill;
    c.fillRect(barX, y, barEnd - barX, height);
    barEnd = -1;
  };
  while (k < high) {
    const item = rowItems[k];
    if (left[item] >= to) break;
    const x = (left[item] - from) * scale;
    const end = (right[item] - from) * scale;
    const fill = look.fill(item, scene.frame[item]);
    if (end - x >= 2.5) {
      flush();
      const visible = Math.max(x, -1);
      const visibleEnd = Math.min(end, width + 1) - (end - x > 5 ? 1 : 0.4);
      c.fillStyle = fill;
      c.fillRect(visible, y, visibleEnd - visible, height);
      wide?.(item, fill, visible, visibleEnd);
      k++;
      continue;
    }
    // Items narrower than a pixel: the pixel gets the colour of the item at its left edge, paler the
    // less of it is covered. Go on at the first item that ends after the pixel.
    // An item across an edge counts for the pixel that it ends in.
    const pixel = Math.max(Math.floor(x / fine) * fine, drawnTo);
    const pixelEnd = Math.max(pixel + fine, Math.ceil(end / fine) * fine);
    const next = Math.max(scene.firstAfter(from + (pixel + fine) / scale, k + 1, high), k + 1);
    const covered = ((scene.widthBefore[next] - scene.widthBefore[k]) * scale) / (pixelEnd - pixel);
    const shown = look.pale(fill, covered > 0.75 ? 0 : covered > 0.45 ? 1 : 2);
    if (shown !== barFill || pixel > barEnd + fine * 0.5) {
      flush();
      barX = pixel;
      barFill = shown;
    }
    barEnd = drawnTo = pixelEnd;
    k = next;
  }
  flush();
}

// In time order, what is not selected is faded: between the selected intervals of a lane.
function paintVeil(c, intervals, { from, scale, width }, ground, y, height) {
  if (y > c.canvas.height || y + height < 0) return;
  c.globalAlpha = VEIL;
  c.fillStyle = ground;
  let [x, k] = [0, 0];
  while (x < width) {
    // Not one interval after the other, as thousands may lie in a pixel.
    k = firstEndingAfter(intervals, from + x / scale, k);
    const [left, right] = k < intervals.length ? intervals[k] : [Infinity, Infinity];
    const until = Math.min((left - from) * scale, width);
    if (until - x > 0.5) c.fillRect(x, y, until - x, height);
    x = Math.max((right - from) * scale, x + 1);
  }
  c.globalAlpha = 1;
}
