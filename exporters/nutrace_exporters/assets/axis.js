// The axis above the bars. In time order it is a timeline. In the other views a bar's place says nothing, and its width
// is time summed: there the axis is a ruler that begins at the left edge, whatever is in view.

// The ruler in the unit of the page: ns on the axis for each nanosecond, or percent, that it shows (size); the text of a
// tick; what a width (ns) is (told); and what widths are sums of.
function rulerOf({ unit, summary }) {
  const all = summary.all || 1;
  if (unit === "%") return { size: all / 100, text: percentTick, told: (ns) => formatShare(ns / all), sum: "of all" };
  const inSteps = unit === "per step" && summary.steps > 0 && !summary.regions[OUTSIDE].self.some(Boolean);
  return inSteps ? ruler(summary.steps, "per step") : ruler(1, "summed");
}

function ruler(size, sum) {
  return { size, text: formatTick, told: (ns) => formatTime(ns / size), sum };
}

function percentTick(at, step) {
  return `${at.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))} %`;
}

function axisTicks({ scene, view: { from, to }, width, scale, look }) {
  const timeline = scene.kind === "time";
  const origin = timeline ? look.origin : from;
  const { size, text } = timeline ? ruler(1) : look.ruler();
  const step = niceStep(((110 / width) * (to - from)) / size);
  const ticks = [];
  for (let k = Math.ceil((from - origin) / size / step); k * step * size + origin <= to && ticks.length < 100; k++) {
    ticks.push({ x: Math.round((k * step * size + origin - from) * scale), text: text(k * step, step) });
  }
  return ticks;
}

// How much is in view, and of how much: "3.1 s of 12.4 s summed", "25.0 % of all".
function axisNote({ scene, view, look }) {
  if (scene.kind === "time") return "";
  const { text, told, sum } = look.ruler();
  const shown = view.to - view.from;
  const part = text === percentTick || shown > scene.end * 0.999;
  return part ? `${told(shown)} ${sum}` : `${told(shown)} of ${told(scene.end)} ${sum}`;
}

function paintAxis(chart, ticks) {
  const { context: c, look, labels, width } = chart;
  c.fillStyle = look.theme.panel;
  c.fillRect(0, 0, width, AXIS);
  c.fillStyle = look.theme.rule;
  c.fillRect(0, AXIS - 1, width, 1);
  c.fillStyle = look.theme.muted;
  const note = axisNote(chart);
  const room = note ? width - labels.width(note) - 18 : width;
  for (const { x, text } of ticks) {
    c.fillRect(x, AXIS - 6, 1, 5);
    if (x + 6 + labels.width(text) < room) c.fillText(text, x + 4, AXIS / 2 - 1);
  }
  if (note) c.fillText(note, width - labels.width(note) - 8, AXIS / 2 - 1);
}
