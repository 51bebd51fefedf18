// The chart: draws the visible part of a scene, and finds the item at a point.

const ROW = 22;
const LANE_HEAD = 24;
const AXIS = 24;
const LABEL_FROM = 24;
const TEXT_GAP = 10;

// Painters of a square tile.
const PATTERNS = {
  sampled: (c, size) => {
    c.strokeStyle = "rgb(20 23 28 / 17%)";
    c.lineWidth = 1.2;
    for (const shift of [-size, 0, size]) {
      c.moveTo(shift - 1, size + 1);
      c.lineTo(shift + size + 1, -1);
    }
    c.stroke();
  },
};

class Chart {
  constructor(scroller, trace, look) {
    this.scroller = scroller;
    this.canvas = scroller.querySelector("canvas");
    this.spacer = scroller.querySelector(".spacer");
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.trace = trace;
    this.look = look; // What to draw beyond the scene; the app fills it in.
    this.view = this.goal = { from: 0, to: 1 }; // what is in sight, and where an animation goes to
    this.hover = -1;
    this.range = null; // { from, to } that is measured
    this.labels = new Labels(this.context);
    this.followers = []; // paint with the chart: what shows the same view beside it
    this.patterns = new Map();
    this.animation = null;
    this.draw = oncePerFrame(() => this.scene && this.paint());
    new ResizeObserver(() => this.isFitted() || this.resize()).observe(scroller); // it is told the first size as well
    scroller.addEventListener("scroll", () => this.draw());
  }

  show(scene) {
    this.scene = scene;
    this.hover = -1;
    this.range = null;
    const named = scene.allLanes.length > 1 || (scene.kind !== "time" && scene.lanes[0]?.name);
    const heads = (this.heads = named ? LANE_HEAD : 0);
    this.rowTop = new Float64Array(scene.rowCount).fill(-Infinity); // of lanes that are not shown
    let y = AXIS;
    for (const lane of scene.lanes) {
      lane.top = y;
      y += heads;
      for (let row = 0; row < lane.rows; row++, y += ROW) this.rowTop[lane.base + row] = y;
      y += heads ? 8 : 0;
    }
    this.contentHeight = y + 12;
    this.scroller.style.setProperty("--content", `${this.contentHeight + 2}px`); // with its border
    this.spacer.style.height = `${Math.max(0, this.contentHeight - this.scroller.clientHeight)}px`;
    this.resize();
  }

  isFitted() {
    const { clientWidth, clientHeight } = this.scroller;
    return this.width === clientWidth && this.height === clientHeight && this.ratio === (window.devicePixelRatio || 1);
  }

  resize() {
    const { clientWidth, clientHeight } = this.scroller;
    const ratio = window.devicePixelRatio || 1;
    this.width = clientWidth;
    this.height = clientHeight;
    this.ratio = ratio;
    this.canvas.style.width = `${clientWidth}px`;
    this.canvas.style.height = `${clientHeight}px`;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    if (!this.scene) return;
    this.spacer.style.height = `${Math.max(0, this.contentHeight - clientHeight)}px`;
    this.paint(); // At once, as a canvas whose size has changed is black.
  }

  // --- view -----------------------------------------------------------------------------------

  // Brings [from, to] into view, animated unless the reader prefers reduced motion.
  moveTo(from, to, smooth = true) {
    const [goal, start] = [this.clamped(from, to), { ...this.view }];
    cancelAnimationFrame(this.animation);
    this.goal = goal;
    if (!smooth || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.view = goal;
      this.draw();
      return;
    }
    const began = performance.now();
    const tick = (now) => {
      const passed = Math.min(1, Math.max(0, now - began) / 180);
      const ease = 1 - (1 - passed) ** 3;
      this.view = {
        from: start.from + (goal.from - start.from) * ease,
        to: start.to + (goal.to - start.to) * ease,
      };
      if (passed < 1) this.animation = requestAnimationFrame(tick);
      else this.view = goal;
      this.draw();
    };
    this.animation = requestAnimationFrame(tick);
  }

