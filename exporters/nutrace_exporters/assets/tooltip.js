// The tooltip: what is under the pointer, in the chart, the strip of steps, or the row of scenarios.

const TALLEST_TOOLTIP = 420; // px

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
    if (this.told !== item) this.fill(item);
    placeTooltip(this.box, x, y);
  }

  // With as many attributes as leave it small.
  fill(item) {
    this.box.hidden = false;
    for (const most of [6, 3, 1, 0]) {
      this.box.replaceChildren(...descriptionCard(this.app, item, most));
      if (this.box.offsetHeight <= Math.min(TALLEST_TOOLTIP, innerHeight - 8)) break;
    }
    this.told = item;
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
  const left = beside(x, width, 16, innerWidth);
  const top = beside(y, height, 18, innerHeight);
  tooltip.style.transform = `translate(${left}px, ${top}px)`;
}

// Where a box of this length begins: behind a point, or before it if there is more room, and always within the window.
function beside(point, length, away, room) {
  const place = point + away + length > room - 4 ? point - length - 12 : point + away;
  return Math.max(4, Math.min(place, room - length - 4));
}
