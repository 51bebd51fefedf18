// The veil over what is not selected, in time order, and where the text of a bar lies beside it.

const VEIL = 0.72; // how much of the ground lies over what is not selected
const THIN = 4; // px; a strip so thin, selected or not, is no reason to move text

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

// The stretches of a lane that are selected, [x, end] px. Thin ones, and thin gaps between others, do not count.
function litStretches(intervals, { from, scale, width }) {
  const lit = [];
  let [x, k] = [0, 0];
  while (x < width) {
    k = firstEndingAfter(intervals, from + x / scale, k);
    if (k === intervals.length) break;
    const [left, right] = intervals[k].map((edge) => Math.min((edge - from) * scale, width));
    if (lit.length && left - lit.at(-1)[1] < THIN) lit.at(-1)[1] = right;
    else lit.push([Math.max(left, x), right]);
    x = Math.max(right, x + 1);
  }
  return lit.filter(([left, right]) => right - left >= THIN);
}

// The part of a bar that its text lies on, as text in one colour cannot be read on both: what is selected first, if
// `least` px fit there, or else the longest part. Without `lit`, nothing is veiled.
function placeOfText(lit, x, end, least) {
  if (!lit) return { from: x, to: end, veiled: false };
  let best = { from: x, to: x, veiled: true };
  let at = x;
  for (let k = firstEndingAfter(lit, x); at < end; k++) {
    const [left, right] = (lit[k] ?? [end, end]).map((edge) => Math.min(Math.max(edge, at), end));
    if (right - left >= least) return { from: left, to: right, veiled: false };
    const parts = [{ from: at, to: left, veiled: true }, { from: left, to: right, veiled: false }];
    for (const part of parts) if (part.to - part.from > best.to - best.from) best = part;
    at = right;
  }
  return best;
}
