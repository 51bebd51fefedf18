// The strip of steps: a bar for each step, as high as the time it took, in the colours of the components that
// took it. Drag to select steps; the dashed line is real time.

class StepStrip {
  constructor(canvas, trace, table, app) {
    Object.assign(this, { canvas, trace, table, app });
    this.context = canvas.getContext("2d");
    this.intervals = trace.steps.map((step) => step.interval).filter(Boolean);
    this.realTime = this.intervals.length ? percentile(this.intervals, 0.5) : 0;
    const highest = percentile(table.times, 1);
    // A very slow step must not flatten the others: its bar is cut off and marked.
    const usual = Math.max(percentile(table.times, 0.95) * 1.8, this.realTime * 1.2);
    this.top = Math.min(highest * 1.08, usual) || 1;
    this.hover = -1;
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", () => this.release());
    canvas.addEventListener("pointercancel", () => this.release());
    canvas.addEventListener("pointerleave", () => this.leave());
    canvas.addEventListener("dblclick", () => app.select(null));
  }

  stepAt(event) {
    const x = event.offsetX / this.canvas.clientWidth;
    return Math.min(this.trace.steps.length - 1, Math.max(0, Math.floor(x * this.trace.steps.length)));
  }

  press(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.anchor = this.stepAt(event);
    this.drag = [this.anchor, this.anchor + 1];
    this.draw();
  }

  move(event) {
    const step = this.stepAt(event);
    if (this.anchor !== undefined) {
      this.drag = [Math.min(this.anchor, step), Math.max(this.anchor, step) + 1];
    }
    if (step !== this.hover || this.drag) {
      this.hover = step;
      this.app.tooltipOfStep(step, event.clientX, event.clientY);
      this.draw();
    }
  }

  release() {
    const { drag } = this;
    this.anchor = this.drag = undefined;
    if (!drag) return;
    const now = this.app.selection;
    const again = now && now[0] === drag[0] && now[1] === drag[1] && drag[1] - drag[0] === 1;
    this.app.select(again ? null : drag);
  }

  leave() {
    this.hover = -1;
    this.app.hideTooltip();
    this.draw();
  }

  draw() {
    if (this.request) return;
    this.request = requestAnimationFrame(() => {
      this.request = 0;
      this.paint();
    });
  }

  paint() {
    const { canvas, context: c, table, app } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { theme } = app.look;
    const count = table.times.length;
    const room = width / count;
    const gap = room > 5 ? 1 : 0;
    const scale = (height - 4) / this.top;
    const chosen = this.drag ?? app.selection;
    const fills = app.componentFills();
    const columns = Math.min(count, Math.ceil(width));
    for (let column = 0; column < columns; column++) {
      // With more steps than pixels, a column shows its slowest step.
      let step = Math.floor((column * count) / columns);
      const until = Math.floor(((column + 1) * count) / columns);
      for (let other = step + 1; other < until; other++) if (table.times[other] > table.times[step]) step = other;
      const x = (column * width) / columns;
      const bar = Math.max(width / columns - gap, 0.6);
      c.globalAlpha = chosen && (step < chosen[0] || step >= chosen[1]) ? 0.28 : 1;
      let y = height;
      for (const component of app.componentOrder) {
        const part = table.parts[step * table.width + component] * scale;
        if (part < 0.05) continue;
        c.fillStyle = fills[component];
        c.fillRect(x, Math.max(y - part, 0), bar, Math.min(part, y));
        y -= part;
        if (y <= 0) break;
      }
      if (table.times[step] > this.top) {
        c.fillStyle = theme.over;
        c.fillRect(x, 0, bar, 3);
      }
      if (step === this.hover) {
        c.globalAlpha = 0.18;
        c.fillStyle = theme.text;
        c.fillRect(x, 0, bar, height);
      }
    }
    c.globalAlpha = 1;
    if (chosen) {
      c.strokeStyle = theme.accent;
      c.lineWidth = 1.5;
      c.strokeRect(chosen[0] * room + 0.5, 0.75, Math.max((chosen[1] - chosen[0]) * room - 1, 1), height - 1.5);
    }
    if (this.realTime) this.paintRealTime(height - this.realTime * scale, width);
  }

  paintRealTime(y, width) {
    const { context: c } = this;
    const { theme } = this.app.look;
    c.strokeStyle = theme.over;
    c.lineWidth = 1;
    c.setLineDash([5, 4]);
    c.beginPath();
    c.moveTo(0, Math.round(y) + 0.5);
    c.lineTo(width, Math.round(y) + 0.5);
    c.stroke();
    c.setLineDash([]);
    const text = `real time ${formatTime(this.realTime).replace(".0", "")}`;
    c.font = FONT.replace("12px", "11px");
    const room = c.measureText(text).width + 10;
    c.globalAlpha = 0.85;
    c.fillStyle = theme.panel;
    c.fillRect(width - room, y > 20 ? y - 17 : y + 2, room, 15);
    c.globalAlpha = 1;
    c.fillStyle = theme.over;
    c.textBaseline = "middle";
    c.fillText(text, width - room + 5, y > 20 ? y - 9 : y + 10);
  }
}
