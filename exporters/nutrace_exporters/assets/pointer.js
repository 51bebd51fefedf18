// Mouse, pen and fingers on the chart: hover, click to zoom, drag to move, wheel to scroll or zoom.

const CLICK_REACH = 4; // px that the pointer may move during a click

function listenToPointer(app) {
  const { chart } = app;
  const { canvas, scroller } = chart;
  let press = null;

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    press = { x: event.offsetX, y: event.offsetY, lastX: event.offsetX, lastY: event.offsetY, moved: false };
    scroller.focus({ preventScroll: true });
  });

  canvas.addEventListener("pointermove", (event) => {
    chart.pointerX = event.offsetX;
    if (press) {
      press.moved ||= Math.hypot(event.offsetX - press.x, event.offsetY - press.y) > CLICK_REACH;
      if (!press.moved) return;
      app.tooltip.hide();
      canvas.classList.add("dragging");
      chart.pan(press.lastX - event.offsetX);
      scroller.scrollTop += press.lastY - event.offsetY;
      press.lastX = event.offsetX;
      press.lastY = event.offsetY;
      return;
    }
    const item = chart.itemAt(event.offsetX, event.offsetY);
    if (item !== chart.hover) {
      chart.hover = item;
      chart.draw();
    }
    canvas.classList.toggle("over", item >= 0);
    if (item >= 0) app.tooltip.showItem(item, event.clientX, event.clientY);
    else app.tooltip.hide();
  });

  canvas.addEventListener("pointerup", (event) => {
    const click = press && !press.moved;
    press = null;
    canvas.classList.remove("dragging");
    if (!click) return;
    app.tooltip.hide();
    app.focusOn(chart.itemAt(event.offsetX, event.offsetY));
  });

  canvas.addEventListener("pointercancel", () => {
    press = null;
    canvas.classList.remove("dragging");
  });

  canvas.addEventListener("pointerleave", () => {
    chart.hover = -1;
    chart.pointerX = undefined;
    app.tooltip.hide();
    chart.draw();
  });

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
