// Ties data, chart and panels together. State lives here; panels are drawn from it.

class App {
  constructor(trace) {
    this.trace = trace;
    this.table = stepTable(trace);
    this.search = new Search(trace);
    this.selection = null; // [first, last) positions in trace.steps
    this.highlight = -1; // component
    this.samples = trace.inside !== null; // whether the merged view has sampled functions
    this.summary = summarize(trace, null);
    const { self } = this.summary.components;
    this.componentOrder = trace.components.map((_, k) => k).sort((a, b) => self[b] - self[a]);
    this.timeScene = timeScene(trace);
    this.look = {
      focus: -1,
      origin: 0,
      bounds: null,
      theme: {},
      fill: (item, frame) => (this.faded(item, frame) ? this.dimFills[frame] : this.fills[frame]),
      pale: (fill, level) => (level ? this.pale(fill, level) : fill),
      faded: (item, frame) => this.faded(item, frame),
      label: (item) => this.labelOf(item),
      hatched: (frame) => trace.frames[frame].sampled === true,
      pattern: (item, frame) => (this.look.hatched(frame) ? "sampled" : ""),
      detail: (item, width) => formatTime(width),
      marked: (item) => this.scene.kind === "time" && (trace.error.has(item) || trace.unfinished.has(item)),
    };
    if (trace.difference) drawDifference(this);
    this.readTheme();
    this.tooltip = document.getElementById("tooltip");
    this.searchField = document.getElementById("search");
    this.stepsField = document.getElementById("steps-field");
    this.chart = new Chart(document.getElementById("chart"), trace, this.look);
    if (trace.steps.length) this.strip = new StepStrip(document.getElementById("steps"), trace, this.table, this);
    document.getElementById("strip").hidden = !trace.steps.length;
    this.memoryLines = Object.entries(trace.memory).map(([kind, points]) => new MemoryLine(kind, points, this));
    showFigures(this);
    this.wire();
    this.restore();
  }

  // --- state ----------------------------------------------------------------------------------

  setView(kind) {
    this.hideTooltip();
    if (this.trace.difference) kind = "merged";
    const from = this.scene;
    const focus = this.look.focus;
    let to = -1;
    if (kind === "merged") {
      this.scene = mergedScene(this.trace, this.summary, this.samples);
      if (from?.kind === "time" && focus >= 0) to = this.scene.nodeOf[focus];
      else if (this.trace.difference) to = focus < 0 ? -1 : this.scene.nodeOf[from.nodes.of[focus]];
      // Nodes of spans have the same numbers with samples and without.
      else if (focus >= 0) to = from.nodes.seen?.[focus]?.inside ?? focus;
    } else {
      this.scene = this.timeScene;
      if (from?.kind === "merged" && focus >= 0) to = from.nodes.longest[focus];
    }
    this.drawsSamples = kind === "merged" && this.samples;
    this.matchNodes();
    this.showMatches();
    showCostliest(this);
    showSwitch(this);
    this.look.focus = to;
    this.placeBounds();
    for (const name of ["time", "merged"]) {
      document.getElementById(`view-${name}`).setAttribute("aria-pressed", String(name === kind));
    }
    this.chart.show(this.scene);
    this.focusOn(to, false);
  }

  // Draws sampled functions or not. They have no place in time order: there, it goes to the merged view.
  setSamples(on) {
    this.samples = on;
    if (on || this.scene.kind === "merged") this.setView("merged");
  }

  // Selects steps (positions [first, last)); null selects all.
  select(selection) {
    this.selection = selection;
    this.summary = summarize(this.trace, selection);
    this.stepsField.value = selection ? this.selectionText() : "";
    document.getElementById("steps-note").textContent = this.stepsNote();
    document.getElementById("clear-steps").hidden = !selection;
    document.getElementById("only-steps").hidden = selection !== null;
    this.look.focus = -1;
    showLegend(this);
    this.setView(this.scene?.kind ?? "time");
    this.strip?.draw();
  }

