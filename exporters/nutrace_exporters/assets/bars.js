// Bars: the items of a row, as wide as they cost. Drawing a row takes time for each pixel, not for each span: it goes
// from pixel to pixel by binary search, and draws the items of a pixel as one bar.

const NARROW = 2.5; // px; an item less wide has no bar of its own
// Of very many items in a pixel, some give its colour: neighbours, as these often alternate, and every so many-th could be
// of one kind; from two places, which are not the same in each pixel, or they would draw patterns of their own.
const PLACES = 2;
const NEIGHBOURS = 4;
const PALE = 0.7; // how much of the ground shows where nothing covers it: not all, so that small items are seen
const PALEST = 0.56;

// frame: what is seen, { from, to (ns), scale (px in a ns), width (px), fine (px that the screen can tell apart) }.
// wide(item, fill, x, end), if given, draws what an item of more than a few pixels has besides its colour.
function paintBars(c, scene, row, look, frame, y, height, wide = null) {
  const { left, right, rowItems } = scene;
  const { from, to, scale, width, fine } = frame;
  const high = scene.rowStart[row + 1];
  let k = scene.firstAfter(from, scene.rowStart[row], high);
  // A bar of pixels, which grows while the colour stays the same.
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
    if (end - x >= NARROW) {
      flush();
      const fill = look.fill(item, scene.frame[item]);
      const visible = Math.max(x, -1);
      const visibleEnd = Math.min(end, width + 1) - (end - x > 5 ? 1 : 0.4);
      c.fillStyle = fill;
      c.fillRect(visible, y, visibleEnd - visible, height);
      wide?.(item, fill, visible, visibleEnd);
      k++;
      continue;
    }
    if (x < drawnTo && end <= drawnTo) {
      k++;
      continue;
    }
    // The pixel of narrow items from k up to, not including, `last`. An item across its edge goes on in the next.
    const pixel = Math.max(Math.floor(x / fine) * fine, drawnTo);
    const [begin, until] = [from + pixel / scale, from + (pixel + fine) / scale];
    const next = scene.firstAfter(until, k, high);
    const across = next < high && left[rowItems[next]] < until && (right[rowItems[next]] - left[rowItems[next]]) * scale < NARROW;
    const last = Math.max(across ? next + 1 : next, k + 1);
    const shown = pixelFill(scene, look, k, last, begin, until);
    drawnTo = pixel + fine;
    k = next;
    if (!shown) continue;
    if (shown !== barFill || pixel > barEnd + fine * 0.5) {
      flush();
      barX = pixel;
      barFill = shown;
    }
    barEnd = drawnTo;
  }
  flush();
}

// The colour of a pixel that lasts from `begin` until `until` (ns): its items' colours, mixed by the time that each takes
// of it, paler the less of it they cover; "" if that is next to nothing.
function pixelFill(scene, look, first, last, begin, until) {
  const { left, right, rowItems, widthBefore, frame } = scene;
  const [head, tail] = [rowItems[first], rowItems[last - 1]];
  const [before, behind] = [Math.max(begin - left[head], 0), Math.max(right[tail] - until, 0)]; // of them, not in the pixel
  const count = last - first;
  const places = count > PLACES * NEIGHBOURS ? PLACES : 1;
  const each = places > 1 ? NEIGHBOURS : count;
  const chance = (first * 0.618034) % 1;
  MIXTURE.clear();
  for (let place = 0; place < places; place++) {
    const start = first + Math.floor(((place + chance) * (count - each)) / places);
    for (let k = start; k < start + each; k++) {
      const time = widthBefore[k + 1] - widthBefore[k] - (k === first ? before : 0) - (k === last - 1 ? behind : 0);
      MIXTURE.add(look.fill(rowItems[k], frame[rowItems[k]]), Math.max(time, 1e-6)); // what takes no time is seen, too
    }
  }
  const bare = 1 - (widthBefore[last] - widthBefore[first] - before - behind) / (until - begin);
  // However small, an item is seen in the pixel of its middle; not in two, or it would look wider at edges of pixels.
  const within = (item) => left[item] + right[item] >= 2 * begin && left[item] + right[item] < 2 * until;
  const pale = count > 2 || within(head) || within(tail) ? Math.min(PALE * bare, PALEST) : bare;
  // In coarse steps, so that neighbours of almost one colour are one bar.
  return pale > 0.95 ? "" : MIXTURE.over(look.theme.ground, Math.round(16 * pale) / 16);
}

// The mean of colours.
class Mixture {
  constructor() {
    this.parts = new Map(); // of colours: red, green, blue
    this.hexes = new Map(); // of mixed colours
  }

  clear() {
    this.only = null; // the colour, if it is but one
    this.red = this.green = this.blue = this.sum = 0;
  }

  add(colour, weight) {
    if (this.sum === 0) this.only = colour;
    else if (this.only !== colour) this.only = null;
    const parts = this.partsOf(colour);
    this.red += parts[0] * weight;
    this.green += parts[1] * weight;
    this.blue += parts[2] * weight;
    this.sum += weight;
  }

  // With a share of the ground.
  over(ground, share) {
    if (this.only && share <= 0) return this.only;
    const [red, green, blue] = this.partsOf(ground);
    const level = (total, behind) => {
      const mean = total / this.sum;
      return Math.min(Math.round((mean + (behind - mean) * share) / 4) * 4, 255);
    };
    const mixed = (level(this.red, red) << 16) | (level(this.green, green) << 8) | level(this.blue, blue);
    let hex = this.hexes.get(mixed);
    if (!hex) this.hexes.set(mixed, (hex = `#${mixed.toString(16).padStart(6, "0")}`));
    return hex;
  }

  partsOf(colour) {
    let parts = this.parts.get(colour);
    if (!parts) this.parts.set(colour, (parts = rgb(colour)));
    return parts;
  }
}

const MIXTURE = new Mixture(); // of the pixel at hand
