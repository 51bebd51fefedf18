// One kind of spans that is picked: what the page says of it, and the list of the costliest kinds.

// Picks a kind of spans, and no other: it is lit, and described. Once more, and it is not picked any longer.
function pickKind(app, kind) {
  const inSandwich = app.scene.kind === "sandwich";
  app.kind = kind === app.kind && !inSandwich ? -1 : kind;
  app.look.focus = -1;
  if (inSandwich) return app.setView("sandwich");
  showCostliest(app);
  app.spanTable.picked();
  showViewButtons(app);
  app.finder.restart();
  app.choose(-1);
  app.changed("push");
  if (app.kind >= 0) app.say(saidOfKind(app));
}

// Shows callers and callees of a kind; without one, of what is focused.
function showCallers(app, kind = kindToLookAt(app)) {
  if (kind < 0) return;
  app.kind = kind;
  app.look.focus = -1;
  app.setView("sandwich");
  app.chart.scroller.scrollIntoView({ block: "nearest" }); // on a phone, the table is below it
  app.say(`callers and callees of ${saidOfKind(app)}`);
}

function saidOfKind(app) {
  const { title, component, rows } = describe(app, -1);
  return `${title}, ${component.name}, ${rows.slice(0, 3).map((row) => row.join(" ")).join(", ")}`;
}

// Self times by kind, as the view shows them: with samples, functions have their parts of the spans' self times.
function selfShown(app) {
  const { trace, summary } = app;
  if (!app.drawsSamples) return summary.kinds.self;
  return (summary.selfWithInside ??= selfWithInside(trace, summary));
}

// The same of what the legend has shares of: per step, without what lies outside the steps.
function selfListed(app) {
  const { trace, summary } = app;
  const { kinds, selfOutside, stepSpans } = summary;
  if (!selfInLegend(app).perStep) return selfShown(app);
  const self = kinds.self.map((all, kind) => all - selfOutside[kind]);
  if (!app.drawsSamples) return self;
  const ranges = stepSpans.map((span) => [span, trace.subtreeEnd[span]]);
  return (summary.selfInStepsWithInside ??= selfWithInside(trace, { kinds: { self }, ranges }));
}

function sumOf(numbers) {
  return numbers.reduce((sum, value) => sum + value, 0);
}

// The kinds of spans, and sampled functions, with the most self time; a click picks one.
function showCostliest(app) {
  if (app.trace.difference) return showChanges(app);
  const { summary, trace } = app;
  const self = selfListed(app);
  const { all } = selfInLegend(app);
  const best = Array.from(self.keys())
    .filter((kind) => self[kind] > 0 && !trace.kinds[kind].several)
    .sort((a, b) => self[b] - self[a])
    .slice(0, 12);
  document.getElementById("costliest").replaceChildren(
    ...best.map((kind) => {
      const { name, component, sampled } = trace.kinds[kind];
      const swatch = element("span", { class: sampled ? "swatch hatched" : "swatch" });
      swatch.style.backgroundColor = app.componentFills()[component];
      return element(
        "button",
        {
          type: "button",
          class: "cost-row",
          title: sampled ? `${name}\nsampled: an estimate` : kindTitle(summary.kinds, kind, name),
          "aria-pressed": String(app.kind === kind),
          "aria-label": `${name}, ${sampled ? "about " : ""}${formatShare(self[kind] / all)}`,
          onclick: () => app.pickKind(kind),
        },
        swatch,
        element("span", { class: "legend-name" }, nameInMiddle(name)),
        element("span", { class: "legend-share", text: `${sampled ? "≈ " : ""}${formatShare(self[kind] / all)}` }),
      );
    }),
  );
}

function kindTitle({ calls, total, self }, kind, name) {
  const times = `self ${formatTime(self[kind])}, total ${formatTime(total[kind])}`;
  return `${name}\n${times}, ${counted(calls[kind], "call")}`;
}

// The frame of a kind, with its place in the code if all its spans have the same.
function frameOfKind(trace, kind) {
  trace.placesOf ??= trace.kindOf.reduce((counts, each) => counts.set(each, (counts.get(each) ?? 0) + 1), new Map());
  const frame = trace.kinds[kind];
  return trace.placesOf.get(kind) > 1 ? { ...frame, function: "", file: "", line: 0 } : frame;
}

// What a kind costs in the selection, as nutrace report has it.
function describeKind(app, kind) {
  const { trace, summary } = app;
  const { calls, total, self, yielded } = summary.kinds;
  const frame = frameOfKind(trace, kind);
  const component = trace.components[frame.component];
  const own = selfShown(app)[kind];
  const share = formatShare(own / (sumOf(selfShown(app)) || 1));
  if (frame.sampled) return { title: frame.name, component, rows: [["Self", `about ${formatTime(own)} · ${share}`]], frame, pairs: [], sampled: true };
  const rows = [["Calls", formatCount(calls[kind])]];
  rows.push(["Self", `${formatTime(self[kind])} · ${formatShare(self[kind] / (sumOf(summary.kinds.self) || 1))}`]);
  rows.push(["Total", formatTime(total[kind])]);
  if (summary.steps > 1 && summary.perStep[kind] && calls[kind]) {
    rows.push(["Per step", `${formatTime(total[kind] / summary.steps)}, self ${formatTime(self[kind] / summary.steps)}`]);
  }
  if (calls[kind] > 1) rows.push(["Mean", formatTime(total[kind] / calls[kind])]);
  if (yielded[kind]) rows.push(["Yielded", counted(yielded[kind], "value")]);
  return { title: frame.name, component, rows, frame, pairs: [] };
}

