// The scenarios of the run, by number. `place` is the position in this list, `steps` are positions in
// trace.steps by iteration, `tops` the scenario's outermost spans: one, unless the page has parts of it only.
// `title` is the name, with the planner where several planners drove the scenario.

function readScenarios(trace, data, columns) {
  const scenarios = data.map(([number, name, token, type, planner, log, attempt, outcome], place) => ({
    place, number, name, token, type, planner, log, attempt, outcome, steps: [], tops: [],
  }));
  trace.steps.forEach(({ scenario }, position) => scenarios[scenario].steps.push(position));
  const iteration = (position) => trace.steps[position].iteration;
  for (const { steps } of scenarios) steps.sort((a, b) => iteration(a) - iteration(b));
  const named = new Map();
  for (const { name } of scenarios) named.set(name, (named.get(name) ?? 0) + 1);
  for (const each of scenarios) each.title = named.get(each.name) > 1 && each.planner ? `${each.name} ${each.planner}` : each.name;
  summed(columns.top_at).forEach((span, k) => scenarios[columns.top_scenario[k]].tops.push(span));
  return scenarios;
}

// What there is to say of a scenario beside its figures: "failed", "attempt 2"; [] if nothing.
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

// How many scenarios did not finish, and how many are a further attempt: "1 failed, 2 simulated again".
function outcomesOf(scenarios) {
  const counts = new Map();
  const add = (word) => counts.set(word, (counts.get(word) ?? 0) + 1);
  for (const { outcome } of scenarios) if (outcome !== "finished") add(outcome);
  for (const { attempt } of scenarios) if (attempt > 1) add("simulated again");
  return Array.from(counts, ([word, number]) => `${formatCount(number)} ${word}`).join(", ");
}
