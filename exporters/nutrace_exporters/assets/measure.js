// A measured range of the chart: how long it is, and in time order how many spans begin in it.

class Measure {
  constructor(app) {
    this.app = app;
    this.chart = app.chart;
    this.box = document.getElementById("measured");
    this.text = document.getElementById("measured-text");
    document.getElementById("measured-zoom").addEventListener("click", () => this.zoom());
    document.getElementById("measured-clear").addEventListener("click", () => this.clear());
    this.chart.followers.push(this);
  }

  // From one time to another, in either order.
  show(one, other) {
    const { chart, app: { scene } } = this;
    const [from, to] = [Math.min(one, other), Math.max(one, other)].map((time) => Math.min(Math.max(time, 0), scene.end));
    chart.range = { from, to };
    this.text.textContent = this.told();
    chart.draw();
  }

  // Takes in a span, besides what is measured already.
  take(item) {
    if (item < 0) return this.app.say("No span is chosen.");
    const { chart, app: { scene } } = this;
    const { from, to } = chart.range ?? { from: Infinity, to: -Infinity };
    this.show(Math.min(from, scene.left[item]), Math.max(to, scene.right[item]));
    this.announce();
  }

  announce() {
    this.app.say(`Measured ${this.told()}. Enter zooms, Escape clears.`);
  }

  told() {
    const { scene } = this.app;
    const { from, to } = this.chart.range;
    if (scene.kind !== "time") {
      const { told, sum } = this.app.look.ruler();
      return `${told(to - from)} ${sum} · ${formatShare((to - from) / (scene.end || 1))} of the picture`;
    }
    const count = spansBegunIn(scene, from, to);
    return `${formatTime(to - from)} · ${count === 1 ? "1 span begins" : `${formatCount(count)} spans begin`} in it`;
  }

  // Each returns whether there was a range.
  zoom() {
    const { range } = this.chart;
    if (range) {
      this.chart.moveTo(range.from, range.to);
      this.app.changed("push");
    }
    return this.clear();
  }

  clear() {
    const { range } = this.chart;
    this.chart.range = null;
    this.chart.draw();
    return range !== null;
  }

  // Puts the box below the axis, over the middle of the range.
  paint() {
    const { box, chart } = this;
    const { range, view, scale, canvas, width } = chart;
    box.hidden = !range;
    if (!range) return;
    const middle = ((Math.max(range.from, view.from) + Math.min(range.to, view.to)) / 2 - view.from) * scale;
    const x = Math.min(Math.max(middle - box.offsetWidth / 2, 4), width - box.offsetWidth - 4);
    const [outer, inner] = [box.offsetParent, canvas].map((each) => each.getBoundingClientRect());
    box.style.transform = `translate(${Math.max(x, 0) + inner.left - outer.left}px, ${inner.top - outer.top + AXIS + 6}px)`;
  }
}

// In the rows that are shown, how many items begin from one time up to another.
function spansBegunIn(scene, from, to) {
  const { left, rowItems, rowStart } = scene;
  const firstFrom = (time, low, high) => {
    while (low < high) {
      const middle = (low + high) >> 1;
      if (left[rowItems[middle]] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  let count = 0;
  for (const { base, rows } of scene.lanes) {
    for (let row = base; row < base + rows; row++) {
      const first = firstFrom(from, rowStart[row], rowStart[row + 1]);
      count += firstFrom(to, first, rowStart[row + 1]) - first;
    }
  }
  return count;
}
