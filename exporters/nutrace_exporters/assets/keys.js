// The keyboard: one table of what keys do, and of the help on them.

function keyTable(app) {
  const { chart } = app;
  return [
    { keys: ["ArrowUp", "ArrowDown"], show: "↑ ↓", help: "to the parent, to the costliest child",
      act: (event) => app.walk(event.key === "ArrowUp" ? "parent" : "child") },
    { keys: ["ArrowLeft", "ArrowRight"], show: "← →", help: "to the neighbour on the same level",
      act: (event) => app.walk(event.key === "ArrowLeft" ? "previous" : "next") },
    { keys: ["Enter"], show: "Enter", help: "zoom to the chosen span; in the search field: next match", act: () => app.measure.zoom() || app.focusOn(app.look.focus) },
    { keys: ["w", "s", "+", "-", "="], show: "W S", help: "zoom in, zoom out",
      act: (event) => chart.zoom("w+=".includes(event.key.toLowerCase()) ? 0.6 : 1 / 0.6, chart.pointerX, true) },
    { keys: ["a", "d"], show: "A D", help: "move left, move right",
      act: (event) => chart.pan((event.key.toLowerCase() === "a" ? -0.25 : 0.25) * chart.width, true) },
    { keys: ["0", "Home"], show: "0", help: "show everything", act: () => app.focusOn(-1) },
    { keys: ["r"], show: "R", help: "measure the chosen span; again at another: from the one to the other", act: () => app.measure.take(app.look.focus) },
    { keys: ["Escape"], show: "Esc", help: "back: clears the measured range, search, picked kind, highlight, zoom, steps, scenario, hidden components, one after the other", act: () => app.back() },
    { keys: ["/"], show: "/", help: "search", act: () => app.searchField.select() },
    { keys: ["n", "N"], show: "N", help: "next match, the widest first; with Shift the previous", act: (event) => app.nextMatch(event.shiftKey ? -1 : 1) },
    ...(app.trace.difference
      ? sideKeys(app)
      : [{ keys: ["v"], show: "V", help: "time order or merged", act: () => app.setView(app.scene.kind === "time" ? "merged" : "time") },
         { keys: ["i"], show: "I", help: "inverted: kinds of spans by self time, their callers below", act: () => app.setView(app.scene.kind === "inverted" ? "merged" : "inverted") },
         { keys: ["k"], show: "K", help: "callers and callees of the chosen span", act: () => app.showCallers() },
         { keys: ["l"], show: "L", help: "list: the table of all spans", act: () => app.spanTable.toggle() },
          ...hidingKeys(app)]),
    ...(app.trace.inside
      ? [{ keys: ["m"], show: "M", help: "measured, or measured and sampled", act: () => app.setSamples(!app.drawsSamples) }]
      : []),
    ...(app.trace.steps.length
      ? [{ keys: ["[", "]"], show: "[ ]", help: "previous step, next step", act: (event) => app.shiftSelection(event.key === "[" ? -1 : 1) },
          { keys: ["x"], show: "X", help: "the chosen step beside what is usual", act: () => app.usual.toggle() },
          { keys: ["o"], show: "O", help: "steps in order, or by time", act: () => app.strip.sort(!app.strip.byTime) }]
      : []),
    ...(app.trace.scenarios.length > 1
      ? [{ keys: ["p"], show: "P", help: "pick a scenario, the slowest first", act: () => app.picker.open() }]
      : []),
    { keys: ["c"], show: "C", help: "copy a link to what you see", act: () => copyLink(app) },
    ...(app.trace.difference ? [] : [{ keys: ["u"], show: "U", help: "times as they are, per step, or in percent", act: () => nextUnit(app) }]),
    { keys: ["t"], show: "T", help: "dark or light", act: () => app.toggleTheme() },
    { keys: ["?"], show: "?", help: "this help", act: () => document.getElementById("help").showModal() },
  ];
}

const MOUSE_HELP = [
  ["click, double-click", "zoom to a span; on an empty place: show everything"],
  ["drag", "move"],
  ["Shift + drag", "measure a range, on the axis without Shift; Enter zooms to it, Esc clears it"],
  ["on the minimap", "drag the window, an edge of it, or a new one; click: go there; double-click: show everything"],
  ["wheel", "scroll; zoom where there is nothing to scroll"],
  ["Ctrl + wheel, two fingers", "zoom"],
];
const STRIP_HELP = ["drag on the steps", "choose steps, or several scenarios; double-click: the whole run"];

function listenToKeys(app) {
  const table = keyTable(app);
  const actions = new Map(table.flatMap((row) => row.keys.map((key) => [key, row.act])));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    const typing = event.target.matches("input");
    if (typing && event.key !== "Escape") return;
    // Leave the keys of a focused button to the button.
    if (event.target.matches("button, summary") && (event.key === "Enter" || event.key === " ")) return;
    const act = actions.get(event.key) ?? actions.get(event.key.toLowerCase());
    if (!act) return;
    event.preventDefault();
    if (typing) {
      event.target.blur();
      if (event.target !== app.searchField) return;
    }
    act(event);
  });
  const rows = [...table.map(({ show, help }) => [show, help]), ...MOUSE_HELP, ...(app.trace.steps.length ? [STRIP_HELP] : [])];
  document.getElementById("help-keys").replaceChildren(
    ...rows.flatMap(([show, help]) => [element("dt", {}, element("kbd", { text: show })), element("dd", { text: help })]),
  );
}