  clamped(from, to) {
    const end = this.scene.end || 1;
    const span = Math.min(Math.max(to - from, 50), end); // Not closer than 50 ns.
    const start = Math.min(Math.max(from, 0), end - span);
    return { from: start, to: start + span };
  }

  zoom(factor, x = this.width / 2, smooth = false) {
    const { from, to } = this.view;
    const at = from + ((to - from) * x) / this.width;
    this.moveTo(at - (at - from) * factor, at + (to - at) * factor, smooth);
    this.look.moved("push");
  }

  pan(pixels, smooth = false) {
    const shift = (pixels * (this.view.to - this.view.from)) / this.width;
    this.moveTo(this.view.from + shift, this.view.to + shift, smooth);
    this.look.moved("replace");
  }

  fit(item, smooth = true) {
    this.moveTo(...this.rangeOf(item), smooth);
    if (item >= 0) this.reveal(item);
  }

  rangeOf(item) {
    if (item < 0) return [0, this.scene.end];
    const [left, right] = [this.scene.left[item], this.scene.right[item]];
    const margin = (right - left) * 0.015;
    return [left - margin, right + margin];
  }

  // Scrolls so that the item's row, and its parents if there is room, can be seen.
  reveal(item) {
    const y = this.rowTop[this.scene.row[item]];
    const { scrollTop } = this.scroller;
    if (y < scrollTop + AXIS + ROW) this.scroller.scrollTop = Math.max(0, y - AXIS - 3 * ROW);
    else if (y > scrollTop + this.height - 3 * ROW) this.scroller.scrollTop = y - this.height / 2;
  }

  itemAt(x, y) {
    const top = y + this.scroller.scrollTop;
    if (y < AXIS) return -1;
    const scale = (this.view.to - this.view.from) / this.width;
    const lane = this.scene.lanes.find(({ base, rows }) => this.rowTop[base] <= top && top < this.rowTop[base] + rows * ROW);
    if (!lane) return -1;
    const row = lane.base + Math.floor((top - this.rowTop[lane.base]) / ROW);
    return this.scene.at(row, this.view.from + x * scale, scale * 1.5);
  }

  // --- drawing --------------------------------------------------------------------------------

  paint() {
    const { context: c, scene, width, height, look } = this;
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    c.font = FONT;
    c.textBaseline = "middle";
    c.fillStyle = look.theme.ground;
    c.fillRect(0, 0, width, height);
    this.scale = width / (this.view.to - this.view.from);
    const ticks = axisTicks(this);
    c.fillStyle = look.theme.grid;
    for (const { x } of ticks) c.fillRect(x, AXIS, 1, height - AXIS);

    const { scrollTop } = this.scroller;
    const frame = { ...this.view, scale: this.scale, width, fine: 1 / this.ratio };
    const texts = [];
    for (const lane of scene.lanes) {
      if (lane.top > scrollTop + height) break;
      const first = Math.max(0, Math.floor((scrollTop + AXIS - this.rowTop[lane.base]) / ROW));
      const lit = look.intervals ? litStretches(look.intervals[lane.number], frame) : null;
      for (let r = first; r < lane.rows; r++) {
        const y = this.rowTop[lane.base + r] - scrollTop;
        if (y > height) break;
        const wide = (item, fill, x, end) => this.paintWide(item, fill, x, end, y, lit, texts);
        paintBars(c, scene, lane.base + r, look, frame, y, ROW - 1, wide);
      }
    }
    for (const { base, rows, number } of look.intervals ? scene.lanes : []) {
      paintVeil(c, look.intervals[number], frame, look.theme.ground, this.rowTop[base] - scrollTop, rows * ROW);
    }
    for (const { text, x, y, ink } of texts) {
      c.fillStyle = ink;
      c.fillText(text, x, y + ROW / 2);
    }
    if (this.heads) for (const lane of scene.lanes) this.paintLaneHead(lane, lane.top - scrollTop);
    this.outline(this.hover, look.theme.hover, 1.5);
    this.outline(look.focus, look.theme.accent, 2);
    paintAxis(this, ticks);
    if (this.range) this.paintRange(this.range);
    for (const follower of this.followers) follower.paint();
  }

