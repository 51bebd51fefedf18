// The unit of times: as they are, per finished step of what is selected, or as a share of the time of all its threads.

const UNITS = [
  { unit: "ms", text: "Time", title: "sums of what is selected" },
  { unit: "per step", text: "Per step", title: "of the steps: sums divided by the number of finished steps that are selected" },
  { unit: "%", text: "%", title: "shares of the time that all threads spent in what is selected" },
];

// A sum of what is selected. What lies outside the steps has no time per step.
function timeText({ unit, summary }, ns, inSteps = true) {
  if (unit === "%") return formatShare(ns / (summary.all || 1));
  if (unit === "per step" && inSteps && summary.steps) return `${formatTime(ns / summary.steps)}/step`;
  return formatTime(ns);
}

// Whether what is selected has time outside the steps, which has no time per step. An unfinished step is none; it may
// be left where the steps are selected.
function mixesWholes({ unit, selection, summary }) {
  return unit === "per step" && !selection?.iterations && summary.steps > 0 && summary.regions[OUTSIDE].self.some(Boolean);
}

// The width of a bar. In time order it is one span, which is no sum over steps.
function barText(app, item, ns) {
  const { trace, scene } = app;
  const longest = scene.nodes?.longest?.[item] ?? -1;
  const inSteps = scene.kind !== "time" && (longest < 0 || trace.stepOf(longest) >= 0);
  return app.timeText(ns, inSteps);
}

function unitsOf({ difference, steps }) {
  return difference ? [] : UNITS.filter(({ unit }) => unit !== "per step" || steps.length);
}

function showUnits(app) {
  const group = document.getElementById("units");
  const units = unitsOf(app.trace);
  group.hidden = !units.length;
  group.replaceChildren(
    ...units.map(({ unit, text, title }) =>
      element("button", {
        type: "button", text, title: `${capital(title)} (U)`, "aria-pressed": String(app.unit === unit), onclick: () => app.setUnit(unit),
      }),
    ),
  );
}

function nextUnit(app) {
  const units = unitsOf(app.trace);
  const at = units.findIndex(({ unit }) => unit === app.unit);
  if (units.length) app.setUnit(units[(at + 1) % units.length].unit);
}

// As with the theme: an address without a unit does not change it, unless it has no meaning there.
ADDRESS_PARTS.push({
  save({ unit }, words) {
    if (unit !== "ms") words.set("unit", unit);
  },
  read(app, words) {
    const known = unitsOf(app.trace).some(({ unit }) => unit === words.get("unit"));
    if (known) app.unit = words.get("unit");
    if (!mixesWholes(app)) return;
    if (known) app.setSelection(app.allSteps());
    else app.unit = "ms";
  },
});
