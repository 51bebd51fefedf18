// The table of all kinds of spans beside the picture: sorted by any column, narrowed by the search. A row picks its
// kind, and its button leads to callers and callees.

const ROWS_AT_ONCE = 200; // more are made when one scrolls to them

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

class SpanTable {
  constructor(app) {
    this.app = app;
    this.panel = document.getElementById("spans");
    this.opener = document.getElementById("spans-open");
    this.scroller = document.getElementById("spans-list");
    this.body = this.panel.querySelector("tbody");
    this.key = "self";
    this.ascending = false;
    this.makeHead();
    this.opener.addEventListener("click", () => this.toggle());
    document.getElementById("spans-close").addEventListener("click", () => this.toggle(false));
    this.body.addEventListener("click", (event) => this.click(event));
    this.body.addEventListener("keydown", (event) => this.press(event));
    this.scroller.addEventListener("scroll", () => this.grow());
  }

  get open() {
    return !this.panel.hidden;
  }

  makeHead() {
    const cells = SPAN_COLUMNS.map(({ key, text, title = "" }) => {
      const button = element("button", { type: "button", text, title, onclick: () => this.sortBy(key) });
      return element("th", { scope: "col", class: `of-${key}`, "data-key": key }, button);
    });
    const last = element("th", { scope: "col", class: "of-callers" }, element("span", { class: "unseen", text: "Callers and callees" }));
    this.panel.querySelector("thead tr").replaceChildren(...cells, last);
  }

  toggle(open = !this.open) {
    this.panel.hidden = !open;
    this.fill();
    this.app.changed("push");
    if (open) this.panel.querySelector("th button").focus();
    else this.opener.focus();
    this.app.say(open ? this.note.textContent : "table closed");
  }

  get note() {
    return document.getElementById("spans-note");
  }

  sortBy(key, ascending = key === this.key ? !this.ascending : SPAN_COLUMNS.find((column) => column.key === key).up === true) {
    [this.key, this.ascending] = [key, ascending];
    this.fill();
    const { text } = SPAN_COLUMNS.find((column) => column.key === key);
    this.app.say(`sorted by ${text}, ${ascending ? "ascending" : "descending"}`);
    this.app.changed("replace");
  }

  // What the columns have to say of a kind; -1 where there is nothing to say.
  valuesOf(kind, self, all) {
    const { trace, summary } = this.app;
    const { name, component, sampled } = trace.kinds[kind];
    const total = sampled ? -1 : summary.kinds.total[kind];
    const perStep = !sampled && summary.steps > 0 && summary.perStep[kind] && summary.kinds.calls[kind];
    return {
      kind, name, component: trace.components[component].name, calls: sampled ? -1 : summary.kinds.calls[kind],
      self: self[kind], share: self[kind] / all, total, step: perStep ? total / summary.steps : -1,
    };
  }

  // Kinds with spans in what is selected, as far as the search and the hidden components leave them.
  rows() {
    const { app } = this;
    const { trace, summary } = app;
    const self = selfShown(app);
    const all = sumOf(self) || 1;
    const rows = [];
    trace.kinds.forEach(({ component, several }, kind) => {
      if (several || app.hidden?.has(component)) return;
      if (summary.kinds.calls[kind] || self[kind]) rows.push(this.valuesOf(kind, self, all));
    });
    this.count = rows.length;
    const found = this.kindsFound();
    const kept = found ? rows.filter(({ kind }) => found[kind]) : rows;
    const { key } = this;
    const way = this.ascending ? 1 : -1;
    const compare = (a, b) => (typeof a[key] === "string" ? a[key].localeCompare(b[key]) : a[key] - b[key]);
    return kept.sort((a, b) => way * compare(a, b) || b.self - a.self || a.kind - b.kind);
  }

  // The kinds of which some span in the selection matches the search; null without a search.
  kindsFound() {
    const { trace, search, summary, drawsSamples } = this.app;
    if (!search.matches) return null;
    const found = new Uint8Array(trace.kinds.length);
    for (const [from, to] of summary.ranges) {
      for (let i = from; i < to; i++) if (search.matches[i]) found[trace.kindOf[trace.frame[i]]] = 1;
    }
    if (drawsSamples) trace.frames.forEach(({ sampled }, frame) => sampled && search.frameMatches[frame] && (found[trace.kindOf[frame]] = 1));
    return found;
  }

