// The table of all kinds of spans beside the picture: sorted by any column, narrowed by the search. A row picks its
// kind, and its button leads to callers and callees.

const MOST_TABLE_ROWS = 300; // of more, those in sight are in the document, and some around them
const ROWS_AROUND = 20;

class SpanTable {
  constructor(app) {
    this.app = app;
    this.panel = document.getElementById("spans");
    this.opener = document.getElementById("spans-open");
    this.scroller = document.getElementById("spans-list");
    this.body = this.panel.querySelector("tbody");
    this.key = "self";
    this.ascending = false;
    this.names = new NameFitter();
    this.makeHead();
    this.opener.addEventListener("click", () => this.toggle());
    document.getElementById("spans-close").addEventListener("click", () => this.toggle(false));
    this.body.addEventListener("click", (event) => this.click(event));
    this.body.addEventListener("keydown", (event) => this.press(event));
    this.rowHeight = 26; // px, until a row is measured
    this.drawn = [0, 0]; // from, until
    this.scroller.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.scroller);
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
    this.scroller.scrollTop = 0;
    this.fill();
    const { text } = SPAN_COLUMNS.find((column) => column.key === key);
    this.app.say(`sorted by ${text}, ${ascending ? "ascending" : "descending"}`);
    this.app.changed("replace");
  }

  fill() {
    document.querySelector("main").classList.toggle("with-table", this.open);
    this.opener.setAttribute("aria-pressed", String(this.open));
    if (!this.open) return;
    const { rows, count: all } = tableRows(this.app, this.key, this.ascending);
    this.sorted = rows;
    for (const head of this.panel.querySelectorAll("th[data-key]")) {
      if (head.dataset.key === this.key) head.setAttribute("aria-sort", this.ascending ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
    const count = `${counted(all, "kind")} of spans`;
    this.note.textContent = this.app.search.matches ? `${formatCount(this.sorted.length)} of ${count} match the search` : count;
    this.panel.querySelector("table").setAttribute("aria-rowcount", this.sorted.length + 1);
    this.drawn = [0, 0];
    this.draw();
    this.reveal(this.placeOfPicked());
  }

  // The rows that have to be in the document, by place.
  inSight() {
    const { length } = this.sorted;
    if (length <= MOST_TABLE_ROWS) return [0, length];
    const { scrollTop, clientHeight } = this.scroller;
    const first = Math.floor(scrollTop / this.rowHeight) - ROWS_AROUND;
    const count = Math.ceil(clientHeight / this.rowHeight) + 2 * ROWS_AROUND;
    const from = Math.max(0, Math.min(first, length - count));
    return [from, Math.min(from + count, length)];
  }

  draw() {
    if (!this.open || !this.sorted) return;
    const [from, until] = this.inSight();
    const near = from >= this.drawn[0] - ROWS_AROUND / 2 && from <= this.drawn[0] + ROWS_AROUND / 2;
    const room = this.roomForNames();
    if (until - from === this.drawn[1] - this.drawn[0] && near && room === this.room && this.body.childElementCount) return;
    this.drawn = [from, until];
    this.room = room;
    const fills = this.app.componentFills();
    const focused = document.activeElement.closest("#spans tr[data-kind]")?.dataset.kind;
    const rows = this.sorted.slice(from, until).map((row, k) => this.rowOf(row, from + k, fills));
    this.body.replaceChildren(...this.gap(from), ...rows, ...this.gap(this.sorted.length - until));
    const measured = rows[0]?.offsetHeight;
    if (measured && measured !== this.rowHeight) {
      this.rowHeight = measured;
      this.drawn = [0, 0];
      return this.draw();
    }
    this.mark();
    this.body.querySelector(`tr[data-kind="${focused}"] .span-name`)?.focus({ preventScroll: true });
  }

  // px
  roomForNames() {
    const besides = 28; // padding, swatch and gap
    return Math.max(this.panel.querySelector("thead .of-name").clientWidth - besides, 0);
  }

  // Room for rows that are not in the document.
  gap(count) {
    if (!count) return [];
    const cell = element("td", { class: "of-gap", colspan: SPAN_COLUMNS.length + 1 });
    cell.style.height = `${count * this.rowHeight}px`;
    return [element("tr", { "aria-hidden": "true" }, cell)];
  }

  // Scrolls so that a row can be seen.
  reveal(place) {
    if (place < 0) return;
    const { scroller, rowHeight } = this;
    const head = this.panel.querySelector("thead").offsetHeight;
    const top = place * rowHeight;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + rowHeight > scroller.scrollTop + scroller.clientHeight - head) scroller.scrollTop = top + rowHeight - scroller.clientHeight + head;
    this.draw();
  }

  placeOfPicked() {
    return this.sorted.findIndex(({ kind }) => kind === this.app.kind);
  }

  rowOf({ kind, name, component, calls, self, share, total, step }, place, fills) {
    const { app } = this;
    const frame = app.trace.kinds[kind];
    const swatch = element("span", { class: frame.sampled ? "swatch hatched" : "swatch" });
    swatch.style.backgroundColor = fills[frame.component];
    const about = frame.sampled ? "≈ " : "";
    const cell = (key, text) => element("td", { class: `of-${key}`, text });
    const inSteps = app.summary.perStep[kind] === 1;
    const time = (key, ns) => cell(key, ns < 0 ? "" : about + app.timeText(ns, inSteps));
    return element(
      "tr", { "data-kind": kind, "aria-rowindex": place + 2 },
      element("th", { scope: "row", class: "of-name" }, element("button", { type: "button", class: "span-name", tabindex: "-1", title: name, "aria-label": name }, swatch, element("span", { class: "name", text: this.names.fitted(name, component, this.room) }))),
      cell("component", component),
      cell("calls", calls < 0 ? "" : formatCount(calls)),
      time("self", self), cell("share", about + formatShare(share)), time("total", total), cell("step", step < 0 ? "" : formatTime(step)),
      element("td", { class: "of-callers" }, element("button", { type: "button", class: "span-callers", tabindex: "-1", text: "⇅", title: `Callers and callees of ${name} (K)`, "aria-label": `Callers and callees of ${name}` })),
    );
  }

  // Marks the row of the kind that is picked, and lets Tab reach it, or else the first.
  mark() {
    const rows = Array.from(this.body.querySelectorAll("tr[data-kind]"));
    const picked = rows.findIndex((row) => Number(row.dataset.kind) === this.app.kind);
    rows.forEach((row, k) => {
      row.classList.toggle("picked", k === picked);
      const button = row.querySelector(".span-name");
      button.setAttribute("aria-pressed", String(k === picked));
      button.tabIndex = k === Math.max(picked, 0) ? 0 : -1;
    });
  }

  // Another kind is picked, or none.
  picked() {
    if (!this.open) return;
    this.reveal(this.placeOfPicked());
    this.mark();
  }

  click(event) {
    const row = event.target.closest("tr[data-kind]");
    if (!row || String(getSelection())) return; // the end of a drag that selects text is no click
    const kind = Number(row.dataset.kind);
    if (!event.target.closest(".span-callers")) return this.app.pickKind(kind);
    this.app.chart.scroller.focus({ preventScroll: true }); // where arrow keys go from caller to caller
    this.app.showCallers(kind);
  }

  // Arrow keys go from row to row.
  press(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    event.stopPropagation();
    const at = Number(event.target.closest("tr").getAttribute("aria-rowindex")) - 2;
    const to = Math.max(0, Math.min(at + steps[event.key], this.sorted.length - 1));
    this.reveal(to);
    this.body.querySelector(`tr[aria-rowindex="${to + 2}"] .span-name`)?.focus({ preventScroll: true });
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
