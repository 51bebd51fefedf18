// The axis above the bars. In time order it is a timeline. In the other views a bar's place says nothing, and its width
// is time summed: there the axis is a ruler that begins at the left edge, whatever is in view.

function axisTicks({ scene, view: { from, to }, width, scale, look }) {
  const timeline = scene.kind === "time";
  const origin = timeline ? look.origin : from;
  const step = niceStep((110 / width) * (to - from));
  const ticks = [];
  for (let at = Math.ceil((from - origin) / step) * step; at + origin <= to && ticks.length < 100; at += step) {
    ticks.push({ x: Math.round((at + origin - from) * scale), text: formatTick(Math.round(at / step) * step, step) });
  }
  return ticks;
}

function paintAxis(chart, ticks) {
  const { context: c, look, labels, width, scene, view } = chart;
  c.fillStyle = look.theme.panel;
  c.fillRect(0, 0, width, AXIS);
  c.fillStyle = look.theme.rule;
  c.fillRect(0, AXIS - 1, width, 1);
  c.fillStyle = look.theme.muted;
  const note = scene.kind === "time" ? "" : look.axisNote(view.to - view.from, scene.end);
  const room = note ? width - labels.width(note) - 18 : width;
  for (const { x, text } of ticks) {
    c.fillRect(x, AXIS - 6, 1, 5);
    if (x + 6 + labels.width(text) < room) c.fillText(text, x + 4, AXIS / 2 - 1);
  }
  if (note) c.fillText(note, width - labels.width(note) - 8, AXIS / 2 - 1);
}
