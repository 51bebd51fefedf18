// What the panels say of functions that a sampler saw inside spans.

// "12 % (10 to 14)": a part of a time, and its interval.
function formatEstimate(inside, time, whole) {
  const share = time / (whole.self || 1);
  const [low, high] = inside.intervalOf(time, whole);
  const digits = share >= 0.1 && share <= 0.9 ? 0 : share >= 0.01 ? 1 : 2;
  const [middle, least, most] = [share, low, high].map((part) => (part * 100).toFixed(digits));
  return `${middle} % (${least} to ${most})`;
}

function describeSampled(trace, scene, summary, item) {
  const { nodes, total } = scene;
  const seen = nodes.seen[item];
  const frame = trace.frames[scene.frame[item]];
  const around = trace.frames[scene.frame[seen.inside]].name;
  const rows = [["Sampled", `about ${formatEstimate(trace.inside, total[item], seen.whole)} of the self time of ${around}`]];
  rows.push(["Samples", `${formatCount(seen.samples)} of ${formatCount(seen.whole.samples)}`]);
  rows.push(["Total", `about ${formatTime(total[item])} · ${formatShare(total[item] / (summary.all || 1))}`]);
  rows.push(["Self", `about ${formatTime(nodes.self[item])}`]);
  if (summary.steps > 1 && trace.stepOf(nodes.longest[seen.inside]) >= 0) {
    rows.push(["Per step", `about ${formatTime(total[item] / summary.steps)}, self ${formatTime(nodes.self[item] / summary.steps)}`]);
  }
  return { title: frame.name, component: trace.components[frame.component], rows, frame, pairs: [], sampled: true };
}

// The self time of a span or a node by group; empty if it has no samples.
function selfByGroup(app, item) {
  const { trace, scene } = app;
  if (!trace.inside || item < 0) return new Map();
  if (scene.kind !== "time") return scene.nodes.groups?.[item] ?? new Map();
  const group = trace.inside.groupOf[item];
  return group < 0 ? new Map() : new Map([[group, trace.self[item]]]);
}

// "Inside, from samples": the functions that take most of an item's self time.
function insideList(app, item, most) {
  const groups = selfByGroup(app, item);
  if (!groups.size) return [];
  const { inside } = app.trace;
  const rows = inside.functionsIn(groups);
  if (!rows.length) return [];
  const whole = inside.wholeOf(groups);
  const pairs = rows.slice(0, most).map((row) => [row.name, formatEstimate(inside, row.total, whole)]);
  const list = pairList(pairs, "inside");
  rows.slice(0, most).forEach(({ file, line }, k) => (list.children[2 * k].title = file + (line ? `:${line}` : "")));
  const more = rows.length > most ? [element("div", { class: "muted", text: `and ${formatCount(rows.length - most)} more` })] : [];
  const head = `Inside, from ${formatCount(whole.samples)} samples: estimated shares of the self time`;
  return [element("div", { class: "inside-head", text: head }), list, ...more];
}

// The legend line, and the switch that shows what is drawn.
function showSwitch(app) {
  const { trace } = app;
  if (!trace.inside) return;
  document.getElementById("samples").hidden = false;
  document.getElementById("help-samples").hidden = false;
  document.getElementById("only-measured").setAttribute("aria-pressed", String(!app.drawsSamples));
  document.getElementById("with-samples").setAttribute("aria-pressed", String(app.drawsSamples));
  const nowhere = app.scene.kind === "time" ? "; not drawn in time order, as they have no times" : "";
  document.getElementById("key-sampled").textContent = `hatched: sampled, ${trace.inside.origin}${nowhere}`;
}
