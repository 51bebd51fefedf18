// The colours of changes, the marks of what is new, vanished or moved, and the legend of both.

// Blue is less time, orange is more: told apart by people who do not see red or green.
const CHANGE_FILLS = {
  light: ["#4f9be3", "#8fc0ef", "#c9def4", "#d9dbdf", "#fbdcbd", "#f8b679", "#ee8533"],
  dark: ["#3f95ea", "#62a1e0", "#86a6cb", "#84888f", "#c3a07c", "#db9550", "#f5892d"],
};
// What else than its time is different about a frame: a sign before its name, and a pattern on its bar.
const MARKS = { new: "+", vanished: "−", moved: "⇄" };

Object.assign(PATTERNS, {
  new: (c, size) => dots(c, size, 0.9, [[0.25, 0.25], [0.75, 0.75]]),
  vanished: (c, size) => {
    c.strokeStyle = "rgb(20 23 28 / 22%)";
    c.lineWidth = 0.8;
    for (const [from, to] of [[-1, size + 1], [size + 1, -1]]) {
      c.moveTo(-1, from);
      c.lineTo(size + 1, to);
    }
    c.stroke();
  },
  moved: (c, size) => {
    c.strokeStyle = "rgb(20 23 28 / 16%)";
    c.lineWidth = 1.2;
    c.moveTo(size / 2, -1);
    c.lineTo(size / 2, size + 1);
    c.stroke();
  },
});

function dots(c, size, radius, places) {
  c.fillStyle = "rgb(20 23 28 / 30%)";
  for (const [x, y] of places) {
    c.beginPath();
    c.arc(x * size, y * size, radius, 0, 7);
    c.fill();
  }
}

function changeFill(app, level) {
  return CHANGE_FILLS[app.dark ? "dark" : "light"][level + 3];
}

function wordsOf({ words }, mark) {
  return { new: `only in ${words[NEW]}`, vanished: `only in ${words[BASE]}`, moved: "moved or renamed" }[mark];
}

// The colours, and the changes of self time that they stand for.
function showScale(app) {
  const { unit, scale } = app.trace.difference;
  const steps = [-3, -2, -1, 0, 1, 2, 3].map((level) => {
    const share = level ? LEVELS[Math.abs(level) - 1] : LEVELS[0];
    const sign = level < 0 ? "−" : level > 0 ? "+" : "±";
    const made = element("span", { text: level ? `${sign}${100 * share} %` : "small", title: `${level ? "from" : "less than"} ${sign}${formatTime(scale * share)}` });
    made.style.background = changeFill(app, level);
    return made;
  });
  const scaleList = element("span", { class: "levels" }, ...steps);
  const { runs } = app.trace.difference;
  const scatter = runs.every((count) => count > 1) ? "; and where runs of both sides overlap" : "";
  const title = `Small is also what is less than ${100 * LEAST_OF_ITSELF} % of the frame's own self time${scatter}.`;
  document.getElementById("scale").replaceChildren(
    element("span", { text: "Change of self time", title }), scaleList, element("span", { text: `of ${formatTime(scale)} per ${unit}` }),
  );
}
