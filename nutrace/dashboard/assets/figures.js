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
function mark(layout, series, theme, width, axis, wanted, named) {
  const places = new Map();
  for (const change of series.changes) {
    if (!wanted(change.figure)) continue;
    const x = change.at - 0.5 + change.within;
    if (!places.has(x)) places.set(x, []);
    places.get(x).push(change);
  }
  const yref = `${axis} domain`, spacing = (width - 90) / series.revisions.length;
  const sorted = [...places].sort(([one], [other]) => one - other);
  let texted = -Infinity;
  for (const [x, changes] of sorted) {
    const room = (x - texted) * spacing >= 76;  // pixels that a text takes
    if (room) texted = x;
    const up = UP.has(changes[0].direction), colour = up ? theme.slower : theme.faster;
    layout.shapes.push({type: "line", x0: x, x1: x, yref, y0: 0, y1: 1, layer: "below", line: {color: colour, width: 2, dash: "dash"}});
    layout.annotations.push({
      x, y: 1, yref, yanchor: "bottom", showarrow: false, font: {color: colour, size: 12},
      text: plain(`${up ? "▲" : "▼"} ${room ? named(changes) : ""}`),
      hovertext: changes.map((change) => plain(change.text)).join("<br>"),
    });
  }
}

// Charts one above the other, each figure with a scale of its own.
function panels(series, theme, width, looks, height, scale) {
  const layout = base(series, theme, width, height * looks.length + 70);
  layout.showlegend = false;
  layout.margin.t = 8;
  layout.xaxis.anchor = looks.length === 1 ? "y" : `y${looks.length}`;
  const data = [], title = 40 / height;
  looks.forEach((look, number) => {
    const axis = number ? `y${number + 1}` : "y";
    const top = 1 - number / looks.length, bottom = 1 - (number + 1) / looks.length;
    const lowest = number === looks.length - 1 ? bottom : bottom + 0.02;
    layout[axis.replace("y", "yaxis")] = {...layout.yaxis, ...scale, domain: [lowest, top - title / looks.length], nticks: height > 150 ? 6 : 4};
    layout.annotations.push({
      xref: "paper", x: 0, xanchor: "left", yref: "paper", y: top, yanchor: "top", showarrow: false,
      text: `<b>${plain(look.name)}</b>${look.unit ? `, ${look.unit.trim()}` : ""}`,
    });
    data.push({...dots(series, look.figure, look), yaxis: axis}, {...medians(series, look.figure, look), yaxis: axis});
    mark(layout, series, theme, width, axis, (figure) => figure === look.figure, (changes) => changes[0].short);
  });
  return {data, layout};
}

function times(series, theme, width) {
  const looks = [
    {figure: "steps.p50_ms", name: "median (p50)", colour: theme.median, unit: " ms"},
    {figure: "steps.p95_ms", name: "95th percentile (p95)", colour: theme.tail, dash: "dot", symbol: "diamond", unit: " ms"},
  ];
  return panels(series, theme, width, looks, 220, {rangemode: "normal"});
}

function factor(series, theme, width) {
  if (!series.revisions.some((revision) => revision.figures["steps.realtime_factor"])) return null;
  const look = {figure: "steps.realtime_factor", name: "step time over simulated time", colour: theme.median, unit: "x"};
  const figure = panels(series, theme, width, [look], 220, {rangemode: "tozero"});
  figure.layout.shapes.push({type: "line", xref: "paper", x0: 0, x1: 1, y0: 1, y1: 1, line: {color: theme.line, width: 1.5, dash: "longdash"}});
  figure.layout.annotations.push({xref: "paper", x: 1, xanchor: "right", y: 1, yanchor: "bottom", text: "1.0x: real time", bgcolor: theme.panel, showarrow: false});
  return figure;
}

function counts(series, theme, width) {
  if (!series.counts.length) return null;
  const looks = series.counts.map((count, number) => ({
    ...count, shape: "hvh", unit: "", colour: number % 2 ? theme.tail : theme.median, symbol: number % 2 ? "diamond" : "circle",
  }));
  return panels(series, theme, width, looks, 120, {rangemode: "tozero"});
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
  const names = (changes) => changes.map((change) => change.figure.split(".")[1]);
  mark(layout, series, theme, width, "y", part, (changes) => names(changes)[0] + (changes.length > 1 ? " …" : ""));
  const data = series.components.map((component, number) => ({
    type: "bar",
    name: plain(component.name),
    x: series.revisions.map((_, place) => place),
    y: series.revisions.map((revision) => revision.components[number]),
    marker: {
      color: theme.dark ? component.dark : component.light,
      line: {color: theme.outline, width: 0.7},
      pattern: {
        shape: PATTERNS[number % PATTERNS.length], bgcolor: theme.dark ? component.dark : component.light,
        fgcolor: "#14171c", fgopacity: 0.35, size: 7, solidity: 0.2,
      },
    },
    hovertemplate: `%{y:.2f} ms<extra>${plain(component.name)}</extra>`,
    customdata: series.revisions.map((revision, place) => [place, closest(revision, "steps.mean_ms")]),
  }));
  return {data, layout};
}

const CHARTS = {times, components, factor, counts};
