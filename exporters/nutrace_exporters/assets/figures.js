// The figures in the header, and what is said above the strip of steps; both follow the selection.

function showFigures(app) {
  const { trace } = app;
  const figures = trace.difference ? sideFigures(trace.difference) : runFigures(app);
  document.getElementById("figures").setAttribute("aria-label", `Figures of ${textOfAll(app)}`);
  document.getElementById("figures").replaceChildren(
    ...figures.map(([name, text, mood]) =>
      element("div", { class: `figure ${mood ?? ""}` }, element("b", { text }), element("span", { text: name })),
    ),
  );
  const warnings = document.getElementById("warnings");
  warnings.hidden = !trace.run.warnings.length;
  warnings.replaceChildren(...trace.run.warnings.map((text) => element("span", { text })));
}

function runFigures({ trace, summary, selection }) {
  const figures = [];
  if (trace.steps.length) {
    const { count, p50, p95, max, factor, over, interval } = figuresOf(trace, summary);
    figures.push([nounFor(count, "step"), formatCount(count)]);
    if (count === 1) figures.push(["step time", formatMs(max)]);
    else figures.push(["p50", formatMs(p50)], ["p95", formatMs(p95)], ["max", formatMs(max)]);
    // A simulation that has to keep up with real time must do so in each step: the mean alone is no good news.
    if (over && count > 1) figures.push([`over ${interval ? formatInterval(interval) : "real time"}`, formatCount(over), "slow"]);
    if (factor) figures.push(["real-time factor", `${factor.toFixed(2)}×`, factor > 1 ? "slow" : over ? "" : "fast"]);
  }
  // A part of the run has no wall time of its own: its threads wait for others, and its steps do not follow each other.
  figures.push(selection ? ["time, all threads", formatTime(summary.all)] : ["wall", formatTime(trace.run.wall)]);
  figures.push([nounFor(summary.spans, "span"), formatCount(summary.spans)]);
  if (trace.run.processes > 1 && !selection) figures.push(["processes", formatCount(trace.run.processes)]);
  return figures;
}

// Figures of the finished steps of a summary, which keeps them.
function figuresOf(trace, summary) {
  return (summary.figures ??= stepFigures(trace, summary.stepSpans));
}

// The line above the strip: the scenario picked, the steps selected and their figures, and what the field selects.
function showChoice(app) {
  const { trace, summary, selection } = app;
  const { places = null, iterations = null } = selection ?? {};
  const several = trace.scenarios.length > 1;
  const hide = (id, hidden) => (document.getElementById(id).hidden = hidden);
  hide("strip", !trace.steps.length && !several);
  for (const id of ["steps", "steps-note", "steps-label"]) hide(id, !trace.steps.length);
  hide("scenario-open", !several);
  hide("clear-scenario", !places || !several);
  hide("clear-steps", !iterations);
  hide("only-steps", iterations !== null || !app.strip.shown.length);
  const chosen = places?.map((place) => trace.scenarios[place]) ?? trace.scenarios;
  const one = places?.length === 1;
  const title = places ? scenariosTitle(trace, places) : `all ${formatCount(chosen.length)} scenarios`;
  const trouble = one ? troubleOf(chosen[0]) : [];
  document.getElementById("scenario-open").textContent = `${capital([title, ...trouble].join(", "))} ▾`;
  document.getElementById("outcomes").textContent = one ? "" : outcomesOf(chosen);
  document.getElementById("clear-steps").textContent = !places ? "Whole run ✕" : one ? "Whole scenario ✕" : "Whole scenarios ✕";
  document.getElementById("steps-scope").textContent = !several ? "" : one ? "of this scenario" : places ? "of these scenarios" : "of every scenario";
  document.getElementById("steps-note").textContent = stepsNote(figuresOf(trace, summary));
  app.stepsField.value = iterations ? formatIterations(iterations) : "";
}

function stepsNote({ count, mean, factor }) {
  if (!count) return "no finished step";
  return `${counted(count, "step")}${count === 1 ? "" : ", mean"} ${formatMs(mean)}${factor ? `, ${factor.toFixed(2)}× real time` : ""}`;
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}
