// A step beside what is usual in its scenario: the median of each component and of each kind of spans over the finished
// steps. Any one step, also that of the median time, is unusual somewhere: to compare with it would show differences
// that are its own.

const FEWEST_STEPS = 3; // finished steps of a scenario from which one of them is usual
const MOST_KINDS = 8;

class UsualStep {
  constructor(app) {
    Object.assign(this, { app, on: false, middle: new Map(), medians: new Map() }); // both by scenario
    this.button = document.getElementById("compare-step");
    this.panel = document.getElementById("usual");
    this.button.addEventListener("click", () => this.toggle());
    document.getElementById("usual-close").addEventListener("click", () => this.toggle());
  }

  // The one step that is selected, by its position; -1 if there is none, or nothing usual in its scenario.
  get position() {
    const steps = this.app.selection?.iterations ? this.app.selection.steps : [];
    return steps.length === 1 && this.usualOf(steps[0]) >= 0 ? steps[0] : -1;
  }

  // The step of the median time in the scenario of a step, by nearest rank as p50; -1 if too few have finished.
  usualOf(position) {
    const { trace, table } = this.app;
    const { scenario } = trace.steps[position];
    if (!this.middle.has(scenario)) {
      const finished = this.finishedOf(scenario).sort((a, b) => table.times[a] - table.times[b] || a - b);
      const enough = finished.length >= FEWEST_STEPS;
      this.middle.set(scenario, enough ? finished[Math.ceil(finished.length / 2) - 1] : -1);
    }
    return this.middle.get(scenario);
  }

  // What is usual in the scenario of a step; see mediansOf. Kept, as it reads all spans of the scenario's steps.
  mediansFor(position) {
    const { scenario } = this.app.trace.steps[position];
    if (!this.medians.has(scenario)) this.medians.set(scenario, mediansOf(this.app, this.finishedOf(scenario)));
    return this.medians.get(scenario);
  }

  finishedOf(scenario) {
    const { trace } = this.app;
    return trace.scenarios[scenario].steps.filter((position) => !trace.unfinished.has(trace.steps[position].span));
  }

  toggle() {
    const { app } = this;
    if (!this.on && this.position < 0) return app.say("Choose one step to compare it with what is usual");
    this.on = !this.on;
    this.show();
    app.changed("push");
    if (!this.on) return this.button.focus();
    this.panel.scrollIntoView({ block: "nearest" });
    app.say(document.getElementById("usual-said").textContent);
  }

  show() {
    const { position } = this;
    this.button.hidden = position < 0;
    this.button.setAttribute("aria-pressed", String(this.on));
    this.panel.hidden = !this.on || position < 0;
    if (!this.panel.hidden) this.fill(position, this.usualOf(position));
  }

  fill(position, middle) {
    const { trace, table } = this.app;
    const { iteration } = trace.steps[middle];
    const usual = this.mediansFor(position);
    const parts = table.parts.subarray(position * table.width, (position + 1) * table.width);
    const [here, there] = [table.times[position], table.times[middle]];
    const against = position === middle ? "the median step time" : `${signed(here - there)} against the median step time of ${formatTime(there)}`;
    const many = counted(this.finishedOf(trace.steps[position].scenario).length, "finished step");
    document.getElementById("usual-title").textContent = `Step ${trace.steps[position].iteration} beside what is usual`;
    document.getElementById("usual-said").textContent =
      `It took ${formatTime(here)}, ${against}. Usual: the median of each component and kind of spans over ${many}; they need not add up.`;
    const longest = Math.max(here, sumOf(usual.components)) || 1;
    const go = () => this.app.selectBy(this.app.selection.places, [iteration, iteration + 1]);
    const example = element("button", { type: "button", class: "chip", text: `Go to step ${iteration}, of the median time`, onclick: go });
    document.getElementById("usual-body").replaceChildren(
      this.bar(parts, "this", longest),
      this.bar(usual.components, "usual", longest),
      this.componentTable(parts, usual.components),
      this.kindTable(usual),
      ...(position === middle ? [] : [example]),
    );
  }

