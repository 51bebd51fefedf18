// What the page shows of two sides besides the bars: the switch, the figures, and the panels.

function signed(ns) {
  if (!ns) return "±0";
  return `${ns < 0 ? "−" : "+"}${formatTime(Math.abs(ns))}`;
}

function formatChange(base, now) {
  if (!base) return "";
  const share = (now - base) / base;
  return Math.abs(share) >= 10 ? `×${(now / base).toFixed(0)}` : `${share < 0 ? "−" : "+"}${formatShare(Math.abs(share))}`;
}

function formatCalls(calls) {
  return calls >= 100 ? formatCount(calls) : String(Number(calls.toPrecision(3)));
}

// Makes the app draw the difference: what it has of its own for spans is replaced here.
function drawDifference(app) {
  const { trace, look } = app;
  const { difference } = trace;
  const nodeOf = (item) => app.scene.nodes.of[item];
  look.fill = (item, frame) => {
    const fill = changeFill(app, difference.levelOf(nodeOf(item)));
    return app.faded(item, frame) ? app.pale(fill, 2.8) : fill;
  };
  look.pattern = (item) => difference.markOf(nodeOf(item));
  look.marked = () => false;
  look.names = (item) => app.namesOf(item).map((name) => [MARKS[difference.markOf(nodeOf(item))], name].filter(Boolean).join(" "));
  look.ruler = () => ruler(1, `per ${difference.unit}`);
  look.details = (item) => {
    const node = nodeOf(item);
    const time = formatTime(difference.total[difference.side][node]);
    const change = signed(difference.change[node]);
    return difference.levelOf(node) ? [`${time}  self ${change}`, change] : [time];
  };
  document.querySelector("nav .switch").hidden = true;
  document.getElementById("spans-open").hidden = true;
  document.getElementById("sides").hidden = false;
  document.getElementById("help-sides").hidden = false;
  document.getElementById("help-spans").hidden = true;
  document.getElementById("about-open").textContent = "About these runs";
  document.getElementById("about-title").textContent = "About these runs";
  document.getElementById("holds").textContent = "what both sides add up to";
  document.getElementById("in-steps").parentElement.hidden = !difference.hasParts();
  const on = (id, act) => document.getElementById(id).addEventListener("click", act);
  on("side-new", () => showSide(app, NEW));
  on("side-base", () => showSide(app, BASE));
  on("in-steps", () => showSide(app, difference.side, true));
  on("whole-run", () => showSide(app, difference.side, false));
}

function sideKeys(app) {
  const { difference } = app.trace;
  const rows = [{ keys: ["v"], show: "V", help: `as wide as ${difference.words.join(", or as ")}`, act: () => showSide(app, 1 - difference.side) }];
  if (difference.hasParts()) {
    rows.push({ keys: ["b"], show: "B", help: "the steps, or the whole run", act: () => showSide(app, difference.side, !difference.inSteps) });
  }
  return rows;
}

// Gives the widths of a side.
function showSide(app, side, inSteps = app.trace.difference.inSteps) {
  app.trace.difference.show(side, inSteps);
  app.whole = app.summary = summarize(app.trace, null);
  showFigures(app);
  showLegend(app);
  app.setView("merged");
}

function restoreSides(app, words) {
  app.trace.difference.show(words.get("side") === "base" ? BASE : NEW, words.get("part") !== "run");
  app.whole = summarize(app.trace, null);
}

// Zooms to a frame, on the side that has it.
function goToFrame(app, node) {
  const { difference } = app.trace;
  if (!difference.total[difference.side][node]) showSide(app, 1 - difference.side);
  const item = app.scene.nodeOf[node];
  if (item >= 0) app.focusOn(item);
}

