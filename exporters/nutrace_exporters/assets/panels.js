// The panels around the chart: details of a span, list of the costliest kinds of spans.

// The details of an item: {title, component, rows: [[label, value]], place, pairs}.
function describe(app, item) {
  const { trace, scene, summary } = app;
  if (trace.difference) return describeDifference(app, item);
  if (scene.kind === "time") return describeSpan(trace, summary, item);
  return scene.nodes.seen?.[item] ? describeSampled(trace, scene, summary, item) : describeNode(trace, scene, summary, item);
}

function describeSpan(trace, summary, span) {
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
  if (yielded) rows.push(["Yielded", `${formatCount(yielded)} value${yielded === 1 ? "" : "s"}`]);
  const wall = trace.wall[span];
  if (wall > busy) rows.push(["Open for", `${formatTime(wall)}, of which inside ${formatTime(busy)}`]);
  if (trace.unfinished.has(span)) rows.push(["Unfinished", "drawn up to the last known time"]);
  rows.push(["Began at", formatTime(trace.left[span])]);
  const { kinds, steps } = summary;
  const kind = trace.kindOf[trace.frame[span]];
  if (kinds.calls[kind] > 1 || kinds.total[kind] !== busy) {
    const each = steps > 1 && !isStep && summary.perStep[kind] ? ` · ${formatTime(kinds.total[kind] / steps)} per step` : "";
    const times = `${formatTime(kinds.total[kind])}${each}, self ${formatTime(kinds.self[kind])}`;
    rows.push([kinds.calls[kind] === 1 ? "The 1 call" : `All ${formatCount(kinds.calls[kind])} calls`, times]);
  }
  const component = trace.components[frame.component];
  return { title: trace.nameOf(span), component, rows, frame, pairs: trace.attributesOf(span) };
}

function describeNode(trace, scene, summary, node) {
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
  if (nodes.yielded[node]) rows.push(["Yielded", `${formatCount(nodes.yielded[node])} values`]);
  if (calls > 1) rows.push(["Mean", formatTime(total[node] / calls)]);
  const longest = nodes.longest[node];
  const step = trace.stepOf(longest);
  if (nodes.spans[node] > 1) {
    const where = step >= 0 ? ` in ${trace.stepText(step)}` : "";
    rows.push(["Longest", formatTime(trace.busy[longest]) + where]);
  }
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
  if (frame.function && frame.function !== title) card.push(element("div", { class: "code", text: frame.function }));
  if (frame.file) card.push(placeInCode(frame));
  card.push(...insideList(app, item, Math.min(mostPairs, 12)));
  if (pairs.length) {
    card.push(pairList(pairs.slice(0, mostPairs), "attributes"));
    if (pairs.length > mostPairs) card.push(element("div", { class: "muted", text: `and ${pairs.length - mostPairs} more: click` }));
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
  for (const [name, text] of pairs) list.append(element("dt", { text: name }), element("dd", { text }));
  return list;
}

// The kinds of spans, and sampled functions, with the most self time; a click searches for one.
function showCostliest(app) {
  if (app.trace.difference) return showChanges(app);
  const { summary, trace } = app;
  const self = app.drawsSamples ? selfWithInside(trace, summary) : summary.kinds.self;
  const all = self.reduce((sum, value) => sum + value, 0) || 1;
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
          onclick: () => app.searchFor(name),
        },
        swatch,
        element("span", { class: "legend-name", text: name }),
        element("span", { class: "legend-share", text: `${sampled ? "≈ " : ""}${formatShare(self[kind] / all)}` }),
      );
    }),
  );
}

function kindTitle({ calls, total, self }, kind, name) {
  const times = `self ${formatTime(self[kind])}, total ${formatTime(total[kind])}`;
  return `${name}\n${times}, ${formatCount(calls[kind])} call${calls[kind] === 1 ? "" : "s"}`;
}

function showCrumbs(app) {
  const { scene, trace } = app;
  const path = [];
  for (let item = app.look.focus; item >= 0; item = scene.parent[item]) path.unshift(item);
  const whole = trace.difference ? trace.difference.nameOfAll() : app.selection?.text ?? "whole run";
  const crumb = (text, item) =>
    element("button", {
      type: "button", text, class: "crumb", onclick: () => app.focusOn(item), "aria-current": String(item === app.look.focus),
    });
  const shown = path.length > 9 ? [...path.slice(0, 3), null, ...path.slice(-5)] : path;
  document.getElementById("crumbs").replaceChildren(
    crumb(whole, -1),
    ...shown.map((item) => item === null
      ? element("span", { class: "muted", text: `… ${path.length - 8} more` })
      : crumb(scene.kind === "time" ? trace.nameOf(item) : trace.frames[scene.frame[item]].name, item)),
  );
}

function showDetails(app) {
  const panel = document.getElementById("details");
  const item = app.look.focus;
  panel.hidden = item < 0;
  if (item < 0) return;
  panel.replaceChildren(...descriptionCard(app, item, 200));
  if (app.trace.difference) panel.append(...callersList(app, item));
}