  bar(parts, label, longest) {
    const { app } = this;
    const fills = app.componentFills();
    const shown = app.componentOrder.map((component) => {
      const part = element("span");
      part.style.width = `${(100 * parts[component]) / longest}%`;
      part.style.background = fills[component];
      return part;
    });
    return element("div", { class: "usual-bar", "aria-hidden": "true" }, element("span", { class: "muted", text: label }), element("span", {}, ...shown));
  }

  // Self times on the step's own thread: those of this step add up to its time.
  componentTable(parts, usual) {
    const { app } = this;
    const { trace } = app;
    const rows = app.componentOrder
      .map((component) => ({ component, here: parts[component], there: usual[component] }))
      .filter(({ here, there }) => here || there)
      .sort((a, b) => Math.abs(b.here - b.there) - Math.abs(a.here - a.there));
    return comparedTable("Component", rows.map(({ component, here, there }) => {
      const swatch = element("span", { class: "swatch" });
      swatch.style.background = app.componentFills()[component];
      const [time, usualTime] = [here, there].map((ns) => (ns ? formatTime(ns) : "–"));
      return [[swatch, trace.components[component].name], time, usualTime, signed(here - there)];
    }));
  }

  // The kinds of spans whose self times differ most, on all threads, as nutrace report counts them.
  kindTable(there) {
    const { trace, summary } = this.app;
    const here = summary.kinds; // the step is what is selected
    const difference = (kind) => here.self[kind] - there.self[kind];
    const rows = trace.kinds
      .map((_, kind) => kind)
      .filter((kind) => difference(kind) !== 0)
      .sort((a, b) => Math.abs(difference(b)) - Math.abs(difference(a)))
      .slice(0, MOST_KINDS);
    const calls = (kind) => [here, there].map(({ calls: counts }) => formatCount(counts[kind])).join(" / ");
    return comparedTable("Kind of spans", rows.map((kind) => {
      const { name } = trace.kinds[kind];
      const title = `${name}\nself ${formatTime(here.self[kind])}, usually ${formatTime(there.self[kind])}`;
      const link = element("button", { type: "button", class: "crumb", text: name, title, onclick: () => this.app.pickKind(kind) });
      return [[link], calls(kind), signed(difference(kind))];
    }), ["calls / usual", "self"]);
  }
}

// Medians over steps, by nearest rank as in nutrace report: self times of components on the steps' own threads, and self
// times and calls of kinds of spans on all threads. What a step does not have counts as 0 there.
function mediansOf({ trace, table, whole }, steps) {
  const over = (valueOf) => percentile(steps.map(valueOf), 0.5);
  const components = trace.components.map((_, component) => over((step) => table.parts[step * table.width + component]));
  const [self, calls] = [0, 1].map(() => new Float64Array(trace.kinds.length));
  const [selfs, counts] = [0, 1].map(() => trace.kinds.map(() => [])); // by kind, of the steps that have it
  for (const step of steps) {
    const { span } = trace.steps[step];
    const had = new Set();
    for (let i = span; i < trace.subtreeEnd[span]; i++) {
      const kind = trace.kindOf[trace.frame[i]];
      had.add(kind);
      self[kind] += trace.self[i];
      if (whole.entries[i]) calls[kind] += trace.calls[i];
    }
    for (const kind of had) {
      selfs[kind].push(self[kind]);
      counts[kind].push(calls[kind]);
      self[kind] = calls[kind] = 0;
    }
  }
  const median = (values) => {
    const all = new Float64Array(steps.length);
    all.set(values);
    return percentile(all, 0.5);
  };
  return { components, self: selfs.map(median), calls: counts.map(median) };
}

// A table of rows [head, this, usual, difference].
function comparedTable(name, rows, heads = ["this", "usual", "differs"]) {
  const head = [name, ...heads].map((text) => element("th", { text, scope: "col" }));
  const body = element("tbody");
  fill(body, rows.map(([first, ...rest]) => element("tr", {}, element("th", { scope: "row" }, ...first), ...rest.map((text) => element("td", { text })))));
  return element("table", { class: heads.length < 3 ? "compared compared-kinds" : "compared" }, element("thead", {}, element("tr", {}, ...head)), body);
}

ADDRESS_PARTS.push({
  save({ usual }, words) {
    if (usual.on && usual.position >= 0) words.set("beside", "usual");
  },
  read({ usual }, words) {
    usual.on = words.get("beside") === "usual";
  },
});
