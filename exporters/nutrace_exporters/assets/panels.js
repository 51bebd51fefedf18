// The panel of details beside the chart.

const BLOCK = "nutrace.block";

// The details of an item, or without one of the kind that is picked:
// {title, component, rows: [[label, value]], place, pairs}.
function describe(app, item) {
  const { trace, scene, summary } = app;
  if (item < 0) return describeKind(app, app.kind);
  if (trace.difference) return describeDifference(app, item);
  if (scene.kind === "time") return describeSpan(app, item);
  if (scene.merged) return withHidden(app, describeInTree(app, item));
  return withHidden(app, scene.nodes.seen?.[item] ? describeSampled(trace, scene, summary, item) : describeNode(app, item));
}

function describeSpan({ trace, summary, look }, span) {
  const frame = trace.frames[trace.frame[span]];
  const rows = [];
  const step = trace.stepOf(span);
  const busy = trace.busy[span];
  const ofStep = step >= 0 ? trace.busy[trace.steps[step].span] : 0;
  const isStep = step >= 0 && trace.steps[step].span === span;
  const share = ofStep && !isStep ? ` · ${formatShare(busy / ofStep)} of ${trace.stepText(step)}` : "";
  rows.push(["Total", formatTime(busy) + share]);
  rows.push(["Self", `${formatTime(trace.self[span])}${busy ? ` · ${formatShare(trace.self[span] / busy)}` : ""}`]);
  const own = trace.own[span];
  if (own) rows.push(["nutrace", `${formatTime(own)} of its own, taken out`]);
  if (isStep && trace.steps[step].interval) {
    rows.push(["Real-time factor", `${(busy / trace.steps[step].interval).toFixed(2)}×`]);
  }
  const calls = trace.calls[span];
  if (calls > 1) {
    const [low, high] = trace.extremes.get(span) ?? [0, 0];
    rows.push(["Calls", `${formatCount(calls)} short ones in a row, drawn as one`]);
    if (high) rows.push(["Each", `${formatTime(low)} to ${formatTime(high)}, mean ${formatTime(busy / calls)}`]);
    const [p50, p95] = trace.percentiles.get(span) ?? [0, 0];
    if (busy) rows.push(["Percentiles", p95 ? `p50 ${formatTime(p50)}, p95 ${formatTime(p95)}` : "mean only"]);
  } else if (calls === 0) rows.push(["Calls", "continues a generator of another span"]);
  const yielded = trace.yielded[span];
  if (yielded) rows.push(["Yielded", counted(yielded, "value")]);
  const wall = trace.wall[span];
  if (wall > busy) rows.push(["Open for", `${formatTime(wall)}, of which inside ${formatTime(busy)}`]);
  if (trace.unfinished.has(span)) rows.push(["Unfinished", "drawn up to the last known time"]);
  // The axis begins at what is selected.
  const [began, there] = [formatTime(trace.left[span]), trace.left[span] - look.origin];
  rows.push(["Began at", look.origin ? `${there ? formatTime(there) : 0} on the axis, ${began} into the run` : began]);
  const kind = trace.kindOf[trace.frame[span]];
  if (summary.kinds.calls[kind] > 1 || summary.kinds.total[kind] !== busy) rows.push(rowOfKind(summary, kind, !isStep));
  const component = trace.components[frame.component];
  return { title: trace.nameOf(span), component, rows, frame, pairs: trace.attributesOf(span) };
}

// All calls of a kind of spans in what is selected, as nutrace report counts them.
function rowOfKind({ kinds, steps, perStep }, kind, divisible = true) {
  const [calls, total, self] = [kinds.calls[kind], kinds.total[kind], kinds.self[kind]];
  const each = divisible && steps > 1 && perStep[kind] ? ` · ${formatTime(total / steps)} per step` : "";
  return [calls === 1 ? "The 1 call" : `All ${counted(calls, "call")}`, `${formatTime(total)}${each}, self ${formatTime(self)}`];
}

