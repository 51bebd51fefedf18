// Ties data, chart and panels together. State lives here; panels are drawn from it.

class App {
  constructor(trace) {
    this.trace = trace;
    this.table = stepTable(trace);
    this.search = new Search(trace);
    this.selection = null; // a Selection; null is the whole run
    this.highlight = -1; // component
    this.hidden = new Set(); // components; by frame in hiddenFrames, null if nothing is hidden
    this.hiddenFrames = null;
    this.allInLegend = false; // whether the legend has small components too
    this.kind = -1; // the kind of spans that is picked
    this.thread = -1; // whose lane is shown in time order; -1 shows all
    this.unit = "ms"; // or "per step" or "%": of the times that people read
    this.samples = trace.inside !== null; // whether the merged view has sampled functions
    this.whole = this.summary = summarize(trace, null);
    const { self } = this.whole.components;
    this.componentOrder = trace.components.map((_, k) => k).sort((a, b) => self[b] - self[a]);
    this.timeScene = this.wholeTimeScene = timeScene(trace); // without what is hidden, and with it
    this.look = {
      focus: -1,
      origin: 0,
      bounds: null,
      intervals: null,
      theme: {},
      fill: (item, frame) => (this.faded(item, frame) ? this.dimFills[frame] : this.fills[frame]),
      faded: (item, frame) => this.faded(item, frame),
      names: (item) => this.namesOf(item),
      hatched: (frame) => trace.frames[frame].sampled === true,
      pattern: (item, frame) => (this.look.hatched(frame) ? "sampled" : ""),
      details: (item, width) => barTexts(this, item, width),
      ruler: () => rulerOf(this),
      marked: (item) => this.scene.kind === "time" && (trace.error.has(item) || trace.unfinished.has(item)),
      moved: (how) => this.address.soon(how),
    };
    if (trace.difference) drawDifference(this);
    this.readTheme();
    this.tooltip = new Tooltip(this);
    this.searchField = document.getElementById("search");
    this.finder = new Finder(this);
    this.stepsField = document.getElementById("steps-field");
    this.chart = new Chart(document.getElementById("chart"), trace, this.look);
    this.minimap = new Minimap(document.getElementById("minimap"), this);
    this.measure = new Measure(this);
    this.strip = new StepStrip(document.getElementById("steps"), trace, this.table, this);
    this.scenarioStrip = new ScenarioStrip(document.getElementById("scenarios"), trace, this);
    this.picker = new Picker(this);
    this.usual = new UsualStep(this);
    this.spanTable = new SpanTable(this);
    this.memoryLines = Object.entries(trace.memory).map(([kind, points]) => new MemoryLine(kind, points, this));
    this.address = new Address(this);
    this.wire();
    this.address.read();
  }

  // --- state ----------------------------------------------------------------------------------

  setView(kind) {
    showView(this, kind);
  }

  pickKind(kind) {
    pickKind(this, kind);
  }

  showCallers(kind) {
    showCallers(this, kind);
  }

  // Kept with the summary that it is made of: that of the whole run takes long, and is shown again and again.
  mergedScene() {
    const make = () => mergedScene(this.trace, this.summary, this.samples, this.hiddenFrames);
    if (this.trace.difference) return make();
    const kept = (this.summary.merged ??= {});
    return (kept[this.samples] ??= make());
  }

  // Draws sampled functions or not. They have no place in time order: there, it goes to the merged view.
  setSamples(on) {
    this.samples = on;
    if (on || this.scene.kind !== "time") this.setView(this.scene.kind === "time" ? "merged" : this.scene.kind);
  }

  // What one does is saved in the page's address; see Address.changed.
  changed(how) {
    if (how === "push") this.typed = false;
    this.address.changed(how);
  }

  timeText(ns, inSteps = true) {
    return timeText(this, ns, inSteps);
  }

  setUnit(unit) {
    this.unit = unit;
    const said = `Times: ${UNITS.find((each) => each.unit === unit).text}`;
    if (mixesWholes(this)) {
      this.select(this.allSteps());
      return this.say(`${said}, of the steps only: ${this.selection.text}`);
    }
    showUnits(this);
    showLegend(this);
    showCostliest(this);
    this.spanTable.fill();
    this.showMatches();
    this.tooltip.hide();
    this.chart.draw();
    this.changed("replace");
    return this.say(said);
  }