// An item of the inverted view, or of callers and callees.
function describeInTree(app, item) {
  const { trace, scene, summary } = app;
  const { nodes, total, parent } = scene;
  const kind = nodes.kind[item];
  if (parent[item] < 0) return describeKind(app, kind);
  let root = item;
  while (parent[root] >= 0) root = parent[root];
  const rootName = trace.kinds[nodes.kind[root]].name;
  const frame = frameOfKind(trace, kind);
  const about = frame.sampled ? "about " : "";
  const time = `${about}${formatTime(total[item])} · ${formatShare(total[item] / (total[root] || 1))}`;
  const rows = [];
  if (showsCallers(scene, item)) {
    const called = `${formatCount(nodes.calls[item])} of ${counted(nodes.calls[root], "call")}`;
    rows.push(["Calls", `${called} of ${rootName}`]);
    rows.push([scene.kind === "inverted" ? "Self" : "Total", `${time} of ${rootName}, in these calls`]);
  } else {
    rows.push(["Total", `${time} of ${rootName}`], ["Self", about + formatTime(nodes.self[item])]);
    if (!frame.sampled) rows.push(["Calls", `${formatCount(nodes.calls[item])} in ${rootName}`]);
  }
  if (summary.steps > 1 && summary.perStep[nodes.kind[root]]) rows.push(["Per step", about + formatTime(total[item] / summary.steps)]);
  return { title: frame.name, component: trace.components[frame.component], rows, frame, pairs: [], sampled: frame.sampled };
}

// What the panel of details has below the figures of a kind: the way to its callers and callees.
function kindLinks(app, kind) {
  const { trace, summary } = app;
  if (trace.difference) return [];
  const at = app.scene.kind === "sandwich" && app.kind === kind;
  const open = element("button", { type: "button", class: "callers-open", text: "Callers and callees", title: "Callers and callees (K)", onclick: () => app.showCallers(kind) });
  summary.nextTo ??= new Map();
  if (!summary.nextTo.has(kind)) summary.nextTo.set(kind, nextTo(trace, summary, kind));
  const { callers, callees } = summary.nextTo.get(kind);
  const list = (heading, rows, text) => [
    element("div", { class: "inside-head", text: heading }),
    ...rows.slice(0, 6).map((row) => neighbourRow(app, row, text(row))),
    ...(rows.length > 6 ? [element("div", { class: "muted", text: `and ${formatCount(rows.length - 6)} more` })] : []),
  ];
  return [
    ...(at ? [] : [open]),
    ...(callers.length ? list("Called by", callers, ({ calls }) => counted(calls, "call")) : []),
    ...(callees.length ? list("Calls", callees, ({ time }) => formatTime(time)) : []),
  ];
}

function neighbourRow(app, { kind, time, calls }, text) {
  const share = element("span", { class: "legend-share", text });
  if (kind < 0) {
    return element("div", { class: "cost-row" }, element("span", { class: "swatch" }), element("span", { class: "legend-name muted", text: "top of a thread" }), share);
  }
  const { name, component, sampled } = app.trace.kinds[kind];
  const swatch = element("span", { class: sampled ? "swatch hatched" : "swatch" });
  swatch.style.backgroundColor = app.componentFills()[component];
  const title = `${name}\n${formatTime(time)}, ${counted(calls, "call")}`;
  return element("button", { type: "button", class: "cost-row", title, "aria-label": `${name}, ${text}`, onclick: () => app.showCallers(kind) }, swatch, element("span", { class: "neighbour" }, ...breakable(name)), share);
}

// The kind that a name, and a component where several kinds have the name, stand for; or -1.
function kindNamed(trace, name, component) {
  const same = trace.kinds.flatMap((kind, number) => (kind.name === name ? [number] : []));
  return same.find((number) => trace.components[trace.kinds[number].component].name === component) ?? same[0] ?? -1;
}

ADDRESS_PARTS.push({
  save({ trace, kind }, words) {
    if (kind < 0) return;
    const { name, component } = trace.kinds[kind];
    words.set("kind", name);
    if (kindNamed(trace, name, "") !== kind) words.set("of", trace.components[component].name);
  },
  read(app, words) {
    app.kind = app.trace.difference ? -1 : kindNamed(app.trace, words.get("kind") ?? "", words.get("of") ?? "");
  },
});