function showSides(app) {
  const { difference } = app.trace;
  const { unit, units, words, names } = difference;
  [BASE, NEW].forEach((side) => {
    const button = document.getElementById(side === NEW ? "side-new" : "side-base");
    button.setAttribute("aria-pressed", String(difference.side === side));
    button.textContent = `${words[side]}: ${names[side]}`;
    button.title = `as wide as on this side, mean of ${counted(units[side], unit)}`;
  });
  document.getElementById("in-steps").setAttribute("aria-pressed", String(difference.inSteps));
  document.getElementById("whole-run").setAttribute("aria-pressed", String(!difference.inSteps));
  showScale(app);
  document.getElementById("marks").replaceChildren(
    ...Object.keys(MARKS).filter((mark) => mark !== "moved" || difference.seeksMoves()).map((mark) => {
      const swatch = element("canvas", { class: "swatch", width: 18, height: 12, "aria-hidden": "true" });
      const c = swatch.getContext("2d");
      c.fillStyle = changeFill(app, 0);
      c.fillRect(0, 0, 18, 12);
      c.fillStyle = app.chart.patternOf(mark, 1);
      c.fillRect(0, 0, 18, 12);
      return element("span", { class: "mark" }, swatch, element("span", { text: `${MARKS[mark]} ${wordsOf(difference, mark)}` }));
    }),
  );
}

function describeDifference(app, item) {
  const { trace } = app;
  const { difference } = trace;
  const node = app.scene.nodes.of[item];
  const frame = trace.frames[trace.frame[node]];
  const { unit, words, self, total, calls } = difference;
  const rows = [];
  const mark = difference.markOf(node);
  const other = difference.moved[node];
  if (mark === "moved") {
    const came = difference.spans[NEW][node] > 0;
    rows.push([came ? "Was" : "Is now", difference.pathOf(other).slice(-4).join(" › ")]);
  } else if (mark) rows.push(["Only in", mark === "new" ? words[NEW] : words[BASE]]);
  const [before, after] = [difference.selfOf(node, BASE), difference.selfOf(node, NEW)];
  rows.push(["Change of self", `${signed(after - before)} per ${unit} ${formatChange(before, after) && `· ${formatChange(before, after)}`}`.trim()]);
  const both = (values, format) => [BASE, NEW].map((side) => (difference.spans[side][node] ? format(values[side][node]) : "none")).join(" → ");
  rows.push(["Self", mark === "moved" ? `${formatTime(before)} → ${formatTime(after)}` : both(self, formatTime)]);
  rows.push(["Total", both(total, formatTime)]);
  const ranges = [BASE, NEW].map((side) => difference.rangeOf(node, side));
  if (ranges.every(Boolean)) {
    const text = ranges.map((ends) => ends.map(formatTime).join(" to ")).join(" → ");
    rows.push(["Self of the runs", difference.overlap(node) ? `${text}: they overlap, so no colour` : text]);
  }
  const hidden = difference.hiddenBelow(node);
  if (hidden.count) rows.push(["Not drawn", `${formatCount(hidden.count)} below, only in ${words[1 - difference.side]}, ${formatTime(hidden.time)}`]);
  rows.push(["Calls", `${both(calls, formatCalls)} per ${unit}`]);
  // The swatch has the colour of the bar.
  const fill = changeFill(app, difference.levelOf(node));
  const { name } = trace.components[frame.component];
  return { title: frame.name, component: { name, light: fill, dark: fill }, rows, frame, pairs: [] };
}

// The frames of the same name below other callers.
function callersList(app, item) {
  const { trace } = app;
  const { difference } = trace;
  const node = app.scene.nodes.of[item];
  const { name } = trace.frames[trace.frame[node]];
  const same = [];
  for (let other = 0; other < trace.n; other++) {
    if (difference.drawn(other) && trace.frames[trace.frame[other]].name === name) same.push(other);
  }
  if (same.length < 2) return [];
  const weight = (other) => Math.max(difference.total[BASE][other], difference.total[NEW][other]);
  same.sort((a, b) => weight(b) - weight(a));
  const rows = same.slice(0, 8).map((other) => {
    const path = difference.pathOf(other).slice(0, -1);
    return changeRow(app, other, path.at(-1) ?? "(nothing around it)", path.slice(-3, -1).join(" › "), other === node);
  });
  const more = same.length > 8 ? [element("div", { class: "muted", text: `and ${same.length - 8} more` })] : [];
  return [element("div", { class: "inside-head", text: "Callers of this frame, and its change below each" }), ...rows, ...more];
}

