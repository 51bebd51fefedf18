// The row of scenarios above the strip of steps: their boundaries and names, and what happened to them. A click
// picks a scenario. It is shown if there is something to tell apart, or to say.

const NARROWEST_BOUNDED = 12; // px of a scenario from which its boundary is drawn

class ScenarioStrip {
  constructor(canvas, trace, app) {
    Object.assign(this, { canvas, trace, app });
    this.context = canvas.getContext("2d");
    this.labels = new Labels(this.context);
    this.draw = oncePerFrame(() => this.paint());
    const outcomes = outcomesOf(trace.scenarios);
    canvas.setAttribute("aria-label", `The scenarios of the steps below${outcomes ? `: ${outcomes}` : ""}. To pick one, press P.`);
    canvas.addEventListener("pointermove", (event) => this.point(event));
    canvas.addEventListener("pointerleave", () => app.strip.leave());
    canvas.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show() {
    const { trace, app } = this;
    const trouble = app.strip.scenarios.some(({ scenario }) => troubleOf(scenario).length);
    this.canvas.hidden = app.strip.byTime || !trace.steps.length || (trace.scenarios.length < 2 && !trouble);
    this.draw();
  }

  // Left and right edge of an entry of strip.scenarios, in px. The strip below is as wide, and always shown.
  edges({ from, to }) {
    const { shown, canvas } = this.app.strip;
    const room = canvas.clientWidth / (shown.length || 1);
    return [from * room, to * room];
  }

  // The entry under the pointer: one without steps if it is near.
  at(event) {
    const { strip } = this.app;
    const empty = strip.scenarios.find((entry) => entry.from === entry.to && Math.abs(this.edges(entry)[0] - event.offsetX) < 4);
    return empty ?? strip.scenarioAt(strip.orderAt(event));
  }

  point(event) {
    const entry = this.at(event);
    if (entry) this.app.tooltip.showScenario(entry.scenario, event.clientX, event.clientY);
  }

  click(event) {
    const entry = this.at(event);
    if (!entry || this.trace.scenarios.length < 2) return;
    const alone = this.app.selection?.places?.length === 1;
    this.app.tooltip.hide();
    this.app.pickScenarios(alone ? null : [entry.scenario.place]);
  }

  paint() {
    const { context: c, app } = this;
    const { theme } = app.look;
    const [width, height] = fitCanvas(c);
    c.font = SMALL_FONT;
    c.textBaseline = "middle";
    let named = false;
    for (const entry of app.strip.scenarios) {
      const [left, right] = this.edges(entry);
      const trouble = troubleOf(entry.scenario);
      c.fillStyle = trouble.length ? theme.error : theme.muted;
      // A mark that can be seen however narrow the scenario is: high if it did not finish, low if it was repeated.
      if (trouble.length) {
        const mark = entry.scenario.outcome === "finished" ? 5 : height - 3;
        c.fillRect(Math.min(left, width - 3), height - mark, 3, mark);
      }
      const name = [...trouble, entry.scenario.title].join(" · ");
      const start = left + (trouble.length ? 7 : 5);
      const text = this.labels.fitted(name, right - start - 3);
      if (text) c.fillText(text, start, height / 2 + 1);
      named ||= text !== "";
    }
    this.canvas.classList.toggle("nameless", !named); // a phone does without the row then
    this.paintBoundaries(c, width, height);
  }

  paintBoundaries(c, width, height) {
    const { scenarios, byTime } = this.app.strip;
    if (byTime || width / scenarios.length < NARROWEST_BOUNDED) return;
    c.globalAlpha = 0.6;
    c.fillStyle = this.app.look.theme.muted;
    for (const entry of scenarios) {
      const [left] = this.edges(entry);
      if (left > 0) c.fillRect(Math.round(left), 0, 1, height);
    }
    c.globalAlpha = 1;
  }
}
