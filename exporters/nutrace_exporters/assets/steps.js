// The strip of steps: a bar for each step, as high as the time it took, in the colours of the components that
// took it. Drag to select steps; the dashed line is real time. The bars are in the steps' order, or the slowest first.

class StepStrip {
  constructor(canvas, trace, table, app) {
    Object.assign(this, { canvas, trace, table, app });
    this.context = canvas.getContext("2d");
    this.draw = oncePerFrame(() => this.paint());
    this.hover = -1;
    this.byTime = false;
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", () => this.release());
    canvas.addEventListener("pointercancel", () => this.release());
    canvas.addEventListener("pointerleave", () => this.leave());
    canvas.addEventListener("dblclick", () => app.selectBy(null, null));
    document.getElementById("strip-order").hidden = trace.steps.length < 2;
    document.getElementById("strip-in-order").addEventListener("click", () => this.sort(false));
    document.getElementById("strip-by-time").addEventListener("click", () => this.sort(true));
  }

  sort(byTime) {
    const { app } = this;
    this.byTime = byTime;
    this.show(app.selection);
    app.scenarioStrip.show();
    app.memoryLines.forEach((line) => line.draw());
    app.changed("push");
    app.say(byTime ? "steps by time, the slowest first" : "steps in order");
  }

  // Shows the steps of the selection's scenarios: one scenario after the other, or the slowest step first.
  show(selection) {
    const { trace } = this;
    const places = selection?.places ?? Array.from(trace.scenarios.keys());
    this.shown = stepsShown(trace, places); // positions in trace.steps, from left to right
    this.scenarios = []; // {scenario, from, to}: where in `shown` each lies, unless the steps are sorted by time
    let from = 0;
    for (const place of places) {
      const scenario = trace.scenarios[place];
      this.scenarios.push({ scenario, from, to: from + scenario.steps.length });
      from += scenario.steps.length;
    }
    const intervals = this.shown.map((position) => trace.steps[position].interval).filter(Boolean);
    this.realTime = percentile(intervals, 0.5);
    const { times } = this.table;
    if (this.byTime) this.shown.sort((a, b) => times[b] - times[a] || a - b);
    document.getElementById("strip-in-order").setAttribute("aria-pressed", String(!this.byTime));
    document.getElementById("strip-by-time").setAttribute("aria-pressed", String(this.byTime));
    this.describe();
    this.hover = -1;
    this.bars = null;
    this.draw();
  }

  // For those who do not see the bars.
  describe() {
    const { shown, table, trace, byTime } = this;
    const slowest = shown.reduce((best, position) => (table.times[position] > table.times[best] ? position : best), shown[0]);
    const facts = shown.length ? ` The slowest is ${trace.stepText(slowest)} with ${formatTime(table.times[slowest])}.` : "";
    const act = byTime ? "Click to choose one" : "Drag to choose steps";
    const label = `One bar for each step, as high as the step took${byTime ? ", the slowest first" : ""}.${facts} ${act}, or type them in the field above, or press [ and ].`;
    this.canvas.setAttribute("aria-label", label);
  }

  // The bars, one for each step or, with more steps than pixels, each column's slowest step: where in `shown` the
  // column begins, and its slowest step. They stay until other scenarios are shown, or the strip has another width.
  barsFor(width) {
    const { shown, table } = this;
    if (this.bars?.width === width) return this.bars;
    const columns = Math.min(shown.length, Math.ceil(width));
    const begins = Array.from({ length: columns + 1 }, (_, column) => Math.floor((column * shown.length) / columns));
    const time = (order) => table.times[shown[order]];
    const slowest = Array.from({ length: columns }, (_, column) => {
      let best = begins[column];
      for (let order = best + 1; order < begins[column + 1]; order++) if (time(order) > time(best)) best = order;
      return best;
    });
    this.bars = { width, columns, begins, slowest, top: topOfStrip(slowest.map(time), this.realTime) };
    return this.bars;
  }

  // Where in `shown` the pointer is.
  orderAt(event) {
    const x = event.offsetX / event.target.clientWidth;
    return Math.min(this.shown.length - 1, Math.max(0, Math.floor(x * this.shown.length)));
  }

  // The entry of `scenarios` that a place in `shown` belongs to.
  scenarioAt(order) {
    const { scenario } = this.trace.steps[this.shown[order]];
    return this.scenarios.find((entry) => entry.scenario.place === scenario);
  }

  press(event) {
    if (event.button !== 0 || !this.shown.length) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.anchor = this.orderAt(event);
    this.drag = [this.anchor, this.anchor + 1];
    this.draw();
  }

  move(event) {
    const order = this.orderAt(event);
    if (this.anchor !== undefined) {
      this.drag = this.byTime ? [order, order + 1] : this.widened(Math.min(this.anchor, order), Math.max(this.anchor, order) + 1);
    }
    if (order !== this.hover || this.drag) this.point(order, event);
  }

  point(order, event) {
    if (!this.shown.length) return;
    this.hover = order;
    this.app.tooltip.showStep(this.shown[order], event.clientX, event.clientY);
    this.draw();
  }

  // What a drag selects: steps of one scenario, or several scenarios as a whole. By time, neighbours have nothing to do
  // with each other, and one step is selected.
  widened(from, to) {
    const [first, last] = [this.scenarioAt(from), this.scenarioAt(to - 1)];
    return first === last ? [from, to] : [first.from, last.to];
  }