  // Selects a part of the run; null selects all.
  select(selection) {
    this.setSelection(selection);
    const mixed = mixesWholes(this);
    if (mixed) this.unit = "ms";
    this.showSelection(mixed ? "; times are sums" : "");
  }

  // Adds up what is selected, which takes long in a large run.
  setSelection(selection) {
    const same = selection?.key === this.selection?.key;
    this.selection = selection;
    if (!selection) this.summary = this.whole;
    else if (!same) this.summary = summarize(this.trace, selection);
  }

  showSelection(more = "") {
    const { selection } = this;
    this.look.focus = -1;
    this.strip.show(selection);
    this.scenarioStrip.show();
    showFigures(this);
    showChoice(this);
    showLegend(this);
    this.usual.show();
    showUnits(this);
    this.memoryLines.forEach((line) => line.draw());
    this.setView(this.scene.kind);
    this.say(`${selection?.text ?? "whole run"}: ${document.getElementById("steps-note").textContent}${more}`);
  }

  // Selects by scenario's places and iterations, null for all.
  selectBy(places, iterations) {
    this.select(places || iterations ? new Selection(this.trace, places, iterations) : null);
    this.tellProblem("");
  }

  // Picks scenarios, in which the same iterations stay selected if there are such.
  pickScenarios(places) {
    const iterations = this.selection?.iterations ?? null;
    const same = places && iterations && new Selection(this.trace, places, iterations).steps.length;
    this.selectBy(places, same ? iterations : null);
  }

  selectAllSteps() {
    this.select(this.allSteps());
    this.tellProblem("");
  }

  // The steps of what is selected, and nothing else of it.
  allSteps() {
    const places = this.selection?.places ?? null;
    const known = iterationsOf(this.trace, stepsShown(this.trace, places));
    return new Selection(this.trace, places, [known[0], known.at(-1) + 1]);
  }

  readStepsField() {
    const read = readSelection(this.trace, this.selection?.places ?? null, this.stepsField.value);
    if (!read.problem) this.select(read.selection);
    this.tellProblem(read.problem);
  }

  tellProblem(problem) {
    this.stepsField.setAttribute("aria-invalid", String(problem !== ""));
    document.getElementById("steps-problem").textContent = problem;
  }

  // To the next iterations, or the ones before.
  shiftSelection(way) {
    const places = this.selection?.places ?? null;
    const known = iterationsOf(this.trace, stepsShown(this.trace, places));
    if (!known.length) return;
    const [from, to] = this.selection?.iterations ?? (way > 0 ? [-1, 0] : [Infinity, Infinity]);
    const first = known.findIndex((iteration) => iteration >= from);
    const start = first < 0 ? known.length : from < 0 ? -1 : first;
    const count = Math.max(known.filter((iteration) => iteration >= from && iteration < to).length, 1);
    const next = Math.min(Math.max(start + way, 0), known.length - count);
    this.selectBy(places, [known[next], known[next + count - 1] + 1]);
  }

  // Where the view in time order lies: by lane what is selected, and from the first of it to the last.
  placeBounds() {
    Object.assign(this.look, { bounds: null, intervals: null, origin: 0 });
    if (this.scene.kind !== "time") return;
    this.look.intervals = this.selection?.intervals(this.scene) ?? null;
    const shown = ({ number }) => this.look.intervals?.[number].length !== 0 && (this.thread < 0 || number === this.thread);
    this.scene.lanes = this.scene.allLanes.filter(shown);
    if (this.thread >= 0 && this.scene.lanes.length) this.look.bounds = edgesOfLane(this.scene, this.scene.lanes[0]);
    if (!this.selection) return;
    let [first, last] = [Infinity, -Infinity];
    for (const { number } of this.scene.lanes) {
      const intervals = this.look.intervals[number];
      first = Math.min(first, intervals[0][0]);
      last = Math.max(last, intervals.at(-1)[1]);
    }
    if (first > last) return; // nothing of the selection is on this thread
    this.look.bounds = [first, last];
    this.look.origin = first;
  }

  highlightComponent(component) {
    this.highlight = this.highlight === component ? -1 : component;
    showLegend(this);
    this.chart.draw();
    this.changed("push");
  }

