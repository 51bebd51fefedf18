// A step beside a usual one: the median of its scenario's finished steps by time, a step that was simulated. What the
// two took, by component and by kind of spans, adds up to their times.

const FEWEST_STEPS = 3; // finished steps of a scenario from which one of them is usual
const MOST_KINDS = 8;

class UsualStep {
  constructor(app) {
    Object.assign(this, { app, on: false, known: new Map() });
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

  // The median step of the scenario of a step, by nearest rank as p50; -1 if too few have finished.
  usualOf(position) {
    const { trace, table } = this.app;
    const { scenario } = trace.steps[position];
    if (!this.known.has(scenario)) {
      const finished = this.finishedOf(scenario).sort((a, b) => table.times[a] - table.times[b] || a - b);
      const enough = finished.length >= FEWEST_STEPS;
      this.known.set(scenario, enough ? finished[Math.ceil(finished.length / 2) - 1] : -1);
    }
    return this.known.get(scenario);
  }

  finishedOf(scenario) {
    const { trace } = this.app;
    return trace.scenarios[scenario].steps.filter((position) => !trace.unfinished.has(trace.steps[position].span));
  }

  toggle() {
    const { app } = this;
    if (!this.on && this.position < 0) return app.say("Choose one step to compare it with a usual one");
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

  fill(position, usual) {
    const { trace, table } = this.app;
    const name = (step) => `step ${trace.steps[step].iteration}`;
    const many = formatCount(this.finishedOf(trace.steps[position].scenario).length);
    const definition = `the median by time of the scenario's ${many} finished steps`;
    document.getElementById("usual-title").textContent = `${capital(name(position))} beside a usual one`;
    const said = document.getElementById("usual-said");
    const body = document.getElementById("usual-body");
    if (position === usual) {
      said.textContent = `This step is the usual one: ${definition}.`;
      return body.replaceChildren();
    }
    const [here, there] = [table.times[position], table.times[usual]];
    said.textContent = `It took ${formatTime(here)}, ${signed(here - there)} against ${name(usual)}: ${definition}.`;
    const longest = Math.max(here, there) || 1;
    const go = () => this.app.selectBy(this.app.selection.places, [trace.steps[usual].iteration, trace.steps[usual].iteration + 1]);
    body.replaceChildren(
      this.bar(position, "this", longest),
      this.bar(usual, "usual", longest),
      this.componentTable(position, usual),
      this.kindTable(position, usual),
      element("button", { type: "button", class: "chip", text: `Go to ${name(usual)}`, onclick: go }),
    );
    return undefined;
  }

  bar(position, label, longest) {
    const { app } = this;
    const { table, componentOrder } = app;
    const fills = app.componentFills();
    const parts = componentOrder.map((component) => {
      const part = element("span");
      part.style.width = `${(100 * table.parts[position * table.width + component]) / longest}%`;
      part.style.background = fills[component];
      return part;
    });
    return element("div", { class: "usual-bar", "aria-hidden": "true" }, element("span", { class: "muted", text: label }), element("span", {}, ...parts));
  }

  // Self times on the step's own thread: they add up to the time of the step.
  componentTable(position, usual) {
    const { app } = this;
    const { trace, table } = app;
    const self = (step, component) => table.parts[step * table.width + component];
    const rows = app.componentOrder
      .map((component) => ({ component, here: self(position, component), there: self(usual, component) }))
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
  kindTable(position, usual) {
    const { trace } = this.app;
    const [here, there] = [position, usual].map((step) => this.kindsOf(step));
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

  kindsOf(position) {
    const { trace } = this.app;
    const { scenario, iteration } = trace.steps[position];
    return summarize(trace, new Selection(trace, [scenario], [iteration, iteration + 1])).kinds;
  }
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
