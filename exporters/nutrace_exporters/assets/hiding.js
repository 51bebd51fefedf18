// Components that are hidden. Their spans leave the picture, what these called moves up to their callers, and their
// self time is in no bar. Figures of the run stay as they are, and the legend says what is hidden.

// By frame, 1 if its component is hidden; null if nothing is hidden.
function framesOf(trace, components) {
  return components.size ? Uint8Array.from(trace.frames, ({ component }) => (components.has(component) ? 1 : 0)) : null;
}

// By span, the self time of the hidden spans in it, on its thread.
function hiddenSelf(trace, hiddenFrames) {
  const sums = new Float64Array(trace.n);
  for (let i = trace.n - 1; i >= 0; i--) {
    if (hiddenFrames[trace.frame[i]]) sums[i] += trace.self[i];
    if (trace.laneDepth[i]) sums[trace.parent[i]] += sums[i];
  }
  return sums;
}

// Time order without the hidden spans: all stay where they are in time, and their children go up a row.
function timeSceneWithout(trace, whole, hiddenFrames) {
  const parent = new Int32Array(trace.n).fill(-1);
  const depth = new Int32Array(trace.n);
  const shown = new Uint8Array(trace.n);
  for (let i = 0; i < trace.n; i++) {
    let above = whole.parent[i];
    if (above >= 0 && !shown[above]) above = parent[above];
    parent[i] = above;
    if (above >= 0) depth[i] = depth[above] + 1;
    shown[i] = hiddenFrames[trace.frame[i]] ? 0 : 1;
  }
  const scene = new Scene("time", trace.n, whole.left, whole.right, whole.frame, parent);
  scene.arrange(trace.threads, trace.thread, depth, [], shown);
  scene.orderLanes(whole.laneOrder);
  return scene;
}

// Hides these components and no others; the chosen span, or what is around it, stays chosen.
function hideComponents(app, components) {
  app.address.asOne(() => redrawWithout(app, components));
  app.say(hiddenText(app) || "all components are shown");
}

function redrawWithout(app, components) {
  const { scene, look } = app;
  const inTime = scene.kind === "time";
  const view = { ...app.chart.view };
  const span = look.focus < 0 ? -1 : inTime ? look.focus : (scene.nodes?.longest?.[look.focus] ?? -1);
  setHidden(app, components);
  look.focus = -1;
  app.setView(scene.kind);
  if (inTime) app.chart.moveTo(view.from, view.to, false);
  const item = span < 0 ? -1 : inTime ? drawnAround(app.scene, span) : (app.scene.nodeOf?.[span] ?? -1);
  if (item >= 0) app.choose(item);
  showLegend(app);
  app.strip.draw();
}

function setHidden(app, components) {
  if (components.length === app.hidden.size && components.every((component) => app.hidden.has(component))) return;
  app.hidden = new Set(components);
  app.hiddenFrames = framesOf(app.trace, app.hidden);
  app.timeScene = app.hidden.size ? timeSceneWithout(app.trace, app.wholeTimeScene, app.hiddenFrames) : app.wholeTimeScene;
  // Merged trees without other components are made when they are asked for.
  for (const summary of [app.whole, app.summary]) summary.merged = null;
}

function drawnAround(scene, item) {
  return item < 0 || scene.row[item] >= 0 ? item : scene.parent[item];
}

function toggleHidden(app, component) {
  const hidden = [...app.hidden].filter((other) => other !== component);
  hideComponents(app, app.hidden.has(component) ? hidden : [...hidden, component]);
}

// The components that have spans, apart from one.
function othersThan(app, component) {
  return app.componentOrder.filter((other) => other !== component && hasSpans(app.whole, other));
}

function hasSpans({ components }, component) {
  return components.calls[component] > 0 || components.self[component] > 0;
}

function isAlone(app, component) {
  const others = othersThan(app, component);
  return !app.hidden.has(component) && others.length > 0 && others.every((other) => app.hidden.has(other));
}

// Shows only this component; all, if it is the only one already.
function toggleAlone(app, component) {
  hideComponents(app, isAlone(app, component) ? [] : othersThan(app, component));
}

// The component that keys are about: the highlighted one, or that of the chosen item; -1 if there is none.
function componentAtHand({ highlight, look, scene, trace }) {
  if (highlight >= 0) return highlight;
  return look.focus >= 0 ? trace.frames[scene.frame[look.focus]].component : -1;
}

// The details of an item of which hidden spans are left out.
function withHidden(app, details) {
  if (app.hidden.size) details.rows.push(["Left out", namesOfHidden(app)]);
  return details;
}

function namesOfHidden({ componentOrder, hidden, trace }) {
  const names = componentOrder.filter((component) => hidden.has(component)).map((component) => trace.components[component].name);
  return names.length > 6 ? `${formatCount(names.length)} components` : names.join(", ");
}

function hidingKeys(app) {
  const act = (change) => () => {
    const component = componentAtHand(app);
    if (component >= 0) change(app, component);
    else app.say("Choose a span, or click a component, to hide or to isolate");
  };
  return [
    { keys: ["h"], show: "H", help: "hide the component of the chosen span, or the highlighted one", act: act(toggleHidden) },
    { keys: ["H"], show: "Shift H", help: "show it alone, or all components again", act: act(toggleAlone) },
  ];
}

// "Hidden: database, map. ...": for people; "" if nothing is hidden.
function hiddenText(app) {
  const { summary, scene } = app;
  const hidden = app.componentOrder.filter((component) => app.hidden.has(component));
  if (!hidden.length) return "";
  const { self, all, perStep } = selfInLegend(app);
  const sum = hidden.reduce((time, component) => time + self[component], 0);
  const time = perStep ? `${formatTime(sum / summary.steps)} per step` : formatTime(sum);
  const without = scene.kind === "time" ? "has no bars of its own" : "is in no bar";
  const [their, they] = hidden.length > 1 ? ["their", "they"] : ["its", "it"];
  return `Hidden: ${namesOfHidden(app)}. ${capital(their)} self time, ${time} (${formatShare(sum / all)}), ${without}; what ${they} called has moved up to ${their} callers.`;
}

ADDRESS_PARTS.push({
  save(app, words) {
    for (const component of app.hidden) words.append("hide", app.trace.components[component].name);
  },
  read(app, words) {
    const names = new Set(words.getAll("hide"));
    const components = app.componentOrder.filter((component) => names.has(app.trace.components[component].name));
    if (!app.trace.difference) setHidden(app, components);
  },
});