function changeRow(app, node, text, caller, current = false) {
  const { difference } = app.trace;
  const swatch = element("span", { class: `swatch ${difference.markOf(node)}` });
  swatch.style.backgroundColor = changeFill(app, difference.levelOf(node));
  const mark = MARKS[difference.markOf(node)];
  return element(
    "button",
    {
      type: "button", class: "cost-row", title: difference.pathOf(node).join(" › "), onclick: () => goToFrame(app, node),
      "aria-current": String(current),
    },
    swatch,
    element("span", { class: "legend-name", text: mark ? `${mark} ${text}` : text }),
    element("span", { class: "legend-share", text: signed(difference.change[node]) }),
    ...(caller ? [element("span", { class: "caller", text: caller })] : []),
  );
}

// The frames that changed most, or all of one mark.
function showChanges(app) {
  const { difference } = app.trace;
  const shown = app.changesOf ?? null;
  const chip = (mark, text) => {
    return element("button", {
      type: "button", class: "chip", text: `${text} ${formatCount(difference.ranked(mark).length)}`,
      title: mark ? wordsOf(difference, mark) : "frames that changed", "aria-pressed": String(shown === mark),
      onclick: () => { app.changesOf = mark; showChanges(app); },
    });
  };
  const nodes = difference.ranked(shown);
  const { frames, frame } = app.trace;
  const rows = nodes.slice(0, 12).map((node) => changeRow(app, node, frames[frame[node]].name, difference.pathOf(node).slice(-3, -1).join(" › ")));
  const more = nodes.length > rows.length ? [element("div", { class: "muted", text: `and ${formatCount(nodes.length - rows.length)} more` })] : [];
  const none = nodes.length ? [] : [element("div", { class: "muted", text: "none" })];
  document.querySelector("#costliest-part h2").textContent = `Largest changes of self time per ${difference.unit}`;
  const chips = [chip(null, "Changed"), chip("new", MARKS.new), chip("vanished", MARKS.vanished)];
  if (difference.seeksMoves()) chips.push(chip("moved", MARKS.moved));
  document.getElementById("costliest").replaceChildren(element("div", { class: "chips" }, ...chips), ...rows, ...more, ...none);
  showSides(app);
}

// Components: self time on the side that is shown, and its change.
function showChangedComponents(app) {
  const { trace } = app;
  const { difference } = trace;
  const sums = [0, 1].map(() => new Float64Array(trace.components.length));
  for (let node = 0; node < trace.n; node++) {
    if (!difference.drawn(node)) continue;
    const { component } = trace.frames[trace.frame[node]];
    for (const side of [BASE, NEW]) sums[side][component] += difference.self[side][node];
  }
  const [base, now] = sums;
  const rows = trace.components.map((_, k) => k).filter((k) => base[k] || now[k]);
  rows.sort((a, b) => Math.abs(now[b] - base[b]) - Math.abs(now[a] - base[a]));
  document.getElementById("legend-title").textContent = `Components: self time per ${difference.unit}`;
  fill(
    document.getElementById("legend"),
    rows.map((component) => {
      const swatch = element("span", { class: "swatch" });
      const most = Math.max(base[component], now[component]);
      const { name } = trace.components[component];
      const overlap = difference.partsOverlap(name);
      swatch.style.background = changeFill(app, overlap ? 0 : difference.level(now[component] - base[component], most));
      return element(
        "button",
        {
          type: "button", class: "legend-row changes", "aria-pressed": String(app.highlight === component),
          title: `${formatTime(base[component])} → ${formatTime(now[component])} ${formatChange(base[component], now[component])}${overlap ? "\nruns of both sides overlap" : ""}`,
          onclick: () => app.highlightComponent(component),
        },
        swatch,
        element("span", { class: "legend-name", text: name }),
        element("span", { class: "legend-time", text: formatTime(sums[difference.side][component]) }),
        element("span", { class: "legend-share", text: signed(now[component] - base[component]) }),
      );
    }),
  );
}

function sideFigures(difference) {
  const [before, after] = [difference.whole(BASE), difference.whole(NEW)];
  const { unit, units, words } = difference;
  const measured = (side) => {
    const range = difference.rangeOfPart("", side);
    return range ? `${words[side]}, runs ${range.map(formatTime).join(" to ")}` : `${words[side]}, per ${unit} of ${formatCount(units[side])}`;
  };
  return [
    [measured(BASE), formatTime(before)],
    [measured(NEW), formatTime(after)],
    [`change per ${unit}${difference.partsOverlap("") ? "; runs overlap" : ""}`, `${signed(after - before)} · ${formatChange(before, after)}`],
  ];
}
