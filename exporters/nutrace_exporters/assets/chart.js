// The chart: draws the visible part of a scene, and finds the item at a point.
// Drawing takes time for each pixel, not for each span: in each row it goes from pixel to pixel by binary
// search, and draws the items of a pixel as one bar.

const ROW = 22;
const LANE_HEAD = 24;
const AXIS = 24;
const LABEL_FROM = 26;

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
    this.labels = new Map();
    this.patterns = new Map();
    this.animation = null;
    this.draw = oncePerFrame(() => this.scene && this.paint());
    new ResizeObserver(() => this.resize()).observe(scroller);
    scroller.addEventListener("scroll", () => this.draw());
  }

  show(scene) {
    this.scene = scene;
    this.hover = -1;
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
    this.spacer.style.height = `${Math.max(0, this.contentHeight - this.scroller.clientHeight)}px`;
    this.resize();
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
    const ticks = this.ticks();
    c.fillStyle = look.theme.grid;
    for (const { x } of ticks) c.fillRect(x, AXIS, 1, height - AXIS);

    const { scrollTop } = this.scroller;
    const texts = [];
    for (const lane of scene.lanes) {
      if (lane.top > scrollTop + height) break;
      const first = Math.max(0, Math.floor((scrollTop + AXIS - this.rowTop[lane.base]) / ROW));
      for (let r = first; r < lane.rows; r++) {
        const y = this.rowTop[lane.base + r] - scrollTop;
        if (y > height) break;
        this.paintRow(lane.base + r, y, texts);
      }
    }
    for (const { text, x, y, fill } of texts) {
      c.fillStyle = fill;
      c.fillText(text, x, y + ROW / 2);
    }
    if (look.intervals) for (const lane of scene.lanes) this.paintVeil(lane, look.intervals[lane.number]);
    if (this.heads) for (const lane of scene.lanes) this.paintLaneHead(lane, lane.top - scrollTop);
    this.outline(this.hover, look.theme.hover, 1.5);
    this.outline(look.focus, look.theme.accent, 2);
    this.paintAxis(ticks);
  }

  paintRow(row, y, texts) {
    const { context: c, scene, look, scale, width } = this;
    const { left, right, frame, rowItems } = scene;
    const { from, to } = this.view;
    const fine = 1 / this.ratio;
    const high = scene.rowStart[row + 1];
    let k = scene.firstAfter(from, scene.rowStart[row], high);
    // A bar of items narrower than a pixel, which grows while the colour stays the same.
    let barX = 0;
    let barEnd = -1;
    let barFill = "";
    let drawnTo = -Infinity;
    const flush = () => {
      if (barEnd < 0) return;
      c.fillStyle = barFill;
      c.fillRect(barX, y, barEnd - barX, ROW - 1);
      barEnd = -1;
    };
    while (k < high) {
      const item = rowItems[k];
      if (left[item] >= to) break;
      const x = (left[item] - from) * scale;
      const end = (right[item] - from) * scale;
      const fill = look.fill(item, frame[item]);
      if (end - x >= 2.5) {
        flush();
        const visible = Math.max(x, -1);
        const visibleEnd = Math.min(end, width + 1);
        c.fillStyle = fill;
        const gap = end - x > 5 ? 1 : 0.4;
        c.fillRect(visible, y, visibleEnd - visible - gap, ROW - 1);
        const pattern = look.pattern(item, frame[item]);
        if (pattern) {
          c.fillStyle = this.patternOf(pattern);
          c.fillRect(visible, y, visibleEnd - visible - gap, ROW - 1);
        }
        if (look.marked(item)) {
          c.fillStyle = look.theme.error;
          c.fillRect(visible, y, 3, ROW - 1);
        }
        if (visibleEnd - visible > LABEL_FROM) {
          this.placeText(item, Math.max(visible, 0) + 5, visibleEnd - 5, y, texts);
        }
        k++;
        continue;
      }
      // Items narrower than a pixel: the pixel gets the colour of the item at its left edge, paler the
      // less of it is covered. Go on at the first item that ends after the pixel.
      // An item across an edge counts for the pixel that it ends in.
      const pixel = Math.max(Math.floor(x / fine) * fine, drawnTo);
      const pixelEnd = Math.max(pixel + fine, Math.ceil(end / fine) * fine);
      const next = Math.max(scene.firstAfter(from + (pixel + fine) / scale, k + 1, high), k + 1);
      const covered = ((scene.widthBefore[next] - scene.widthBefore[k]) * scale) / (pixelEnd - pixel);
      const shown = look.pale(fill, covered > 0.75 ? 0 : covered > 0.45 ? 1 : 2);
      if (shown !== barFill || pixel > barEnd + fine * 0.5) {
        flush();
        barX = pixel;
        barFill = shown;
      }
      barEnd = drawnTo = pixelEnd;
      k = next;
    }
    flush();
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

  // The label, followed by the time if there is room for both.
  placeText(item, x, end, y, texts) {
    const { look } = this;
    const label = look.label(item);
    const text = this.fitted(label, end - x);
    if (!text) return;
    const faded = look.faded(item, this.scene.frame[item]);
    texts.push({ text, x, y, fill: faded ? look.theme.faint : look.theme.ink });
    if (text !== label || faded) return;
    const about = look.hatched(this.scene.frame[item]) ? "≈ " : "";
    const start = x + this.labels.get(label) + 10;
    const details = look.details(item, this.scene.right[item] - this.scene.left[item]).map((detail) => about + detail);
    const shown = details.find((detail) => start + this.measured(detail) <= end);
    if (shown) texts.push({ text: shown, x: start, y, fill: look.theme.inkSoft });
  }

  measured(text) {
    let width = this.labels.get(text);
    if (width === undefined) {
      if (this.labels.size > 20000) this.labels.clear();
      width = this.context.measureText(text).width;
      this.labels.set(text, width);
    }
    return width;
  }

  // The text, shortened with an ellipsis to the room (px); "" if hardly anything would be left.
  fitted(text, room) {
    const full = this.measured(text);
    if (full <= room) return text;
    let count = Math.floor((text.length * (room - 9)) / full);
    while (count > 1 && this.context.measureText(text.slice(0, count)).width > room - 9) count--;
    return count > 2 ? `${text.slice(0, count).trimEnd()}…` : "";
  }

  paintLaneHead(lane, y) {
    const { context: c, look, width } = this;
    if (y + LANE_HEAD < AXIS || y > this.height) return;
    c.fillStyle = look.theme.rule;
    c.fillRect(0, y + LANE_HEAD - 2, width, 1);
    c.fillStyle = look.theme.muted;
    c.fillText(lane.name, 6, y + LANE_HEAD / 2);
  }

  // In time order, what is not selected is faded: between the selected intervals of a lane.
  paintVeil(lane, intervals) {
    const { context: c, width } = this;
    const top = this.rowTop[lane.base] - this.scroller.scrollTop;
    if (top > this.height || top + lane.rows * ROW < 0) return;
    c.globalAlpha = 0.72;
    c.fillStyle = this.look.theme.ground;
    let [x, k] = [0, 0];
    while (x < width) {
      // Not one interval after the other, as thousands may lie in a pixel.
      k = firstEndingAfter(intervals, this.view.from + x / this.scale, k);
      const [left, right] = k < intervals.length ? intervals[k] : [Infinity, Infinity];
      const until = Math.min((left - this.view.from) * this.scale, width);
      if (until - x > 0.5) c.fillRect(x, top, until - x, lane.rows * ROW);
      x = Math.max((right - this.view.from) * this.scale, x + 1);
    }
    c.globalAlpha = 1;
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

  ticks() {
    const { from, to } = this.view;
    const origin = this.look.origin;
    const step = niceStep((110 / this.width) * (to - from));
    const ticks = [];
    for (let at = Math.ceil((from - origin) / step) * step; at + origin <= to && ticks.length < 100; at += step) {
      ticks.push({ x: Math.round((at + origin - from) * this.scale), text: formatTick(Math.round(at / step) * step, step) });
    }
    return ticks;
  }

  paintAxis(ticks) {
    const { context: c, look, width } = this;
    c.fillStyle = look.theme.panel;
    c.fillRect(0, 0, width, AXIS);
    c.fillStyle = look.theme.rule;
    c.fillRect(0, AXIS - 1, width, 1);
    c.fillStyle = look.theme.muted;
    for (const { x, text } of ticks) {
      c.fillRect(x, AXIS - 6, 1, 5);
      if (x + 6 + this.measured(text) < width) c.fillText(text, x + 4, AXIS / 2 - 1);
    }
  }
}