  // Zooms to an item; -1 shows everything selected.
  focusOn(item, smooth = true) {
    this.choose(item);
    this.chart.moveTo(...this.rangeOf(item), smooth);
    if (item >= 0) this.chart.reveal(item);
    this.changed("push");
  }

  // What there is to see of an item; of -1, of everything selected.
  rangeOf(item) {
    if (item >= 0 || !this.look.bounds) return this.chart.rangeOf(item);
    const [first, last] = this.look.bounds;
    const margin = (last - first) * 0.01;
    return [first - margin, last + margin];
  }

  choose(item) {
    this.look.focus = item;
    showCrumbs(this);
    showDetails(this);
    keepAboveSheet(this, item);
    this.chart.draw();
    if (item < 0) return this.say("");
    const { title, component, rows } = describe(this, item);
    this.say(`${title}, ${component.name}, ${rows.slice(0, 2).map((row) => row.join(" ")).join(", ")}`);
  }

  walk(way) {
    const { scene, look } = this;
    if (look.focus >= 0 && scene.isUpward(look.focus)) way = { parent: "child", child: "parent" }[way] ?? way;
    if (look.focus < 0) {
      this.choose(this.outermostInSight());
      this.changed("replace");
      return;
    }
    let to = look.focus;
    if (way === "parent") to = scene.parent[to] >= 0 ? scene.parent[to] : scene.across?.(to) ?? to;
    else if (way === "child") {
      const weight = (item) => scene.right[item] - scene.left[item];
      to = scene.childrenOf(to).reduce((best, child) => (best < 0 || weight(child) > weight(best) ? child : best), -1);
      if (to < 0) return;
    } else to = scene.neighbour(to, way === "next" ? 1 : -1);
    this.choose(to);
    this.chart.reveal(to);
    const { from, to: until } = this.chart.view;
    if (scene.right[to] <= from || scene.left[to] >= until) this.chart.fit(to);
    this.changed("replace");
  }

  // The outermost item in the middle of the view that is selected, or -1.
  outermostInSight() {
    const { scene, selection, chart } = this;
    const { base = 0, rows = 0 } = scene.lanes[0] ?? {};
    for (let row = base; row < base + rows; row++) {
      const item = scene.at(row, (chart.view.from + chart.view.to) / 2, Infinity);
      if (scene.kind !== "time" || !selection || selection.holds(item)) return item;
    }
    return -1;
  }

  back() {
    if (this.measure.clear()) return;
    if (this.search.query) this.searchFor("");
    else if (this.scene.kind === "sandwich" && this.look.focus < 0) this.setView("merged");
    else if (this.kind >= 0 && this.look.focus < 0) this.pickKind(this.kind);
    else if (this.highlight >= 0) this.highlightComponent(this.highlight);
    else if (this.look.focus >= 0 || this.zoomed()) this.focusOn(-1);
    else if (this.selection?.iterations) this.selectBy(this.selection.places, null);
    else if (this.selection) this.selectBy(null, null);
    else if (this.hidden.size) hideComponents(this, []);
  }

  zoomed() {
    const { from, to } = this.chart.view;
    const [first, last] = this.look.bounds ?? [0, this.scene.end];
    return to - from < (last - first) * 0.98;
  }

  // --- search ---------------------------------------------------------------------------------

  searchFor(text, typing = false) {
    this.searchField.value = text;
    this.search.run(text);
    this.matchNodes();
    this.showMatches();
    this.spanTable.fill();
    this.chart.draw();
    // The first letter makes an entry in the history, those that follow change it.
    this.changed(typing && this.typed ? "replace" : "push");
    this.typed = typing;
  }

  matchNodes() {
    this.finder.mark();
  }

  showMatches() {
    this.finder.show();
  }

  // Whether a kind is picked of the spans of a picture; in the sandwich, it is the middle of it.
  picks() {
    return this.kind >= 0 && this.scene.kind !== "sandwich";
  }

  // Whether an item is of the kind that is picked, and matches the search.
  matching(item) {
    if (this.picks() && this.trace.kindOf[this.scene.frame[item]] !== this.kind) return false;
    return this.finder.matching(item);
  }

  nextMatch(way) {
    this.finder.next(way);
  }

  // --- looks ----------------------------------------------------------------------------------

