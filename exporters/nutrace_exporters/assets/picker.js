// The picker: a dialog with all scenarios, the slowest first, and a field that narrows them.

const MOST_ROWS = 2000; // Beyond that, what is typed has to narrow them.

class Picker {
  constructor(app) {
    this.app = app;
    this.dialog = document.getElementById("picker");
    this.field = document.getElementById("picker-field");
    this.list = document.getElementById("picker-list");
    this.field.addEventListener("input", () => this.fill());
    document.getElementById("scenario-open").addEventListener("click", () => this.open());
    this.dialog.addEventListener("keydown", (event) => this.key(event));
  }

  open() {
    this.rows ??= slowestFirst(this.app.trace).map((row) => ({ ...row, text: searchedText(row.scenario) }));
    this.field.value = "";
    this.fill();
    this.dialog.showModal();
    this.field.focus();
  }

  fill() {
    const { trace, selection } = this.app;
    const words = this.field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = this.rows.filter(({ text }) => words.every((word) => text.includes(word)));
    const picked = new Set(selection?.places ?? []);
    const slowest = this.rows[0]?.figures.mean || 1;
    const heads = ["Scenario", "", "mean step", "real time", "length"].map((text, k) => element("span", { text, class: k === 1 ? "pick-trouble" : "" }));
    this.list.replaceChildren(
      element("li", { class: "pick-row pick-head muted", "aria-hidden": "true" }, ...heads),
      ...rows.slice(0, MOST_ROWS).map((row) => {
        row.item ??= this.rowOf(row, slowest); // made once, as every letter that is typed lists a thousand
        row.item.firstChild.setAttribute("aria-pressed", String(picked.has(row.scenario.place)));
        return row.item;
      }),
    );
    const outcomes = outcomesOf(trace.scenarios);
    const more = rows.length > MOST_ROWS ? ` The first ${formatCount(MOST_ROWS)} are listed.` : "";
    document.getElementById("picker-note").textContent =
      `${formatCount(rows.length)} of ${formatCount(this.rows.length)} scenarios${outcomes ? `; in the run ${outcomes}` : ""}.${more}`;
  }

  rowOf({ scenario, figures }, slowest) {
    const { title, type, place } = scenario;
    const trouble = troubleOf(scenario).join(", ");
    const bar = element("span", { class: "bar" });
    bar.style.width = `${(100 * figures.mean) / slowest}%`;
    const cells = [
      element("span", { class: "pick-name" }, element("b", { text: title }), element("span", { class: "muted", text: type })),
      element("span", { class: "pick-trouble", text: trouble }),
      element("span", { text: figures.count ? formatMs(figures.mean) : "–" }),
      element("span", { text: figures.factor ? `${figures.factor.toFixed(2)}×` : "" }),
      element("span", { class: "muted", text: counted(figures.count, "step") }),
      element("span", { class: "track" }, bar),
    ];
    const pick = () => {
      this.dialog.close();
      this.app.pickScenarios([place]);
    };
    return element("li", {}, element("button", { type: "button", class: "pick-row", tabindex: "-1", onclick: pick }, ...cells));
  }

  // Arrow keys go from row to row, Enter in the field picks the first.
  key(event) {
    const buttons = Array.from(this.list.querySelectorAll("button"));
    const at = buttons.indexOf(document.activeElement);
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 10, PageUp: at - 10 };
    if (event.key === "Enter" && document.activeElement === this.field) buttons[0]?.click();
    else if (event.key in moves) {
      const to = Math.min(moves[event.key], buttons.length - 1);
      (to < 0 ? this.field : buttons[to]).focus();
    } else return;
    event.preventDefault();
  }
}

function searchedText(scenario) {
  const { number, name, type, planner, log, outcome } = scenario;
  return [number, name, type, planner, log, outcome, ...troubleOf(scenario)].join("\n").toLowerCase();
}
