// The legend: the components by self time, with what highlights one, hides it, or shows it alone.

// Self times by component, of which the legend has the shares. What is outside the steps has no time per step.
function selfInLegend({ unit, summary }) {
  const { components, regions, steps } = summary;
  const perStep = unit === "per step" && steps > 0;
  const self = components.self.map((all, component) => (perStep ? all - regions[OUTSIDE].self[component] : all));
  return { self, all: sumOf(self) || 1, perStep };
}

const SMALL_SHARE = 0.01; // of the self time; components with less are folded, as they would fill the panel

function showLegend(app) {
  for (const id of ["show-all", "hidden-text"]) document.getElementById(id).hidden = !app.hidden.size;
  if (app.trace.difference) return showChangedComponents(app);
  const { summary } = app;
  const { self, all, perStep } = selfInLegend(app);
  const rows = app.componentOrder
    .filter((component) => self[component] || (!perStep && summary.components.calls[component]) || app.hidden.has(component))
    .sort((a, b) => self[b] - self[a]);
  const legend = document.getElementById("legend");
  const focused = legend.contains(document.activeElement) ? document.activeElement.dataset.part : "";
  // What is picked, hidden or in use stays in sight.
  const stays = (component) => app.highlight === component || app.hidden.has(component) || focused.endsWith(` ${component}`);
  const small = rows.filter((component) => self[component] / all < SMALL_SHARE);
  const foldable = small.filter((component) => !stays(component));
  const folded = app.allInLegend || foldable.length < 2 || small.length === rows.length ? [] : foldable;
  const items = rows.filter((component) => !folded.includes(component)).map((component) => {
    const time = perStep ? formatTime(self[component] / summary.steps) : app.unit === "%" ? "" : formatTime(self[component]);
    return legendItem(app, component, time, self[component] / all);
  });
  fill(legend, folded.length ? [...items, moreButton(app, folded)] : items);
  if (focused) legend.querySelector(`[data-part="${focused}"]`)?.focus();
  document.getElementById("legend-title").textContent = perStep ? "Self time per step" : "Self time";
  document.getElementById("hidden-text").textContent = hiddenText(app);
}

// Shows the folded components, and does not fold any again.
function moreButton(app, folded) {
  const names = folded.map((component) => app.trace.components[component].name).join(", ");
  return element("button", {
    type: "button", class: "legend-more", "data-part": "more", "aria-expanded": "false", "aria-controls": "legend",
    text: `${formatCount(folded.length)} more`, title: `Less than ${formatShare(SMALL_SHARE)} each: ${names}`,
    onclick: () => {
      app.allInLegend = true;
      showLegend(app);
      document.querySelector(`#legend [data-part="row ${folded[0]}"]`).focus();
      app.say(`${counted(folded.length, "more component")}: ${names}`);
    },
  });
}

// A row that highlights, and beside it what hides.
function legendItem(app, component, time, share) {
  const { summary, trace } = app;
  const { name } = trace.components[component];
  const hidden = app.hidden.has(component);
  const swatch = element("span", { class: "swatch" });
  const bar = element("span", { class: "bar" });
  swatch.style.background = bar.style.background = app.componentFills()[component];
  bar.style.width = `${100 * share}%`;
  const row = element(
    "button",
    {
      type: "button",
      class: "legend-row",
      "data-part": `row ${component}`,
      "aria-pressed": String(app.highlight === component),
      title: [name, ...costsOf(summary, component)].join("\n"),
      onclick: () => app.highlightComponent(component),
    },
    swatch,
    element("span", { class: "legend-name", text: name }),
    element("span", { class: "legend-time", text: time }),
    element("span", { class: "legend-share", text: formatShare(share) }),
    element("span", { class: "track" }, bar),
  );
  const control = (kind, label, pressed, act, ...children) =>
    element("button", {
      type: "button", class: `legend-${kind}`, "data-part": `${kind} ${component}`, "aria-label": label, title: label,
      "aria-pressed": String(pressed), onclick: act,
    }, ...children);
  return element(
    "div",
    { class: hidden ? "legend-item hidden-part" : "legend-item" },
    row,
    control("only", `Show ${name} alone`, isAlone(app, component), () => toggleAlone(app, component), "only"),
    control("eye", `Hide ${name}`, hidden, () => toggleHidden(app, component), eyeIcon(hidden)),
  );
}

// An eye, struck through if what it stands for is hidden.
function eyeIcon(struck) {
  const drawn = (tag, properties) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(properties)) made.setAttribute(key, value);
    return made;
  };
  const stroke = { fill: "none", stroke: "currentColor", "stroke-width": "1.4", "stroke-linecap": "round" };
  const icon = drawn("svg", { viewBox: "0 0 16 16", width: "14", height: "14", "aria-hidden": "true" });
  icon.append(drawn("path", { d: "M1.5 8Q8 1.5 14.5 8Q8 14.5 1.5 8Z", ...stroke }), drawn("circle", { cx: "8", cy: "8", r: "2", ...stroke }));
  if (struck) icon.append(drawn("path", { d: "M3 13L13 3", ...stroke }));
  return icon;
}

// Self and total time and calls of a component, and the same by region if it has spans in several.
function costsOf(summary, component) {
  const line = ({ self, total, calls }, where) =>
    `${where}self ${formatTime(self[component])}, total ${formatTime(total[component])}, ` +
    counted(calls[component], "call");
  const used = [INSIDE, BESIDE, OUTSIDE].filter((region) => summary.regions[region].calls[component] || summary.regions[region].self[component]);
  const parts = used.length > 1 ? used.map((region) => line(summary.regions[region], `${REGION_NAMES[region]}: `)) : [];
  return [line(summary.components, ""), ...parts];
}
