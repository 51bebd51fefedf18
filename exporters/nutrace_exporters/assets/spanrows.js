// What the table of all kinds of spans has in its columns, as nutrace report has it.

// up: whether a click on its head sorts from the least to the most at first.
const SPAN_COLUMNS = [
  { key: "name", text: "Span", up: true },
  { key: "component", text: "Component", up: true },
  { key: "calls", text: "Calls", title: "Recursion counts once, and a generator counts once however much it yields" },
  { key: "self", text: "Self", title: "Time in the spans without the spans below them" },
  { key: "share", text: "Share", title: "Part of all self times" },
  { key: "total", text: "Total", title: "Time in the outermost spans with everything that they call" },
  { key: "step", text: "Per step", title: "Total per finished step, where all spans lie in steps" },
];

// What the columns have to say of a kind; -1 where there is nothing to say.
function valuesOf({ trace, summary }, kind, self, all) {
  const { name, component, sampled } = trace.kinds[kind];
  const total = sampled ? -1 : summary.kinds.total[kind];
  const perStep = !sampled && summary.steps > 0 && summary.perStep[kind] && summary.kinds.calls[kind];
  return {
    kind, name, component: trace.components[component].name, calls: sampled ? -1 : summary.kinds.calls[kind],
    self: self[kind], share: self[kind] / all, total, step: perStep ? total / summary.steps : -1,
  };
}

// Kinds with spans in what is selected, as far as the search and the hidden components leave them, sorted by a column;
// and how many they are without the search.
function tableRows(app, key, ascending) {
  const { trace, summary } = app;
  const self = selfShown(app);
  const all = sumOf(self) || 1;
  const rows = [];
  trace.kinds.forEach(({ component, several }, kind) => {
    if (several || app.hidden.has(component)) return;
    if (summary.kinds.calls[kind] || self[kind]) rows.push(valuesOf(app, kind, self, all));
  });
  const found = kindsFound(app);
  const kept = found ? rows.filter(({ kind }) => found[kind]) : rows;
  const way = ascending ? 1 : -1;
  const compare = (a, b) => (typeof a[key] === "string" ? a[key].localeCompare(b[key]) : a[key] - b[key]);
  kept.sort((a, b) => way * compare(a, b) || b.self - a.self || a.kind - b.kind);
  return { rows: kept, count: rows.length };
}

// The kinds of which some span in the selection matches the search; null without a search.
function kindsFound({ trace, search, summary, drawsSamples }) {
  if (!search.matches) return null;
  const found = new Uint8Array(trace.kinds.length);
  for (const [from, to] of summary.ranges) {
    for (let i = from; i < to; i++) if (search.matches[i]) found[trace.kindOf[trace.frame[i]]] = 1;
  }
  if (!drawsSamples) return found;
  trace.frames.forEach(({ sampled }, frame) => {
    if (sampled && search.frameMatches[frame]) found[trace.kindOf[frame]] = 1;
  });
  return found;
}