  release() {
    const { drag, app } = this;
    this.anchor = this.drag = undefined;
    if (!drag) return;
    const [first, last] = [this.scenarioAt(drag[0]), this.scenarioAt(drag[1] - 1)];
    const dragged = this.scenarios.slice(this.scenarios.indexOf(first), this.scenarios.indexOf(last) + 1);
    const places = this.trace.scenarios.length > 1 ? dragged.map(({ scenario }) => scenario.place) : null;
    // Where a step is narrower than a pixel or two, a click means its scenario.
    const narrow = !this.byTime && this.canvas.clientWidth < 2 * this.shown.length && drag[1] - drag[0] === 1 && this.scenarios.length > 1;
    if (first !== last || narrow) return app.selectBy(places, null);
    const [from, to] = [drag[0], drag[1] - 1].map((order) => this.trace.steps[this.shown[order]].iteration);
    const now = app.selection?.iterations;
    const again = now && from === to && now[0] === from && now[1] === to + 1 && app.selection.steps.length === 1;
    app.selectBy(places, again ? null : [from, to + 1]);
  }

  leave() {
    this.hover = -1;
    this.app.tooltip.hide();
    this.draw();
  }

  paint() {
    const { context: c, table, app, shown } = this;
    const [width, height] = fitCanvas(c);
    const { theme } = app.look;
    if (!shown.length) return;
    const room = width / shown.length;
    const gap = room > 5 ? 1 : 0;
    const { columns, begins, slowest, top } = this.barsFor(width);
    const scale = (height - 4) / top;
    const { drag } = this;
    const mask = app.selection?.iterations ? app.selection.mask : null;
    const chosen = (order) => (drag ? order >= drag[0] && order < drag[1] : !mask || mask[shown[order]] === 1);
    const fills = app.componentFills();
    // What is hidden stays part of the bar, without its colour: the bar is as high as the step took.
    for (const component of app.hidden) fills[component] = theme.rule;
    const components = [false, true].flatMap((hidden) => app.componentOrder.filter((k) => app.hidden.has(k) === hidden));
    const cut = []; // bars that are higher than the strip
    for (let column = 0; column < columns; column++) {
      // Of a column where some steps are selected, the slowest of these is shown.
      const [first, until] = [begins[column], begins[column + 1]];
      let best = slowest[column];
      for (let order = first; order < until && !chosen(best); order++) if (chosen(order)) best = order;
      for (let order = best + 1; order < until && best !== slowest[column]; order++) {
        if (chosen(order) && table.times[shown[order]] > table.times[shown[best]]) best = order;
      }
      const step = shown[best];
      const x = (column * width) / columns;
      const bar = Math.max(width / columns - gap, 0.6);
      c.globalAlpha = chosen(best) ? 1 : 0.28;
      let y = height;
      for (const component of components) {
        const part = table.parts[step * table.width + component] * scale;
        if (part < 0.05) continue;
        c.fillStyle = fills[component];
        c.fillRect(x, Math.max(y - part, 0), bar, Math.min(part, y));
        y -= part;
        if (y <= 0) break;
      }
      if (table.times[step] > top) {
        paintCut(c, theme, x, bar);
        cut.push({ x, bar, time: table.times[step] });
      }
      if (this.hover >= first && this.hover < until) {
        c.globalAlpha = 0.18;
        c.fillStyle = theme.text;
        c.fillRect(x, 0, bar, height);
      }
    }
    c.globalAlpha = 1;
    app.scenarioStrip.paintBoundaries(c, width, height);
    for (const [from, to] of drag ? [drag] : mask ? this.runs(mask) : []) {
      c.strokeStyle = theme.accent;
      c.lineWidth = 1.5;
      c.strokeRect(from * room + 0.5, 0.75, Math.max((to - from) * room - 1, 1), height - 1.5);
    }
    const taken = paintCutTimes(c, theme, cut, width);
    if (this.realTime) this.paintRealTime(height - this.realTime * scale, width, taken);
  }

  // Where in `shown` steps of the mask stand one beside the other; nothing if the outlines would hide the bars.
  runs(mask) {
    const chosen = [];
    this.shown.forEach((position, order) => mask[position] && chosen.push(order));
    const runs = rangesOf(chosen);
    return runs.length > this.canvas.clientWidth / 8 ? [] : runs;
  }

  // A dashed line, or an arrow if real time is far above the steps. `taken` are the parts of the upper edge that have
  // texts already.
  paintRealTime(y, width, taken) {
    const { context: c } = this;
    const { theme } = this.app.look;
    const text = `${y < 0 ? "↑ " : ""}real time ${formatInterval(this.realTime)}`;
    const room = noteWidth(c, text);
    const right = y > 40 || taken.every(([, until]) => until <= width - room) ? width : room;
    if (y < 0) return paintNote(c, theme, text, right, 2);
    c.strokeStyle = theme.over;
    c.lineWidth = 1;
    c.setLineDash([5, 4]);
    c.beginPath();
    c.moveTo(0, Math.round(y) + 0.5);
    c.lineTo(width, Math.round(y) + 0.5);
    c.stroke();
    c.setLineDash([]);
    return paintNote(c, theme, text, right, y > 20 ? y - 17 : y + 2);
  }
}

ADDRESS_PARTS.push({
  save({ strip }, words) {
    if (strip.byTime) words.set("strip", "time");
  },
  read({ strip }, words) {
    strip.byTime = words.get("strip") === "time";
  },
});
