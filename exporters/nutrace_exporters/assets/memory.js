// A thin line below the strip of steps: the memory at the end of each step, between its least and its most.

const MEMORY_NAMES = { resident: "memory", gpu: "GPU memory" };

function formatMemory(bytes) {
  return `${formatCount(bytes / 1e6)} MB`;
}

const MOST_POINTS = 4; // to a pixel; with more, a pixel is drawn from its least to its most

class MemoryLine {
  constructor(kind, points, app) {
    Object.assign(this, { app, name: MEMORY_NAMES[kind] });
    this.bytes = new Float64Array(app.trace.steps.length).fill(-1); // by position of the step; -1 is unknown
    for (const [step, bytes] of points) this.bytes[step] = bytes;
    this.canvas = element("canvas", { class: "memory", role: "img" });
    document.getElementById("strip").append(this.canvas);
    this.canvas.addEventListener("pointermove", (event) => {
      app.strip.point(app.strip.orderAt(event), event);
    });
    this.canvas.addEventListener("pointerleave", () => app.strip.leave());
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  draw() {
    const { app, canvas, bytes } = this;
    const { strip } = app;
    const orders = []; // where in strip.shown there are steps whose memory is known
    let [least, most] = [Infinity, 0];
    strip.shown.forEach((step, order) => {
      if (bytes[step] < 0) return;
      orders.push(order);
      least = Math.min(least, bytes[step]);
      most = Math.max(most, bytes[step]);
    });
    canvas.hidden = !orders.length || strip.byTime; // it is a course in time
    if (canvas.hidden) return;
    canvas.setAttribute("aria-label", `${this.name} at the steps' ends: ${formatMemory(least)} to ${formatMemory(most)}`);
    const { theme } = app.look;
    const c = canvas.getContext("2d");
    const [width, height] = fitCanvas(c);
    // Less than a twentieth up or down must not look like a cliff.
    const floor = Math.min(least, most * 0.95);
    const across = (order) => ((order + 0.5) * width) / strip.shown.length;
    const down = (order) => 4 + ((most - bytes[strip.shown[order]]) / (most - floor || 1)) * (height - 8);
    c.strokeStyle = c.fillStyle = theme.muted;
    if (orders.length > MOST_POINTS * width) this.paintBars(c, orders, across, down);
    else this.paintLine(c, orders, across, down);
    c.font = SMALL_FONT;
    c.textBaseline = "middle";
    const text = `${this.name} ${formatMemory(least)} to ${formatMemory(most)}`;
    // Above the line or below it, where there is more room.
    const room = c.measureText(text).width + 10;
    const near = orders.filter((order, k) => !k || across(order) < room);
    const mean = near.reduce((sum, order) => sum + down(order), 0) / near.length;
    const middle = mean > height / 2 ? 9 : height - 8;
    // Where the line passes there all the same, it is faint below the text.
    c.fillStyle = theme.ground;
    c.globalAlpha = 0.85;
    c.fillRect(2, middle - 8, room - 4, 16);
    c.globalAlpha = 1;
    c.fillStyle = theme.muted;
    c.fillText(text, 5, middle);
  }

  // A line for the steps of each thread.
  paintLine(c, orders, across, down) {
    const { trace, strip } = this.app;
    const threadOf = (order) => trace.thread[trace.steps[strip.shown[order]].span];
    c.lineWidth = 1.5;
    c.beginPath();
    orders.forEach((order, k) => {
      const [x, y] = [across(order), down(order)];
      const joined = k > 0 && threadOf(orders[k - 1]) === threadOf(order);
      if (joined) c.lineTo(x, y);
      else c.moveTo(x - 1, y);
      if (!joined) c.lineTo(x, y);
    });
    c.stroke();
  }

  paintBars(c, orders, across, down) {
    for (let k = 0; k < orders.length; ) {
      const pixel = Math.floor(across(orders[k]));
      let [top, bottom] = [Infinity, 0];
      for (; k < orders.length && across(orders[k]) < pixel + 1; k++) {
        top = Math.min(top, down(orders[k]));
        bottom = Math.max(bottom, down(orders[k]));
      }
      c.fillRect(pixel, top - 0.75, 1, bottom - top + 1.5);
    }
  }
}