  faded(item, frame) {
    if (this.highlight >= 0 && this.trace.frames[frame].component !== this.highlight) return true;
    return (this.search.matches !== null || this.picks()) && !this.matching(item);
  }

  // The names of an item for its bar, the longest first.
  namesOf(item) {
    const { trace, scene } = this;
    const frame = trace.frames[scene.frame[item]];
    // In a difference, colours do not tell components.
    frame.names ??= trace.difference ? [frame.name] : namesFor(frame.name, trace.components[frame.component].name);
    if (scene.kind !== "time") return frame.names;
    const step = trace.stepOf(item);
    if (step >= 0 && trace.steps[step].span === item) return [`step ${trace.steps[step].iteration}`];
    const calls = trace.calls[item];
    return calls > 1 ? frame.names.map((name) => `${name} ×${formatCount(calls)}`) : frame.names;
  }

  readTheme() {
    const chosen = document.documentElement.dataset.theme;
    this.dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const style = getComputedStyle(document.documentElement);
    const names = ["ground", "panel", "grid", "rule", "text", "muted", "ink", "accent", "hover", "over", "error"];
    this.look.theme = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.look.inks = new Inks(this.look.theme.ink);
    this.pales = new Map();
    const fillOf = (frame) => {
      const fill = shade(this.trace.components[frame.component][this.dark ? "dark" : "light"], frame.name);
      return frame.sampled ? mix(fill, "#ffffff", 0.45) : fill;
    };
    this.fills = this.trace.frames.map(fillOf);
    this.dimFills = this.fills.map((fill) => mix(fill, this.look.theme.ground, 0.78));
  }

  pale(fill, level) {
    const key = fill + level;
    if (!this.pales.has(key)) this.pales.set(key, mix(fill, this.look.theme.ground, level * 0.28));
    return this.pales.get(key);
  }

  componentFills() {
    return this.trace.components.map((component) => component[this.dark ? "dark" : "light"]);
  }

  toggleTheme() {
    document.documentElement.dataset.theme = this.dark ? "light" : "dark";
    this.repaint();
    this.changed("replace");
  }

  repaint() {
    this.readTheme();
    showLegend(this);
    showCostliest(this);
    showDetails(this);
    this.usual.show();
    this.chart.draw();
    this.strip.draw();
    this.scenarioStrip.draw();
    this.memoryLines.forEach((line) => line.draw());
  }

  say(text) {
    document.getElementById("announcer").textContent = text;
  }

  // --- events ---------------------------------------------------------------------------------

  wire() {
    const on = (id, type, act) => document.getElementById(id).addEventListener(type, act);
    for (const view of VIEWS) on(`view-${view}`, "click", () => (view === "sandwich" ? this.showCallers() : this.setView(view)));
    on("only-measured", "click", () => this.setSamples(false));
    on("with-samples", "click", () => this.setSamples(true));
    on("show-all", "click", () => hideComponents(this, []));
    on("theme", "click", () => this.toggleTheme());
    on("help-open", "click", () => document.getElementById("help").showModal());
    on("about-open", "click", () => document.getElementById("about").showModal());
    on("copy-link", "click", () => copyLink(this));
    on("steps-field", "change", () => this.readStepsField());
    on("steps-field", "keydown", (event) => event.key === "Enter" && this.stepsField.blur());
    on("only-steps", "click", () => this.selectAllSteps());
    on("clear-steps", "click", () => this.selectBy(this.selection?.places ?? null, null));
    on("clear-scenario", "click", () => this.selectBy(null, null));
    foldCrumbsToWidth(this);
    this.chart.scroller.addEventListener("scroll", () => this.changed("replace"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
    document.getElementById("facts").replaceChildren(...pairList([["File", this.trace.run.file], ...this.trace.run.facts], "facts").children);
    listenToKeys(this);
    listenToPointer(this);
    listenToPrinting(this);
    wireSheet();
  }
}

readTrace().then(
  (trace) => {
    window.nutrace = new App(trace);
    document.documentElement.dataset.ready = "true";
  },
  (error) => {
    document.getElementById("failure").textContent = `This page could not be drawn: ${error.message}. It needs a browser of 2023 or later.`;
    document.getElementById("failure").hidden = false;
    throw error;
  },
);