  selectionText() {
    const [first, last] = this.selection;
    const { steps } = this.trace;
    const [from, to] = [steps[first].index, steps[last - 1].index];
    return last - first === 1 ? String(from) : `${from}:${to + 1}`;
  }

  stepsNote() {
    const { times } = this.table;
    const [first, last] = this.selection ?? [0, times.length];
    const chosen = times.subarray(first, last);
    const mean = chosen.reduce((sum, time) => sum + time, 0) / (chosen.length || 1);
    const factor = realTimeFactor(this.trace, times, first, last);
    const many = last - first === 1 ? "1 step" : `${formatCount(last - first)} steps, mean`;
    return `${many} ${formatMs(mean)}${factor ? `, ${factor.toFixed(2)}× real time` : ""}`;
  }

  // "10:20", "5", "10:", ":5" by the steps' own indices; empty is all.
  readStepsField() {
    const text = this.stepsField.value.trim();
    const match = /^(\d*)(:?)(\d*)$/.exec(text);
    const from = match && Number(match[1] || 0);
    const to = match && (match[2] ? Number(match[3] || Infinity) : from + 1);
    const inside = this.trace.steps.map(({ index }, k) => (index >= from && index < to ? k : -1)).filter((k) => k >= 0);
    const good = text === "" || (match !== null && inside.length > 0);
    this.stepsField.setAttribute("aria-invalid", String(!good));
    if (good) this.select(text === "" ? null : [inside[0], inside[inside.length - 1] + 1]);
  }

  shiftSelection(way) {
    const count = this.trace.steps.length;
    if (!count) return;
    const [first, last] = this.selection ?? (way > 0 ? [-1, 0] : [count, count + 1]);
    const next = Math.min(Math.max(first + way, 0), count - (last - first));
    this.select([next, next + last - first]);
  }

  placeBounds() {
    this.look.bounds = null;
    this.look.origin = 0;
    if (!this.selection || this.scene.kind !== "time") return;
    const spans = this.trace.steps.slice(...this.selection).map(({ span }) => span);
    const first = Math.min(...spans.map((span) => this.scene.left[span]));
    this.look.bounds = [first, Math.max(...spans.map((span) => this.scene.right[span]))];
    this.look.origin = first;
  }

  highlightComponent(component) {
    this.highlight = this.highlight === component ? -1 : component;
    showLegend(this);
    this.chart.draw();
  }

  // Zooms to an item; -1 shows everything selected.
  focusOn(item, smooth = true) {
    this.choose(item);
    if (item < 0 && this.look.bounds) {
      const [first, last] = this.look.bounds;
      const margin = (last - first) * 0.01;
      this.chart.moveTo(first - margin, last + margin, smooth);
    } else this.chart.fit(item, smooth);
  }

  choose(item) {
    this.look.focus = item;
    showCrumbs(this);
    showDetails(this);
    this.save();
    this.chart.draw();
    if (item < 0) return this.say("");
    const { title, component, rows } = describe(this, item);
    this.say(`${title}, ${component.name}, ${rows.slice(0, 2).map((row) => row.join(" ")).join(", ")}`);
  }

  walk(way) {
    const { scene, look } = this;
    if (look.focus < 0) {
      const row = scene.lanes[0]?.base ?? 0;
      const middle = scene.at(row, (this.chart.view.from + this.chart.view.to) / 2, Infinity);
      if (middle >= 0) this.choose(middle);
      return;
    }
    let to = look.focus;
    if (way === "parent") to = scene.parent[to] >= 0 ? scene.parent[to] : to;
    else if (way === "child") {
      const weight = (item) => scene.right[item] - scene.left[item];
      to = scene.childrenOf(to).reduce((best, child) => (best < 0 || weight(child) > weight(best) ? child : best), -1);
      if (to < 0) return;
    } else to = scene.neighbour(to, way === "next" ? 1 : -1);
    this.choose(to);
    this.chart.reveal(to);
    const { from, to: until } = this.chart.view;
    if (scene.right[to] <= from || scene.left[to] >= until) this.chart.fit(to);
  }

