// The views: time order, merged, inverted, and callers and callees of a kind of spans. A scene is made when its
// view is first shown, and kept with the summary of what is selected.

const VIEWS = ["time", "merged", "inverted", "sandwich"];

// The scene of a view. All but time order are made of the merged scene.
function sceneOf(app, kind) {
  if (kind === "time") return app.timeScene;
  const merged = app.mergedScene();
  if (kind === "merged") return merged;
  if (kind === "inverted") return (merged.inverted ??= invertedScene(app.trace, merged));
  if (merged.sandwich?.center !== app.kind) merged.sandwich = sandwichScene(app.trace, merged, app.kind);
  return merged.sandwich;
}

// The view that can be shown instead of the wanted one: with two sides only "merged"; the sandwich needs a kind that
// was called in what is selected.
function possibleView(app, kind) {
  if (app.trace.difference) return "merged";
  if (kind !== "sandwich") return VIEWS.includes(kind) ? kind : "time";
  if (app.kind < 0) app.kind = kindToLookAt(app);
  return app.kind >= 0 && entriesOf(app.trace, app.mergedScene(), app.kind).length ? kind : "merged";
}

// The kind that is focused, or picked, or else the costliest.
function kindToLookAt({ trace, scene, look, summary, kind: picked }) {
  if (look.focus >= 0 && scene.frame) return trace.kindOf[scene.frame[look.focus]];
  if (picked >= 0) return picked;
  const { self } = summary.kinds;
  return self.reduce((best, value, kind) => (value > (self[best] ?? 0) ? kind : best), -1);
}

// The item of a scene that shows what an item of another showed, or -1.
function itemInView(app, item, from, to) {
  if (item < 0 || from === to) return item;
  const { trace } = app;
  if (trace.difference) return trace.difference.itemNear(from.nodes.of[item], to);
  const merged = from.merged ?? (from.kind === "merged" ? from : app.mergedScene());
  let node = from.kind === "time" ? merged.nodeOf[item] : from.merged ? from.nodes.node[item] : item;
  if (node < 0) return -1;
  // Of a sampled function the span around it, as nodes of spans have the same numbers with samples and without.
  node = merged.nodes.seen?.[node]?.inside ?? node;
  if (to.kind === "time") return merged.nodes.longest[node];
  if (to.kind === "merged") return node;
  return to.kind === "inverted" ? to.roots.get(trace.kindOf[merged.frame[node]]) ?? -1 : -1;
}

// Shows a view; what is focused stays so, as far as the view has it.
function showView(app, wanted) {
  app.tooltip.hide();
  const from = app.scene;
  const kind = possibleView(app, wanted);
  app.scene = sceneOf(app, kind);
  app.drawsSamples = kind !== "time" && app.samples;
  const to = from.frame ? itemInView(app, app.look.focus, from, app.scene) : -1;
  app.look.focus = to;
  if (kind === "time" && to >= 0 && app.trace.thread[to] !== app.thread) app.thread = -1;
  app.matchNodes();
  app.showMatches();
  showCostliest(app);
  app.spanTable.fill();
  showSwitch(app);
  showViewButtons(app);
  app.placeBounds();
  app.chart.show(app.scene);
  app.focusOn(to, false);
  if (kind === "sandwich" && to < 0) app.chart.reveal(app.scene.starts[CALLEES]);
}

// What a bar says after its name: its time, and where callers are shown, how often they called.
function barTexts(app, item, width) {
  const time = barText(app, item, width);
  const calls = app.scene.merged ? app.scene.nodes.calls[item] : 0;
  return calls ? [`${counted(calls, "call")}  ${time}`, time] : [time];
}

// Whether an item lies in a tree of callers: what is below an item there has called it.
function showsCallers(scene, item) {
  return scene.kind === "inverted" || scene.isUpward(item);
}

function showViewButtons(app) {
  for (const name of VIEWS) {
    document.getElementById(`view-${name}`).setAttribute("aria-pressed", String(name === app.scene.kind));
  }
  const title = app.kind < 0 ? "of a kind of spans" : `of ${app.trace.kinds[app.kind].name}`;
  document.getElementById("view-sandwich").title = `Callers and callees ${title} (K)`;
  showThreads(app);
}

// In time order, the field that picks one of several threads, in the order of their lanes.
function showThreads(app) {
  const field = document.getElementById("threads");
  field.hidden = app.scene.kind !== "time" || app.timeScene.allLanes.length < 2;
  if (!field.options.length) {
    const scene = app.wholeTimeScene;
    const lanes = scene.allLanes;
    const option = (text, value) => element("option", { text, value });
    const threads = lanes.map((lane) => option(`${lane.name}: ${formatTime(timeOfLane(scene, lane))}`, lane.number));
    fill(field, [option(`All ${formatCount(lanes.length)} threads`, "-1"), ...threads]);
    field.addEventListener("change", () => showThread(app, Number(field.value)));
  }
  field.value = String(app.thread);
}

// Shows the lane of a thread in time order; -1 shows all.
function showThread(app, number) {
  app.thread = number;
  app.look.focus = -1;
  app.setView("time");
  app.say(number < 0 ? "all threads" : app.trace.threads[number]);
}

// The time in the outermost spans of a lane.
function timeOfLane({ rowStart, widthBefore }, { base }) {
  return widthBefore[rowStart[base + 1]] - widthBefore[rowStart[base]];
}

// From the first to the last item of a lane, or null if the lane is empty.
function edgesOfLane(scene, { base }) {
  const [first, last] = [scene.rowItems[scene.rowStart[base]], scene.rowItems[scene.rowStart[base + 1] - 1]];
  return first === undefined ? null : [scene.left[first], scene.right[last]];
}

ADDRESS_PARTS.push({
  save({ thread, scene }, words) {
    if (thread >= 0 && scene.kind === "time") words.set("thread", thread);
  },
  read(app, words) {
    const number = /^\d{1,6}$/.test(words.get("thread") ?? "") ? Number(words.get("thread")) : -1;
    app.thread = app.trace.threads[number] === undefined ? -1 : number;
  },
});
