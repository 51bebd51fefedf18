// The minimap: all that is selected, small, and in it the part that the chart shows. The small picture is drawn anew only
// when other spans or other colours are shown; a frame copies it, and draws the window over it.

const MINIMAP_ROWS = 16; // of more rows, as many are drawn, evenly chosen
const EDGE_REACH = 6; // px

class Minimap {
  constructor(canvas, app) {
    Object.assign(this, { canvas, app, chart: app.chart });
    this.context = canvas.getContext("2d");
    this.picture = document.createElement("canvas");
    this.pictured = [];
    this.drag = null;
    this.size = null; // width and height, px
    new ResizeObserver(() => {
      if (this.size?.[0] === canvas.clientWidth && this.size[1] === canvas.clientHeight) return; // the first size
      this.size = null;
      this.chart.draw();
    }).observe(canvas);
    this.chart.followers.push(this);
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.release(event));
    canvas.addEventListener("pointercancel", () => (this.drag = null));
    canvas.addEventListener("dblclick", () => app.focusOn(-1));
  }

  // --- drawing --------------------------------------------------------------------------------

  paint() {
    const { context: c, app: { look } } = this;
    this.size ??= fitCanvas(c);
    const [width, height] = this.size;
    if (!width || !height) return;
    this.drawPicture(width, height);
    c.drawImage(this.picture, 0, 0, width, height);
    const [x, end] = this.window();
    const all = this.showsAll();
    c.fillStyle = look.theme.ground;
    c.globalAlpha = 0.7;
    c.fillRect(0, 0, x, height);
    c.fillRect(end, 0, width - end, height);
    c.globalAlpha = 1;
    c.strokeStyle = c.fillStyle = all ? look.theme.muted : look.theme.accent;
    c.lineWidth = 1;
    if (!all) c.strokeRect(x + 0.5, 0.5, Math.max(end - x - 1, 1), height - 1);
    for (const edge of [x, end - 3]) c.fillRect(edge, height / 2 - 7, 3, 14);
  }

  drawPicture(width, height) {
    const { app, picture, canvas } = this;
    const { scene, look, search } = app;
    // What the picture shows; the window is not of it.
    const lit = [app.fills, app.highlight, app.kind, search.matches];
    const shown = [scene, scene.lanes, look.bounds, canvas.width, canvas.height, ...lit];
    if (shown.every((part, k) => part === this.pictured[k])) return;
    this.pictured = shown;
    picture.width = canvas.width;
    picture.height = canvas.height;
    const c = picture.getContext("2d", { alpha: false });
    const ratio = canvas.width / width;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.fillStyle = look.theme.ground;
    c.fillRect(0, 0, width, height);
    const [from, to] = this.extent();
    const frame = { from, to, scale: width / (to - from || 1), width, fine: 1 };
    const rows = scene.lanes.flatMap((lane) => Array.from({ length: lane.rows }, (_, row) => ({ lane, row: lane.base + row })));
    const count = Math.min(rows.length, MINIMAP_ROWS);
    const high = Math.min((height - 2) / count, 5);
    for (let k = 0; k < count; k++) {
      const { lane, row } = rows[Math.floor((k * rows.length) / count)];
      paintBars(c, scene, row, look, frame, 1 + k * high, high > 3 ? high - 0.5 : high);
      if (look.intervals) paintVeil(c, look.intervals[lane.number], frame, look.theme.ground, 1 + k * high, high);
    }
  }

  // From when to when everything selected lies.
  extent() {
    const { from, to } = this.chart.clamped(...this.app.rangeOf(-1));
    return [from, to];
  }

  // Left and right edge of the part that is in view, px.
  window() {
    const [from, to] = this.extent();
    const [width] = this.size;
    const { view } = this.chart;
    const [x, end] = [view.from, view.to].map((edge) => Math.min(Math.max(((edge - from) / (to - from || 1)) * width, 0), width));
    return end - x < 2 ? [Math.min(x, width - 2), Math.min(x, width - 2) + 2] : [x, end];
  }

  showsAll() {
    const [x, end] = this.window();
    return x < 1 && end > this.size[0] - 1;
  }

  // --- pointer --------------------------------------------------------------------------------

  // The time at x.
  at(x) {
    const [from, to] = this.extent();
    return from + (x / this.size[0]) * (to - from);
  }

  // What a drag from x does: moves the window (`grip` is where in it), or spans a new one from `anchor`, which is the
  // opposite edge if x is at an edge.
  grabbed(x) {
    const { view } = this.chart;
    const [left, right] = this.window();
    const inside = Math.min(EDGE_REACH, (right - left) / 4);
    if (x > left - EDGE_REACH && x < left + inside) return { anchor: view.to, edge: true };
    if (x > right - inside && x < right + EDGE_REACH) return { anchor: view.from, edge: true };
    if (x > left && x < right && !this.showsAll()) return { grip: this.at(x) - view.from };
    return { anchor: this.at(x) };
  }

  press(event) {
    if (event.button !== 0 || !this.size) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = { ...this.grabbed(event.offsetX), x: event.offsetX, moved: false };
  }

  move(event) {
    const { drag, chart } = this;
    const x = event.offsetX;
    if (!drag) {
      if (!this.size) return;
      const { grip, edge } = this.grabbed(x);
      this.canvas.style.cursor = grip !== undefined ? "grab" : edge ? "ew-resize" : "crosshair";
      return;
    }
    drag.moved ||= Math.abs(x - drag.x) > CLICK_REACH;
    if (!drag.moved) return;
    const at = this.at(x);
    const { view } = chart;
    if (drag.grip === undefined) chart.moveTo(Math.min(drag.anchor, at), Math.max(drag.anchor, at), false);
    else chart.moveTo(at - drag.grip, at - drag.grip + view.to - view.from, false);
  }

  release(event) {
    const { drag, chart } = this;
    this.drag = null;
    if (!drag) return;
    const clicked = !drag.moved && !drag.edge && drag.grip === undefined && !this.showsAll();
    const half = (chart.view.to - chart.view.from) / 2;
    const at = this.at(event.offsetX);
    if (clicked) chart.moveTo(at - half, at + half);
    if (clicked || drag.moved) this.app.changed("push");
  }
}
