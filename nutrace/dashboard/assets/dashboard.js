// Draws the chosen series, again when the theme or the width changes, and moves through its revisions.

const DATA = JSON.parse(document.getElementById("data").textContent);
const SECTIONS = [...document.querySelectorAll("section.series")];
const DARK = matchMedia("(prefers-color-scheme: dark)"), FINE = matchMedia("(pointer: fine)");
const picker = document.getElementById("series");
let shown = 0, current = -1;

function theme() {
  const style = getComputedStyle(document.documentElement);
  const colours = ["text", "muted", "panel", "grid", "median", "tail", "line", "slower", "faster", "outline"];
  const read = Object.fromEntries(colours.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  return {...read, dark: DARK.matches, fine: FINE.matches};
}

const charts = () => [...SECTIONS[shown].querySelectorAll(".chart")];

async function draw() {
  const series = DATA.series[shown], colours = theme();
  for (const chart of charts()) {
    const figure = CHARTS[chart.dataset.chart](series, colours, chart.clientWidth || document.body.clientWidth);
    chart.closest("figure").hidden = figure === null;
    if (figure === null) continue;
    chart.fixed = figure.layout.shapes;
    await Plotly.react(chart, figure.data, figure.layout, {displayModeBar: false, responsive: false});
    if (chart.ready) continue;
    chart.ready = true;
    chart.tabIndex = 0;
    chart.setAttribute("role", "group");
    const name = chart.closest("figure").querySelector("h2").textContent;
    chart.setAttribute("aria-label", `${name}: chart of ${series.revisions.length} revisions; the tables have its numbers`);
    chart.on("plotly_click", (event) => clicked(chart, event));
    chart.addEventListener("keydown", (event) => pressed(chart, event));
  }
  if (current >= 0) choose(current);
}

function clicked(chart, event) {
  const [place, link] = event.points[0].customdata;
  choose(place, chart);
  // A finger has no other way to read a point than to touch it: the link is in the card then.
  if (link && FINE.matches) window.open(link, "_blank", "noopener");
}

function pressed(chart, event) {
  const last = DATA.series[shown].revisions.length - 1;
  const places = {ArrowLeft: current < 0 ? last : Math.max(current - 1, 0), ArrowRight: current < 0 ? last : Math.min(current + 1, last), Home: 0, End: last};
  if (event.key in places) choose(places[event.key], chart);
  else if (event.key === "Enter" && current >= 0) SECTIONS[shown].querySelector(".chosen a")?.click();
  else if (event.key === "Escape") forget();
  else return;
  event.preventDefault();
}

function choose(place, chart) {
  current = place;
  const colours = theme();
  const line = {type: "line", x0: place, x1: place, yref: "paper", y0: 0, y1: 1, layer: "below", line: {color: colours.muted, width: 1.5, dash: "dot"}};
  for (const each of charts()) if (each.ready) Plotly.relayout(each, {shapes: [...each.fixed, line]});
  const card = SECTIONS[shown].querySelector(".chosen");
  if (chart) chart.closest("figure").after(card);
  describe(card, DATA.series[shown].revisions[place]);
  for (const row of SECTIONS[shown].querySelectorAll("tr.current")) row.classList.remove("current");
  SECTIONS[shown].querySelector(`tr[data-revision="${place}"]`)?.classList.add("current");
}

function forget() {
  current = -1;
  for (const each of charts()) if (each.ready) Plotly.relayout(each, {shapes: each.fixed});
  SECTIONS[shown].querySelector(".chosen").hidden = true;
}

function element(tag, text, parent) {
  const made = document.createElement(tag);
  made.textContent = text;
  parent?.append(made);
  return made;
}

function describe(card, revision) {
  card.replaceChildren();
  card.hidden = false;
  element("h2", `${revision.name}${revision.branch ? ` on ${revision.branch}` : ""}`, card);
  const list = element("dl", "", card);
  const row = (term, text) => { element("dt", term, list); return element("dd", text, list); };
  if (revision.commit) row("commit", revision.commit);
  row("first run", `${revision.began} UTC`);
  const known = [["p50", "steps.p50_ms", " ms"], ["p95", "steps.p95_ms", " ms"], ["real-time factor", "steps.realtime_factor", "x"]];
  const counted = DATA.series[shown].counts.map((count) => [count.name, count.figure, ""]);
  for (const [name, figure, unit] of [...known, ...counted]) {
    const spread = revision.figures[figure];
    if (spread) row(name, numeral(spread[0]) + unit + (spread[1] !== null && spread[1] !== spread[2] ? ` (${numeral(spread[1])} to ${numeral(spread[2])})` : ""));
  }
  const runs = row(revision.runs.length === 1 ? "run" : `${revision.runs.length} runs`, "");
  revision.runs.forEach((run, place) => {
    if (place) runs.append(", ");
    if (!run.link) return runs.append(run.file);
    const link = element("a", run.file, runs);
    link.href = run.link;
    link.target = "_blank";
    link.rel = "noopener";
  });
}

function show(place) {
  shown = place;
  current = -1;
  SECTIONS.forEach((section, number) => { section.hidden = number !== place; });
  SECTIONS[place].querySelector(".chosen").hidden = true;
  return draw();
}

let width = document.body.clientWidth;
function resized() {
  if (document.body.clientWidth === width) return;
  width = document.body.clientWidth;
  draw();
}

function fail(error) {
  const line = document.getElementById("failure");
  line.textContent = `The charts could not be drawn: ${error}. The tables have the same numbers.`;
  line.hidden = false;
}

picker?.addEventListener("change", () => show(Number(picker.value)));
DARK.addEventListener("change", draw);
addEventListener("resize", resized);
show(0).catch(fail).finally(() => { document.documentElement.dataset.ready = "true"; });
