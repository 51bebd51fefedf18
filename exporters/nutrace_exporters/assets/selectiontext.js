// Scenarios and steps as people write them: in the page's field, in its address, and after nutrace's
// --scenario and --steps.

function scenarioTitle({ title, token }) {
  return token ? `scenario ${title}` : title;
}

// "scenario 5f3a", "9 scenarios of type stopping", "9 scenarios".
function scenariosTitle(trace, places) {
  const chosen = places.map((place) => trace.scenarios[place]);
  if (chosen.length === 1) return scenarioTitle(chosen[0]);
  const { type } = chosen[0];
  const same = type && chosen.every((scenario) => scenario.type === type);
  return `${formatCount(chosen.length)} scenarios${same ? ` of type ${type}` : ""}`;
}

// Iterations [from, to) as --steps is written: "5", "5:10", "5:".
function formatIterations([from, to]) {
  return to - from === 1 ? String(from) : `${from}:${to === Infinity ? "" : to}`;
}

// Reads "10:20", "5", "10:", ":5"; null if it is written in another way, or holds no step.
function parseIterations(text) {
  const match = /^(\d*)(:?)(\d*)$/.exec(text.trim());
  if (!match || match[0] === "") return null;
  const from = Number(match[1] || 0);
  const to = match[2] ? Number(match[3] || Infinity) : from + 1;
  return to > from ? [from, to] : null;
}

// The places of the scenarios that a text stands for, as nutrace's --scenario finds them
// (nutrace/trace/scenario_choice.py), or of numbers such as "3:7,9"; [] if there are none.
function findScenarios(trace, text) {
  const wanted = text.trim();
  if (!wanted) return [];
  const places = (test) => trace.scenarios.filter(test).map(({ place }) => place);
  const cut = wanted.lastIndexOf("#");
  const [token, attempt] = [wanted.slice(0, Math.max(cut, 0)), wanted.slice(cut + 1)];
  const begins = () => {
    const found = places((each) => each.token.startsWith(wanted));
    return new Set(found.map((place) => trace.scenarios[place].token)).size === 1 ? found : [];
  };
  const ways = [
    () => places((each) => each.token === wanted),
    () => places((each) => token && each.token === token && String(each.attempt) === attempt),
    () => places((each) => each.name === wanted),
    () => places((each) => each.type === wanted),
    () => (/^\d{1,9}$/.test(wanted) ? places((each) => each.number === Number(wanted)) : []),
    begins,
    () => (/^[\d:,]+$/.test(wanted) ? placesOfNumbers(trace, wanted.split(",")) : []),
  ];
  for (const way of ways) {
    const found = way();
    if (found.length) return found;
  }
  return [];
}

function placesOfNumbers(trace, parts) {
  const ranges = parts.map(parseIterations);
  const inside = ({ number }) => ranges.some((range) => range && number >= range[0] && number < range[1]);
  return ranges.includes(null) ? [] : trace.scenarios.filter(inside).map(({ place }) => place);
}

// The shortest text that stands for the scenarios at these places and no others.
function formatScenarios(trace, places) {
  const { token, type, attempt, number } = trace.scenarios[places[0]];
  const candidates = places.length === 1 ? [token, `${token}#${attempt}`, `${number}`] : [type, token];
  const same = (found) => found.length === places.length && found.every((place, k) => place === places[k]);
  const fits = candidates.find((text) => text && same(findScenarios(trace, text)));
  // Or else their numbers, as "3:7,9".
  return fits ?? rangesOf(places.map((place) => trace.scenarios[place].number)).map(formatIterations).join(",");
}

// The selection of scenarios (null: all) and of steps as a text, and what is wrong with the text, if anything: then
// no steps are selected.
function readSelection(trace, places, stepsText) {
  let iterations = parseIterations(stepsText);
  let problem = "";
  if (!iterations && stepsText.trim()) problem = "Write steps as A:B (from A up to, not including, B), or one number.";
  if (iterations && !new Selection(trace, places, iterations).steps.length) {
    problem = `${places ? "The scenario has" : "This page has"} no step ${formatIterations(iterations)}.`;
    iterations = null;
  }
  return { selection: places || iterations ? new Selection(trace, places, iterations) : null, problem };
}
