// The scenarios of the run, by number. `place` is the position in this list, `steps` are positions in
// trace.steps by iteration, `tops` the scenario's outermost spans: one, unless the page has parts of it only.

function readScenarios(trace, data, columns) {
  const scenarios = data.map(([number, name, token, type, planner, log, attempt, outcome], place) => ({
    place, number, name, token, type, planner, log, attempt, outcome, steps: [], tops: [],
  }));
  trace.steps.forEach(({ scenario }, position) => scenarios[scenario].steps.push(position));
  const iteration = (position) => trace.steps[position].iteration;
  for (const { steps } of scenarios) steps.sort((a, b) => iteration(a) - iteration(b));
  summed(columns.top_at).forEach((span, k) => scenarios[columns.top_scenario[k]].tops.push(span));
  return scenarios;
}

// What there is to say of a scenario beside its figures: "failed", "cut short", "attempt 2"; [] if nothing.
function troubleOf({ outcome, attempt }) {
  const words = outcome === "finished" ? [] : [outcome];
  if (attempt > 1) words.push(`attempt ${attempt}`);
  return words;
}

// The figures of the scenario's own finished steps.
function scenarioFigures(trace, scenario) {
  const spans = scenario.steps.map((position) => trace.steps[position].span);
  return stepFigures(trace, spans.filter((span) => !trace.unfinished.has(span)));
}

// The scenarios with the slowest steps first; those without a finished step come last.
function slowestFirst(trace) {
  const rows = trace.scenarios.map((scenario) => ({ scenario, figures: scenarioFigures(trace, scenario) }));
  return rows.sort((a, b) => b.figures.mean - a.figures.mean || a.scenario.place - b.scenario.place);
}

// How many scenarios failed, were cut short, or are a further attempt: "1 failed, 2 retried".
function outcomesOf(trace) {
  const count = (test) => trace.scenarios.reduce((sum, scenario) => sum + (test(scenario) ? 1 : 0), 0);
  const counts = [
    [count(({ outcome }) => outcome === "failed"), "failed"],
    [count(({ outcome }) => outcome === "cut short"), "cut short"],
    [count(({ attempt }) => attempt > 1), "simulated again"],
  ];
  return counts.filter(([number]) => number).map(([number, word]) => `${formatCount(number)} ${word}`).join(", ");
}