  fill() {
    document.querySelector("main").classList.toggle("with-table", this.open);
    this.opener.setAttribute("aria-pressed", String(this.open));
    if (!this.open) return;
    this.sorted = this.rows();
    for (const head of this.panel.querySelectorAll("th[data-key]")) {
      if (head.dataset.key === this.key) head.setAttribute("aria-sort", this.ascending ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
    const count = `${counted(this.count, "kind")} of spans`;
    this.note.textContent = this.app.search.matches ? `${formatCount(this.sorted.length)} of ${count} match the search` : count;
    this.body.replaceChildren();
    this.scroller.scrollTop = 0;
    this.grow();
    this.mark();
  }

  // Makes rows for what can be seen, and some more.
  grow() {
    const { scroller, body } = this;
    while (body.childElementCount < this.sorted?.length && scroller.scrollTop + 2 * scroller.clientHeight + 200 > body.offsetHeight) {
      this.addRows(body.childElementCount + ROWS_AT_ONCE);
    }
  }

  addRows(until) {
    const fills = this.app.componentFills();
    const { childElementCount } = this.body;
    this.body.append(...this.sorted.slice(childElementCount, until).map((row) => this.rowOf(row, fills)));
  }

  rowOf({ kind, name, component, calls, self, share, total, step }, fills) {
    const { app } = this;
    const frame = app.trace.kinds[kind];
    const swatch = element("span", { class: frame.sampled ? "swatch hatched" : "swatch" });
    swatch.style.backgroundColor = fills[frame.component];
    const about = frame.sampled ? "≈ " : "";
    const cell = (key, text) => element("td", { class: `of-${key}`, text });
    const inSteps = app.summary.perStep[kind] === 1;
    const time = (key, ns) => cell(key, ns < 0 ? "" : about + app.timeText(ns, inSteps));
    return element(
      "tr", { "data-kind": kind },
      element("th", { scope: "row", class: "of-name" }, element("button", { type: "button", class: "span-name", tabindex: "-1", title: name }, swatch, element("span", { text: name }))),
      cell("component", component),
      cell("calls", calls < 0 ? "" : formatCount(calls)),
      time("self", self), cell("share", about + formatShare(share)), time("total", total), cell("step", step < 0 ? "" : formatTime(step)),
      element("td", { class: "of-callers" }, element("button", { type: "button", class: "span-callers", tabindex: "-1", text: "⇅", title: `Callers and callees of ${name} (K)`, "aria-label": `Callers and callees of ${name}` })),
    );
  }

  // Marks the row of the kind that is picked, and lets Tab reach it, or else the first.
  mark() {
    if (!this.open) return;
    const place = this.sorted.findIndex(({ kind }) => kind === this.app.kind);
    if (place >= this.body.childElementCount) this.addRows(place + ROWS_AT_ONCE);
    for (const [k, row] of Array.from(this.body.children).entries()) {
      row.classList.toggle("picked", k === place);
      const button = row.querySelector(".span-name");
      button.setAttribute("aria-pressed", String(k === place));
      button.tabIndex = k === Math.max(place, 0) ? 0 : -1;
    }
    this.body.children[place]?.scrollIntoView({ block: "nearest" });
  }

  click(event) {
    const row = event.target.closest("tr");
    if (!row || String(getSelection())) return; // the end of a drag that selects text is no click
    const kind = Number(row.dataset.kind);
    if (event.target.closest(".span-callers")) this.app.showCallers(kind);
    else this.app.pickKind(kind);
  }

  // Arrow keys go from row to row.
  press(event) {
    const row = event.target.closest("tr");
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    event.stopPropagation();
    const rows = this.body.children;
    const place = Array.prototype.indexOf.call(rows, row) + steps[event.key];
    if (place >= rows.length) this.addRows(place + ROWS_AT_ONCE);
    const to = rows[Math.max(0, Math.min(place, rows.length - 1))]?.querySelector(".span-name");
    to?.focus();
    to?.closest("tr").scrollIntoView({ block: "nearest" });
  }
}

ADDRESS_PARTS.push({
  save({ spanTable }, words) {
    if (spanTable.open) words.set("table", spanTable.key + (spanTable.ascending ? ":up" : ""));
  },
  read({ spanTable, trace }, words) {
    const [key, way] = (words.get("table") ?? "").split(":");
    const known = SPAN_COLUMNS.some((column) => column.key === key);
    if (known) [spanTable.key, spanTable.ascending] = [key, way === "up"];
    spanTable.panel.hidden = !words.has("table") || trace.difference !== null;
  },
});
