// A thin line below the strip of steps: the memory at the end of each step, between its least and its most.

const MEMORY_NAMES = { resident: "memory", gpu: "GPU memory" };

function formatMemory(bytes) {
  return `${formatCount(bytes / 1e6)} MB`;
}

class MemoryLine {
  constructor(kind, points, app) {
    Object.assign(this, { app, points, name: MEMORY_NAMES[kind] });
    this.canvas = element("canvas", { class: "memory", role: "img" });
    document.getElementById("strip").append(this.canvas);
    this.canvas.addEventListener("pointermove", (event) => {
      app.strip.point(app.strip.orderAt(event), event);
    });
    this.canvas.addEventListener("pointerleave", () => app.strip.leave());
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  draw() {
    const { app, canvas } = this;
    const { trace, strip } = app;
    const points = this.points.filter(([step]) => strip.orderOf.has(step)).sort((a, b) => strip.orderOf.get(a[0]) - strip.orderOf.get(b[0]));
    canvas.hidden = !points.length;
    if (!points.length) return;
    const most = points.reduce((bytes, point) => Math.max(bytes, point[1]), 0);
    const least = points.reduce((bytes, point) => Math.min(bytes, point[1]), most);
    canvas.setAttribute("aria-label", `${this.name} at the steps' ends: ${formatMemory(least)} to ${formatMemory(most)}`);
    const { theme } = app.look;
    const c = canvas.getContext("2d");
    const [width, height] = fitCanvas(c);
    // Less than a twentieth up or down must not look like a cliff.
    const floor = Math.min(least, most * 0.95);
    const place = ([step, bytes]) => [((strip.orderOf.get(step) + 0.5) * width) / strip.shown.length, 4 + ((most - bytes) / (most - floor || 1)) * (height - 8)];
    const threadOf = ([step]) => trace.thread[trace.steps[step].span];
    c.strokeStyle = theme.muted;
    c.lineWidth = 1.5;
    c.beginPath();
    points.forEach((point, k) => {
      const [x, y] = place(point);
      const joined = k > 0 && threadOf(points[k - 1]) === threadOf(point);
      if (joined) c.lineTo(x, y);
      else c.moveTo(x - 1, y);
      if (!joined) c.lineTo(x, y);
    });
    c.stroke();
    c.font = SMALL_FONT;
    c.textBaseline = "middle";
    c.fillStyle = theme.muted;
    const text = `${this.name} ${formatMemory(least)} to ${formatMemory(most)}`;
    // Above the line or below it, where there is more room.
    const near = points.map(place).filter(([x], k) => !k || x < c.measureText(text).width + 10);
    const mean = near.reduce((sum, [, y]) => sum + y, 0) / near.length;
    c.fillText(text, 5, mean > height / 2 ? 9 : height - 8);
  }
}