function describeNode({ trace, scene, summary }, node) {
  const { nodes, total } = scene;
  const frame = trace.frames[scene.frame[node]];
  const rows = [];
  rows.push(["Total", `${formatTime(total[node])} · ${formatShare(total[node] / (summary.all || 1))}`]);
  const own = nodes.self[node];
  rows.push(["Self", `${formatTime(own)} · ${formatShare(own / (summary.all || 1))}`]);
  const perStep = summary.steps > 1 && trace.stepOf(nodes.longest[node]) >= 0;
  if (perStep) rows.push(["Per step", `${formatTime(total[node] / summary.steps)}, self ${formatTime(own / summary.steps)}`]);
  const calls = nodes.calls[node];
  const each = perStep ? ` · ${(calls / summary.steps).toFixed(1).replace(".0", "")} per step` : "";
  rows.push(["Calls", formatCount(calls) + each]);
  if (nodes.yielded[node]) rows.push(["Yielded", counted(nodes.yielded[node], "value")]);
  if (calls > 1) rows.push(["Mean", formatTime(total[node] / calls)]);
  const longest = nodes.longest[node];
  const step = trace.stepOf(longest);
  if (nodes.spans[node] > 1) {
    const where = step >= 0 ? ` in ${trace.stepText(step)}` : "";
    rows.push(["Longest", formatTime(trace.busy[longest]) + where]);
  }
  // With other callers, there are more calls.
  const kind = trace.kindOf[scene.frame[node]];
  if (summary.kinds.calls[kind] !== calls || summary.kinds.total[kind] !== total[node]) rows.push(rowOfKind(summary, kind));
  const component = trace.components[frame.component];
  return { title: frame.name, component, rows, frame, pairs: nodes.spans[node] === 1 ? trace.attributesOf(longest) : [] };
}

function descriptionCard(app, item, mostPairs) {
  const { title, component, rows, frame, pairs, sampled } = describe(app, item);
  const swatch = element("span", { class: sampled ? "swatch hatched" : "swatch" });
  swatch.style.backgroundColor = component[app.dark ? "dark" : "light"];
  const card = [
    element("div", { class: "card-title" }, swatch, element("strong", { text: title })),
    element("div", { class: "card-component", text: sampled ? `sampled in ${component.name}: an estimate` : component.name }),
    pairList(rows, "figures"),
  ];
  // A span that is no call of the function: a with-block in it, for example.
  const isBlock = pairs.some(([name]) => name === BLOCK);
  if (frame.function && frame.function !== title) card.push(element("div", { class: "code", text: `${isBlock ? "in " : ""}${frame.function}` }));
  if (frame.file) card.push(placeInCode(frame));
  card.push(...insideList(app, item, Math.min(mostPairs, 12)));
  const attributes = pairs.filter(([name]) => name !== BLOCK).map(readableAttribute);
  if (attributes.length) {
    card.push(pairList(attributes.slice(0, mostPairs), "attributes"));
    if (attributes.length > mostPairs) card.push(element("div", { class: "muted", text: `and ${attributes.length - mostPairs} more: click` }));
  }
  return card;
}

// A path may be wrapped after slashes only.
function placeInCode({ file, line }) {
  const parts = (file + (line ? `:${line}` : "")).split(/(?<=[/\\])/);
  const shown = parts.flatMap((part) => [part, document.createElement("wbr")]);
  return element("div", { class: "code path" }, ...shown);
}

function pairList(pairs, kind) {
  const list = element("dl", { class: kind });
  for (const [name, text, ...titles] of pairs) {
    const [full, raw] = titles.map((title) => ({ title }));
    list.append(element("dt", { text: name, ...full }), element("dd", { text, ...raw }));
  }
  return list;
}

function showDetails(app) {
  const panel = document.getElementById("details");
  const item = app.look.focus;
  const kind = item < 0 ? app.kind : app.trace.kindOf[app.scene.frame[item]];
  panel.hidden = kind < 0;
  if (kind < 0) return;
  panel.replaceChildren(...descriptionCard(app, item, 200), ...kindLinks(app, kind));
  if (app.trace.difference) panel.append(...callersList(app, item));
}