  back() {
    if (this.search.query) this.searchFor("");
    else if (this.highlight >= 0) this.highlightComponent(this.highlight);
    else if (this.look.focus >= 0 || this.zoomed()) this.focusOn(-1);
    else if (this.selection) this.select(null);
  }

  zoomed() {
    const { from, to } = this.chart.view;
    const [first, last] = this.look.bounds ?? [0, this.scene.end];
    return to - from < (last - first) * 0.98;
  }

  // --- search ---------------------------------------------------------------------------------

  searchFor(text) {
    this.searchField.value = text;
    this.search.run(text);
    this.matchNodes();
    this.showMatches();
    this.save();
    this.chart.draw();
  }

  showMatches() {
    const { spans, time, share } = this.search.measure(this.summary);
    const inside = this.drawsSamples && this.nodeMatches ? measureInside(this.scene, this.nodeMatches) : { time: 0, items: 0 };
    const counts = [];
    const noun = this.trace.difference ? "frame" : "span";
    if (spans) counts.push(`${formatCount(spans)} ${noun}${spans === 1 ? "" : "s"}`);
    if (inside.items) counts.push(`sampled in ${formatCount(inside.items)} place${inside.items === 1 ? "" : "s"}`);
    const about = inside.time ? "about " : "";
    const all = share + inside.time / (this.summary.all || 1);
    const text = counts.length
      ? `${about}${formatShare(all)} of the time · ${formatTime(time + inside.time)} · ${counts.join(", ")}`
      : "no match";
    document.getElementById("matches").textContent = this.search.matches ? text : "";
  }

  // In the merged view, a node matches if one of its spans does.
  matchNodes() {
    this.nodeMatches = null;
    const { matches } = this.search;
    if (!matches || this.scene?.kind !== "merged") return;
    this.nodeMatches = new Uint8Array(this.scene.count);
    this.scene.nodeOf.forEach((node, span) => {
      if (node >= 0 && matches[span]) this.nodeMatches[node] = 1;
    });
    for (const item in this.scene.nodes.seen) this.nodeMatches[item] = this.search.frameMatches[this.scene.frame[item]];
  }

  matching(item) {
    return (this.scene.kind === "time" ? this.search.matches : this.nodeMatches)[item] === 1;
  }

  nextMatch(way) {
    if (!this.search.matches) return;
    const { count } = this.scene;
    const [low, high] = this.scene.kind === "time" && this.selection ? [this.summary.ranges[0][0], this.summary.ranges.at(-1)[1]] : [0, count];
    const start = this.look.focus >= 0 ? this.look.focus : way > 0 ? low - 1 : high;
    for (let k = 1; k <= high - low; k++) {
      const item = low + ((((start - low + k * way) % (high - low)) + (high - low)) % (high - low));
      if (this.matching(item)) return this.focusOn(item);
    }
  }

  // --- looks ----------------------------------------------------------------------------------

  faded(item, frame) {
    if (this.highlight >= 0 && this.trace.frames[frame].component !== this.highlight) return true;
    return this.search.matches !== null && !this.matching(item);
  }

  labelOf(item) {
    const { trace, scene } = this;
    if (scene.kind === "merged") return trace.frames[scene.frame[item]].name;
    const calls = trace.callsOf(item);
    const step = trace.stepOf(item);
    if (step >= 0 && trace.steps[step].span === item) return `step ${trace.steps[step].index}`;
    return calls > 1 ? `${trace.nameOf(item)} ×${formatCount(calls)}` : trace.nameOf(item);
  }

  readTheme() {
    const chosen = document.documentElement.dataset.theme;
    this.dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const style = getComputedStyle(document.documentElement);
    const names = ["ground", "panel", "grid", "rule", "text", "muted", "ink", "inkSoft", "faint", "accent", "hover", "over", "error"];
    this.look.theme = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
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
  }

