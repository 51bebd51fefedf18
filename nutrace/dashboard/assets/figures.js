// What plotly draws: pure functions from a series, a theme and a width to data and layout.

const NARROW = 600;
const PATTERNS = ["", "/", "\\", "x", "-", "|", "+", ".", ""];
const UP = new Set(["slower", "more"]);

// plotly reads a few HTML tags in its texts: names of branches and commands must not be taken for any.
function plain(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function numeral(value) {
  if (value === null || value === undefined) return "-";
  const size = Math.abs(value);
  const digits = size >= 1000 || Number.isInteger(value) ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString("en-US", {minimumFractionDigits: digits, maximumFractionDigits: digits});
}

function base(series, theme, width, height) {
  const count = series.revisions.length, narrow = width < NARROW;
  const every = Math.max(1, Math.ceil(count / Math.max(1, Math.floor(width / (narrow ? 56 : 72)))));
  const ticks = series.revisions.map((_, place) => place).filter((place) => (count - 1 - place) % every === 0);
  return {
    height,
    margin: {l: narrow ? 44 : 56, r: narrow ? 12 : 20, t: 30, b: 56},
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: {family: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif', size: 12, color: theme.text},
    hovermode: "closest",
    hoverlabel: {bgcolor: theme.panel, bordercolor: theme.muted, font: {color: theme.text, size: 12}, align: "left"},
    dragmode: theme.fine ? "zoom" : false,
    legend: {orientation: "h", x: 0, y: 1.02, xanchor: "left", yanchor: "bottom", font: {size: 12}},
    xaxis: {
      tickmode: "array",
      tickvals: ticks,
      ticktext: ticks.map((place) => plain(series.revisions[place].name)),
      tickangle: -40,
      range: [-0.6, count - 0.4],
      gridcolor: theme.grid,
      zeroline: false,
      fixedrange: !theme.fine,
    },
    yaxis: {gridcolor: theme.grid, zerolinecolor: theme.grid, rangemode: "tozero", fixedrange: true, automargin: true},
    shapes: [],
    annotations: [],
  };
}

function heading(revision) {
  const branch = revision.branch ? ` on ${revision.branch}` : "";
  return plain(`${revision.name}${branch}, ${revision.began}`);
}

function whiskers(spreads, colour) {
  return {
    type: "data",
    symmetric: false,
    array: spreads.map((spread) => (spread && spread[2] !== null ? spread[2] - spread[0] : 0)),
    arrayminus: spreads.map((spread) => (spread && spread[1] !== null ? spread[0] - spread[1] : 0)),
    color: colour,
    thickness: 1.5,
    width: 4,
  };
}

function medians(series, figure, look) {
  const spreads = series.revisions.map((revision) => revision.figures[figure]);
  return {
    type: "scatter",
    mode: "lines+markers",
    name: look.name,
    x: spreads.map((_, place) => place),
    y: spreads.map((spread) => (spread ? spread[0] : null)),
    error_y: whiskers(spreads, look.colour),
    line: {color: look.colour, width: 2, dash: look.dash || "solid", shape: look.shape || "linear"},
    marker: {color: look.colour, size: 8, symbol: look.symbol || "circle"},
    text: spreads.map((spread, place) => {
      const runs = series.revisions[place].runs.length;
      const range = spread && spread[1] !== null ? `<br>${numeral(spread[1])} to ${numeral(spread[2])}` : "";
      const middle = `${plain(look.name)}: <b>${numeral(spread && spread[0])}${look.unit || ""}</b>`;
      return `${heading(series.revisions[place])}<br>${middle}${range}<br>${runs} run${runs === 1 ? "" : "s"}`;
    }),
    hovertemplate: "%{text}<extra></extra>",
    customdata: series.revisions.map((revision, place) => [place, closest(revision, figure)]),
  };
}

// The flamegraph of the run that is nearest to the median.
function closest(revision, figure) {
  const spread = revision.figures[figure];
  if (!spread) return "";
  const distance = (run) => Math.abs((run.figures[figure] ?? Infinity) - spread[0]);
  const linked = revision.runs.filter((run) => run.link).sort((one, other) => distance(one) - distance(other));
  return linked.length ? linked[0].link : "";
}

function dots(series, figure, look) {
  const runs = series.revisions.flatMap((revision, place) => revision.runs.map((run) => ({run, place, revision})));
  return {
    type: "scatter",
    mode: "markers",
    showlegend: false,
    name: look.name,
    x: runs.map((each) => each.place),
    y: runs.map((each) => each.run.figures[figure]),
    marker: {color: look.colour, size: 5, opacity: 0.55, symbol: look.symbol || "circle"},
    text: runs.map(({run, revision}) => {
      const what = `${plain(look.name)}: <b>${numeral(run.figures[figure])}${look.unit || ""}</b>`;
      return `${heading(revision)}<br>${plain(run.file)}<br>${what}` + (run.link ? "<br>click: its flamegraph" : "");
    }),
    hovertemplate: "%{text}<extra></extra>",
    customdata: runs.map((each) => [each.place, each.run.link]),
  };
}

// Lines where figures change, with a sign and a number: not by colour alone.
function mark(layout, series, theme, figures, named) {
  const places = new Map();
  for (const change of series.changes) {
    const wanted = figures(change.figure);
    if (!wanted) continue;
    const x = change.at - 0.5 + (change.within ? change.within : 0);
    if (!places.has(x)) places.set(x, []);
    places.get(x).push(change);
  }
  for (const [x, changes] of places) {
    const up = UP.has(changes[0].direction), colour = up ? theme.slower : theme.faster;
    layout.shapes.push({type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, layer: "below", line: {color: colour, width: 2, dash: "dash"}});
    layout.annotations.push({
      x, y: 1, yref: "paper", yanchor: "bottom", showarrow: false, font: {color: colour, size: 12},
      text: plain(`${up ? "▲" : "▼"} ${named(changes[0])}`),
      hovertext: plain(changes.map((change) => change.text).join("\n")).replace(/\n/g, "<br>"),
    });
  }
}

function times(series, theme, width) {
  const layout = base(series, theme, width, 380);
  const median = {name: "median (p50)", colour: theme.median, unit: " ms"};
  const tail = {name: "95th percentile (p95)", colour: theme.tail, dash: "dot", symbol: "diamond", unit: " ms"};
  layout.yaxis.title = {text: "ms"};
  layout.legend.y = 1.1;
  layout.margin.t = 64;
  const order = ["steps.p50_ms", "steps.p95_ms"];
  const marked = new Set(series.changes.filter((change) => change.figure === order[0]).map((change) => change.at));
  const wanted = {...series, changes: series.changes.filter((change) => change.figure === order[0] || !marked.has(change.at))};
  mark(layout, wanted, theme, (figure) => order.includes(figure), (change) => (change.figure === order[0] ? "" : "p95 ") + change.short);
  return {
    data: [
      dots(series, "steps.p95_ms", tail), dots(series, "steps.p50_ms", median),
      medians(series, "steps.p95_ms", tail), medians(series, "steps.p50_ms", median),
    ],
    layout,
  };
}

function components(series, theme, width) {
  const layout = base(series, theme, width, width < NARROW ? 460 : 400);
  layout.barmode = "stack";
  layout.bargap = 0.18;
  layout.hovermode = "x unified";
  layout.yaxis.title = {text: "ms a step"};
  layout.legend = width < NARROW
    ? {orientation: "h", x: 0, y: -0.28, yanchor: "top", font: {size: 12}}
    : {orientation: "v", x: 1.01, y: 1, traceorder: "reversed", font: {size: 12}};
  const part = (figure) => figure.startsWith("components.");
  mark(layout, series, theme, part, (change) => change.figure.split(".")[1]);
  const data = series.components.map((component, number) => ({
    type: "bar",
    name: plain(component.name),
    x: series.revisions.map((_, place) => place),
    y: series.revisions.map((revision) => revision.components[number]),
    marker: {
      color: theme.dark ? component.dark : component.light,
      line: {color: theme.outline, width: 0.7},
      pattern: {shape: PATTERNS[number % PATTERNS.length], fgcolor: "#14171c", fgopacity: 0.6, size: 6, solidity: 0.22},
    },
    hovertemplate: `%{y:.2f} ms<extra>${plain(component.name)}</extra>`,
    customdata: series.revisions.map((revision, place) => [place, closest(revision, "steps.mean_ms")]),
  }));
  layout.xaxis.unifiedhovertitle = {text: "%{x}"};
  return {data, layout};
}

function factor(series, theme, width) {
  if (!series.revisions.some((revision) => revision.figures["steps.realtime_factor"])) return null;
  const layout = base(series, theme, width, 280);
  const look = {name: "real-time factor", colour: theme.median, unit: "x"};
  layout.yaxis.title = {text: "x"};
  layout.showlegend = false;
  layout.shapes.push({type: "line", xref: "paper", x0: 0, x1: 1, y0: 1, y1: 1, line: {color: theme.line, width: 1.5, dash: "longdash"}});
  layout.annotations.push({xref: "paper", x: 1, xanchor: "right", y: 1, yanchor: "bottom", text: "1.0x: real time", showarrow: false});
  return {data: [dots(series, "steps.realtime_factor", look), medians(series, "steps.realtime_factor", look)], layout};
}

function counts(series, theme, width) {
  const rows = series.counts.length;
  if (!rows) return null;
  const layout = base(series, theme, width, 110 * rows + 70);
  layout.showlegend = false;
  layout.xaxis.anchor = rows === 1 ? "y" : `y${rows}`;
  const data = series.counts.map((count, number) => {
    const axis = number ? `yaxis${number + 1}` : "yaxis", top = 1 - number / rows;
    const colour = number % 2 ? theme.tail : theme.median;
    layout[axis] = {...layout.yaxis, domain: [1 - (number + 1) / rows + 0.03, top - 0.28 / rows], nticks: 4};
    layout.annotations.push({
      xref: "paper", x: 0, xanchor: "left", yref: "paper", y: top, yanchor: "top", showarrow: false,
      text: `<b>${plain(count.name)}</b>`,
    });
    const trace = medians(series, count.figure, {name: count.name, colour, shape: "hv", symbol: number % 2 ? "diamond" : "circle"});
    return {...trace, yaxis: number ? `y${number + 1}` : "y"};
  });
  mark(layout, series, theme, (figure) => series.counts.some((count) => count.figure === figure), (change) => "");
  return {data, layout};
}

const CHARTS = {times, components, factor, counts};
