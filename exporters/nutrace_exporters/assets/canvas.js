// What everything drawn on a canvas shares: fonts, sharp pixels, and when to paint.

const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const SMALL_FONT = FONT.replace("12px", "11px");

// Empties the canvas of a context and gives it as many pixels as the screen has; what is drawn is measured in CSS
// pixels. Returns the width and height in these.
function fitCanvas(c) {
  const { canvas } = c;
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  return [width, height];
}

const waiting = new Set(); // what is to be painted before the next frame

// A function that asks for painting: before the next frame, and once however often it is called until then.
function oncePerFrame(paint) {
  let request = 0;
  const run = () => {
    cancelAnimationFrame(request);
    request = 0;
    waiting.delete(run);
    paint();
  };
  return () => {
    request ||= requestAnimationFrame(run);
    waiting.add(run);
  };
}

// Paints what waits for the next frame: a printer takes its picture before that.
function paintNow() {
  for (const run of [...waiting]) run();
}
