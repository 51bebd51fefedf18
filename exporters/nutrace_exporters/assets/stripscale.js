// The scale of the strip of steps, and its marks at the upper edge.

// The time that is as high as the strip. A step that takes many times as long as others would flatten them: it is cut
// off, so that a usual step has a sixth of the strip or more. No more than a quarter of the steps are cut. Real time
// is in sight unless it would flatten the steps.
function topOfStrip(times, realTime) {
  const [median, upperQuartile] = percentiles(times, 0.5, 0.75);
  const most = Math.max(5.5 * median, 1.25 * upperQuartile);
  const top = 1.08 * times.reduce((highest, time) => (time <= most && time > highest ? time : highest), 0) || 1;
  return Math.max(top, 1.15 * realTime <= 2 * top ? 1.15 * realTime : 0);
}

// The mark of a bar that is cut off: a cap and, on a wide bar, a break below it.
function paintCut(c, theme, x, bar) {
  c.fillStyle = theme.over;
  c.fillRect(x, 0, bar, 3);
  if (bar < 4) return;
  c.strokeStyle = theme.ground;
  c.lineWidth = 2;
  c.beginPath();
  c.moveTo(x - 1, 10);
  c.lineTo(x + bar + 1, 6);
  c.stroke();
}

// The times of bars that are cut off, {x, bar, time} each from left to right, beside them. Neighbours share a text, as
// it would cover the next bar. Returns the parts of the upper edge that have a text now.
function paintCutTimes(c, theme, cut, width) {
  const groups = [];
  for (const each of cut) {
    const last = groups.at(-1);
    if (!last || each.x - last.until >= LEAST_APART) groups.push({ from: each.x, until: each.x + each.bar, times: [each.time] });
    else {
      last.until = each.x + each.bar;
      last.times.push(each.time);
    }
  }
  const taken = [];
  const free = (from, to) => from >= 0 && to <= width && taken.every(([left, right]) => to <= left || from >= right);
  const longest = ({ times }) => percentile(times, 1);
  for (const { from, until, times } of groups.sort((a, b) => longest(b) - longest(a)).slice(0, MOST_CUT_TIMES)) {
    const text = times.length < 4 ? times.map(formatTime).join(", ") : `${formatCount(times.length)} cut, up to ${formatTime(longest({ times }))}`;
    const room = noteWidth(c, text);
    const start = [until + 1, from - room - 1].find((left) => free(left, left + room));
    if (start === undefined) continue;
    taken.push([start, start + room]);
    paintNote(c, theme, text, start + room, 2);
  }
  return taken;
}

const LEAST_APART = 60; // px between bars of which each has a text
const MOST_CUT_TIMES = 6; // Texts cover the bars below them.

function noteWidth(c, text) {
  c.font = SMALL_FONT;
  return c.measureText(text).width + 8;
}

// A text that ends at x, on a ground of its own.
function paintNote(c, theme, text, x, y) {
  const room = noteWidth(c, text);
  c.globalAlpha = 0.85;
  c.fillStyle = theme.panel;
  c.fillRect(x - room, y, room, 15);
  c.globalAlpha = 1;
  c.fillStyle = theme.over;
  c.textBaseline = "middle";
  c.fillText(text, x - room + 4, y + 8);
}
