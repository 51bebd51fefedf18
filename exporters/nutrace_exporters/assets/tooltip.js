// The tooltip: what is under the pointer, in the chart, the strip of steps, or the row of scenarios.

class Tooltip {
  constructor(app) {
    this.app = app;
    this.box = document.getElementById("tooltip");
    this.told = null; // the item of the chart that it tells about
  }

  hide() {
    this.box.hidden = true;
    this.told = null;
  }

  showItem(item, x, y) {
    if (this.told !== item) {
      this.box.replaceChildren(...descriptionCard(this.app, item, 6));
      this.told = item;
    }
    placeTooltip(this.box, x, y);
  }

  showStep(position, x, y) {
    const { trace, table, componentOrder } = this.app;
    const step = trace.steps[position];
    const rows = [["Took", formatTime(table.times[position])]];
    if (step.interval) rows.push(["Real-time factor", `${(table.times[position] / step.interval).toFixed(2)}×`]);
    if (trace.unfinished.has(step.span)) rows.push(["Unfinished", "drawn up to the last known time"]);
    rows.push(["Scenario", troubleOf(trace.scenarios[step.scenario]).join(", ")]);
    for (const [kind, points] of Object.entries(trace.memory)) {
      const point = points.find(([at]) => at === position);
      if (point) rows.push([kind === "gpu" ? "GPU memory" : "Memory", `${formatMemory(point[1])} at its end`]);
    }
    const part = (component) => table.parts[position * table.width + component];
    const parts = componentOrder.filter((component) => part(component) > 0).sort((a, b) => part(b) - part(a));
    for (const component of parts.slice(0, 5)) rows.push([trace.components[component].name, formatTime(part(component))]);
    this.showRows(trace.stepText(position), rows, x, y);
  }

  showScenario(scenario, x, y) {
    const { count, mean, factor } = scenarioFigures(this.app.trace, scenario);
    const { type, planner, log } = scenario;
    const rows = [["Outcome", troubleOf(scenario).join(", ")], ["Type", type], ["Planner", planner], ["Log", log]];
    rows.push(["Steps", count ? `${formatCount(count)}, mean ${formatMs(mean)}` : "none finished"]);
    rows.push(["Real-time factor", factor ? `${factor.toFixed(2)}×` : ""]);
    this.showRows(scenarioTitle(scenario), rows, x, y);
  }

  showRows(heading, rows, x, y) {
    const title = element("div", { class: "card-title" }, element("strong", { text: capital(heading) }));
    this.box.replaceChildren(title, pairList(rows.filter(([, text]) => text), "figures"));
    this.told = null;
    placeTooltip(this.box, x, y);
  }
}

function placeTooltip(tooltip, x, y) {
  tooltip.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = tooltip;
  const left = x + 16 + width > innerWidth ? Math.max(4, x - width - 12) : x + 16;
  const top = y + 18 + height > innerHeight ? Math.max(4, y - height - 12) : y + 18;
  tooltip.style.transform = `translate(${left}px, ${top}px)`;
}