  repaint() {
    this.readTheme();
    showLegend(this);
    showCostliest(this);
    showDetails(this);
    this.chart.draw();
    this.strip?.draw();
    this.memoryLines.forEach((line) => line.draw());
  }

  say(text) {
    document.getElementById("announcer").textContent = text;
  }

  // --- tooltip --------------------------------------------------------------------------------

  hideTooltip() {
    this.tooltip.hidden = true;
    this.told = null;
  }

  tooltipOf(item, x, y) {
    if (this.told !== item) {
      this.tooltip.replaceChildren(...descriptionCard(this, item, 6));
      this.told = item;
    }
    placeTooltip(this.tooltip, x, y);
  }

  tooltipOfStep(position, x, y) {
    const { trace, table } = this;
    const step = trace.steps[position];
    const rows = [["Took", formatTime(table.times[position])]];
    if (step.interval) rows.push(["Real-time factor", `${(table.times[position] / step.interval).toFixed(2)}×`]);
    for (const [kind, points] of Object.entries(trace.memory)) {
      const point = points.find(([at]) => at === position);
      if (point) rows.push([kind === "gpu" ? "GPU memory" : "Memory", `${formatMemory(point[1])} at its end`]);
    }
    const part = (component) => table.parts[position * table.width + component];
    const parts = this.componentOrder.filter((component) => part(component) > 0).sort((a, b) => part(b) - part(a));
    for (const component of parts.slice(0, 5)) rows.push([trace.components[component].name, formatTime(part(component))]);
    const title = element("div", { class: "card-title" }, element("strong", { text: `Step ${step.index}` }));
    this.tooltip.replaceChildren(title, pairList(rows, "figures"));
    this.told = null;
    placeTooltip(this.tooltip, x, y);
  }

  // --- events ---------------------------------------------------------------------------------

  wire() {
    const on = (id, type, act) => document.getElementById(id).addEventListener(type, act);
    on("view-time", "click", () => this.setView("time"));
    on("view-merged", "click", () => this.setView("merged"));
    on("only-measured", "click", () => this.setSamples(false));
    on("with-samples", "click", () => this.setSamples(true));
    on("theme", "click", () => this.toggleTheme());
    on("help-open", "click", () => document.getElementById("help").showModal());
    on("about-open", "click", () => document.getElementById("about").showModal());
    on("search", "input", () => this.searchFor(this.searchField.value));
    on("search", "keydown", (event) => event.key === "Enter" && this.nextMatch(event.shiftKey ? -1 : 1));
    on("steps-field", "change", () => this.readStepsField());
    on("steps-field", "keydown", (event) => event.key === "Enter" && this.stepsField.blur());
    on("only-steps", "click", () => this.select([0, this.trace.steps.length]));
    on("clear-steps", "click", () => this.select(null));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
    document.getElementById("facts").replaceChildren(...pairList([["File", this.trace.run.file], ...this.trace.run.facts], "facts").children);
    listenToKeys(this);
    listenToPointer(this);
  }

  // The address holds view, steps and search, so that a link or a reload shows the same.
  save() {
    const words = new URLSearchParams();
    if (this.trace.difference) this.trace.difference.save(words);
    else if (this.scene?.kind === "merged") words.set("view", "merged");
    if (this.trace.inside && !this.samples) words.set("samples", "off");
    if (this.selection) words.set("steps", this.selectionText());
    if (this.search.query) words.set("q", this.search.query);
    try {
      history.replaceState(null, "", `#${words}`);
    } catch {
      // In a notebook's iframe, the address cannot be changed.
    }
  }

  restore() {
    const words = new URLSearchParams(location.hash.slice(1));
    this.scene = words.get("view") === "merged" ? { kind: "merged" } : { kind: "time" };
    this.trace.difference?.restore(words);
    this.samples &&= words.get("samples") !== "off";
    const query = words.get("q") ?? "";
    this.searchField.value = query;
    this.search.run(query);
    this.stepsField.value = words.get("steps") ?? "";
    this.readStepsField();
    if (!(this.scene instanceof Scene)) this.select(null);
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
