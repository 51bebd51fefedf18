// Mouse, pen and fingers on the chart: hover, click to zoom, drag to move or to measure, wheel and two fingers to zoom.
// A finger that goes up or down scrolls the page: that is left to the browser (touch-action).

const CLICK_REACH = 4; // px that the pointer may move during a click

function listenToPointer(app) {
  const { chart, measure } = app;
  const { canvas, scroller } = chart;
  const fingers = new Map(); // by pointer that is down: [x, y]
  let press = null;
  let clicks = false; // whether the pointer was lifted where it was pressed
  let clicked = -1; // item

  const measures = (event) => event.shiftKey || event.offsetY < AXIS;
  const timeAt = (x) => chart.view.from + (x / chart.width) * (chart.view.to - chart.view.from);
  const release = (event) => {
    fingers.delete(event.pointerId);
    canvas.classList.remove("dragging");
    const released = press;
    press = null;
    return released;
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
    const { offsetX: x, offsetY: y } = event;
    press = fingers.size > 1 ? null : { x, y, lastX: x, lastY: y, moved: false, anchor: measures(event) ? timeAt(x) : null };
    scroller.focus({ preventScroll: true });
  });

  canvas.addEventListener("pointermove", (event) => {
    chart.pointerX = event.offsetX;
    if (fingers.size > 1 && fingers.has(event.pointerId)) return pinch(chart, fingers, event);
    if (press) return drag(event);
    const item = chart.itemAt(event.offsetX, event.offsetY);
    if (item !== chart.hover) {
      chart.hover = item;
      chart.draw();
    }
    canvas.classList.toggle("measuring", measures(event));
    canvas.title = event.offsetY < AXIS ? "Drag to measure a range" : "";
    canvas.classList.toggle("over", item >= 0);
    if (item >= 0) app.tooltip.showItem(item, event.clientX, event.clientY);
    else app.tooltip.hide();
  });

  function drag(event) {
    const { offsetX: x, offsetY: y } = event;
    press.moved ||= Math.hypot(x - press.x, y - press.y) > CLICK_REACH;
    if (!press.moved) return;
    app.tooltip.hide();
    if (press.anchor !== null) return measure.show(press.anchor, timeAt(x));
    canvas.classList.add("dragging");
    chart.pan(press.lastX - x);
    if (event.pointerType !== "touch") scroller.scrollTop += press.lastY - y;
    [press.lastX, press.lastY] = [x, y];
  }

  canvas.addEventListener("pointerup", (event) => {
    const released = release(event);
    clicks = released !== null && !released.moved;
    if (released?.moved && released.anchor !== null) measure.announce();
  });

  canvas.addEventListener("click", (event) => {
    if (!clicks) return;
    app.tooltip.hide();
    if (event.offsetY < AXIS) return measure.clear();
    // The second click of two zooms to what the first one hit, though other spans may be under the pointer by now.
    if (event.detail < 2) clicked = chart.itemAt(event.offsetX, event.offsetY);
    app.focusOn(clicked);
  });

  canvas.addEventListener("pointercancel", release);

  canvas.addEventListener("pointerleave", () => {
    chart.hover = -1;
    chart.pointerX = undefined;
    app.tooltip.hide();
    chart.draw();
  });

  // Two fingers are the chart's alone; the browser would scroll with them, too.
  for (const type of ["touchstart", "touchmove"]) {
    canvas.addEventListener(type, (event) => event.touches.length > 1 && event.preventDefault(), { passive: false });
  }

  scroller.addEventListener(
    "wheel",
    (event) => {
      const unit = event.deltaMode === 1 ? 16 : 1;
      const canScroll = chart.contentHeight > chart.height;
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
        event.preventDefault();
        chart.pan((event.deltaX || event.deltaY) * unit);
      } else if (event.ctrlKey || event.metaKey || !canScroll) {
        event.preventDefault();
        chart.zoom(Math.exp(Math.max(-1, Math.min(1, (event.deltaY * unit) / 240))), event.offsetX);
      }
      app.tooltip.hide();
    },
    { passive: false },
  );
}

// What lies between two fingers stays between them.
function pinch(chart, fingers, event) {
  const spread = ([[x, y], [x2, y2]]) => Math.max(Math.hypot(x - x2, y - y2), 10);
  const middle = ([[x], [x2]]) => (x + x2) / 2;
  const before = [...fingers.values()];
  fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
  const after = [...fingers.values()];
  chart.pan(middle(before) - middle(after));
  chart.zoom(spread(before) / spread(after), middle(after));
}
