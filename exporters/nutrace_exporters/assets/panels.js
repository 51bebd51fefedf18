// The panels around the chart: details of a span, legend, crumbs.

// The details of an item, or without one of the kind that is picked:
// {title, component, rows: [[label, value]], place, pairs}.
function describe(app, item) {
  const { trace, scene, summary } = app;
  if (item < 0) return describeKind(app, app.kind);
  if (trace.difference) return describeDifference(app, item);
  if (scene.kind === "time") return describeSpan(trace, summary, item);
  if (scene.merged) return describeInTree(app, item);
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

// Components by self time; their shares add up to the time of the selection.
function showLegend(app) {
  if (app.trace.difference) return showChangedComponents(app);
  const { summary, trace } = app;
  const { self } = summary.components;
  const all = self.reduce((sum, value) => sum + value, 0) || 1;
  // Where spans outside the steps are selected too, a figure per step would be wrong.
  const perStep = summary.steps > 1 && summary.selection && !summary.regions[OUTSIDE].self.some(Boolean);
  const rows = app.componentOrder
    .filter((component) => summary.components.calls[component] || self[component])
    .sort((a, b) => self[b] - self[a]);
  document.getElementById("legend").replaceChildren(
    ...rows.map((component) => {
      const { name } = trace.components[component];
      const swatch = element("span", { class: "swatch" });
      const bar = element("span", { class: "bar" });
      swatch.style.background = bar.style.background = app.componentFills()[component];
      bar.style.width = `${(100 * self[component]) / all}%`;
      const each = perStep ? formatTime(self[component] / summary.steps) : "";
      return element(
        "button",
        {
          type: "button",
          class: "legend-row",
          "aria-pressed": String(app.highlight === component),
          title: [name, each && `self ${each} per step`, ...costsOf(summary, component)].filter(Boolean).join("\n"),
          onclick: () => app.highlightComponent(component),
        },
        swatch,
        element("span", { class: "legend-name", text: name }),
        element("span", { class: "legend-time", text: each || formatTime(self[component]) }),
        element("span", { class: "legend-share", text: formatShare(self[component] / all) }),
        element("span", { class: "track" }, bar),
      );
    }),
  );
  document.getElementById("legend-title").textContent = perStep ? "Self time per step" : "Self time";
}

// Self and total time and calls of a component, and the same by region if it has spans in several.
function costsOf(summary, component) {
  const line = ({ self, total, calls }, where) =>
    `${where}self ${formatTime(self[component])}, total ${formatTime(total[component])}, ` +
    `${formatCount(calls[component])} call${calls[component] === 1 ? "" : "s"}`;
  const used = [INSIDE, BESIDE, OUTSIDE].filter((region) => summary.regions[region].calls[component] || summary.regions[region].self[component]);
  const parts = used.length > 1 ? used.map((region) => line(summary.regions[region], `${REGION_NAMES[region]}: `)) : [];
  return [line(summary.components, ""), ...parts];
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
  const kind = item < 0 ? app.kind : app.trace.kindOf[app.scene.frame[item]];
  panel.hidden = kind < 0;
  if (kind < 0) return;
  panel.replaceChildren(...descriptionCard(app, item, 200), ...kindLinks(app, kind));
  if (app.trace.difference) panel.append(...callersList(app, item));
}