  // Pattern, mark and text of a bar. lit: the stretches of its lane that are selected; null if nothing is veiled.
  paintWide(item, fill, x, end, y, lit, texts) {
    const { context: c, look } = this;
    const frame = this.scene.frame[item];
    const pattern = look.pattern(item, frame);
    if (pattern) {
      c.fillStyle = this.patternOf(pattern);
      c.fillRect(x, y, end - x, ROW - 1);
    }
    if (look.marked(item)) {
      c.fillStyle = look.theme.error;
      c.fillRect(x, y, 3, ROW - 1);
    }
    if (end - x < LABEL_FROM) return;
    const names = look.names(item);
    const least = Math.max(this.labels.width(names.at(-1)) + 9, LABEL_FROM);
    const { from, to, veiled } = placeOfText(lit, Math.max(x, 0), end, least);
    if (to - from < LABEL_FROM) return;
    const start = from + 5;
    const faded = look.faded(item, frame);
    const about = look.hatched(frame) ? "≈ " : "";
    const width = this.scene.right[item] - this.scene.left[item];
    const details = () => (faded ? [] : look.details(item, width).map((detail) => about + detail));
    const { text, detail } = this.labels.chosen(names, details, to - 4 - start, TEXT_GAP);
    const { strong, soft } = look.inks.on(veiled ? mix(fill, look.theme.ground, VEIL) : fill, pattern !== "");
    if (text) texts.push({ text, x: start, y, ink: faded || veiled ? soft : strong });
    if (detail) texts.push({ text: detail, x: start + this.labels.width(text) + TEXT_GAP, y, ink: soft });
  }

  // Lines or dots over a bar's colour, which scroll with the rows.
  patternOf(kind, ratio = this.ratio) {
    const size = 6;
    const key = `${kind} ${ratio}`;
    if (!this.patterns.has(key)) {
      const tile = document.createElement("canvas");
      tile.width = tile.height = Math.round(size * ratio);
      const c = tile.getContext("2d");
      c.scale(tile.width / size, tile.height / size);
      PATTERNS[kind](c, size);
      this.patterns.set(key, this.context.createPattern(tile, "repeat"));
    }
    const pattern = this.patterns.get(key);
    const scale = 1 / ratio;
    pattern.setTransform(new DOMMatrix([scale, 0, 0, scale, 0, -(this.scroller.scrollTop % size)]));
    return pattern;
  }

  paintLaneHead(lane, y) {
    const { context: c, look, width } = this;
    if (y + LANE_HEAD < AXIS || y > this.height) return;
    c.fillStyle = look.theme.rule;
    c.fillRect(0, y + LANE_HEAD - 2, width, 1);
    c.fillStyle = look.theme.muted;
    c.fillText(this.labels.fitted(lane.name, width - 12), 6, y + LANE_HEAD / 2);
  }

  outline(item, colour, thickness) {
    if (item < 0 || item >= this.scene.count) return;
    const { context: c, scene } = this;
    const x = Math.max((scene.left[item] - this.view.from) * this.scale, 0);
    const end = Math.min((scene.right[item] - this.view.from) * this.scale, this.width);
    if (end < 0 || x > this.width) return;
    const y = this.rowTop[scene.row[item]] - this.scroller.scrollTop;
    c.strokeStyle = colour;
    c.lineWidth = thickness;
    c.strokeRect(x + 0.5, y + 0.5, Math.max(end - x - 2, 1), ROW - 2);
  }

  // The measured range, and on the axis its ends.
  paintRange({ from, to }) {
    const { context: c, look, height, width } = this;
    const [x, end] = [from, to].map((edge) => Math.min(Math.max((edge - this.view.from) * this.scale, -2), width + 2));
    c.fillStyle = look.theme.accent;
    c.globalAlpha = 0.16;
    c.fillRect(x, 0, end - x, height);
    c.globalAlpha = 1;
    for (const edge of [x, end]) c.fillRect(Math.round(edge) - 0.5, 0, 1, height);
    c.fillRect(x, AXIS - 3, end - x, 3);
  }
}
