// The page's address holds what one sees, so that a link, a reload, and the browser's back and forward show it again.

// What it is made of. A part is { save(app, words), read(app, words) }; `words` is a URLSearchParams, and other files add
// parts. `read` only sets the app's state: the page is drawn when all parts are read. It meets anything, as links
// are typed, cut off and sent to pages of other runs. A part whose state changes nothing but where in the picture one
// is has `place` instead of `read`, which runs when the picture is drawn; `words` of these parts are in PLACE_WORDS.
const ADDRESS_PARTS = [
  {
    save({ trace, scene }, words) {
      if (trace.difference) trace.difference.save(words);
      else if (scene.kind !== "time") words.set("view", scene.kind);
    },
    read(app, words) {
      if (app.trace.difference) restoreSides(app, words);
      app.scene = { kind: VIEWS.includes(words.get("view")) ? words.get("view") : "time" };
    },
  },
  {
    save({ trace, samples }, words) {
      if (trace.inside && !samples) words.set("samples", "off");
    },
    read(app, words) {
      app.samples = app.trace.inside !== null && words.get("samples") !== "off";
    },
  },
  {
    save({ trace, selection }, words) {
      if (selection?.places) words.set("scenario", formatScenarios(trace, selection.places));
      if (selection?.iterations) words.set("steps", formatIterations(selection.iterations));
    },
    read(app, words) {
      const scenario = words.get("scenario") ?? "";
      const places = findScenarios(app.trace, scenario);
      const unknown = scenario && !places.length ? `This page has no scenario ${scenario.slice(0, 60)}.` : "";
      const { selection, problem } = readSelection(app.trace, places.length ? places : null, words.get("steps") ?? "");
      app.setSelection(selection);
      app.tellProblem(unknown || problem);
    },
  },
  {
    save({ search }, words) {
      if (search.query) words.set("q", search.query);
    },
    read(app, words) {
      const query = words.get("q") ?? "";
      if (query !== app.search.query) app.search.run(query);
      app.searchField.value = query;
    },
  },
  {
    save({ trace, highlight }, words) {
      if (highlight >= 0) words.set("component", trace.components[highlight].name);
    },
    read(app, words) {
      app.highlight = app.trace.components.findIndex(({ name }) => name === words.get("component"));
    },
  },
  {
    // Where the address says nothing of it, the theme stays as it is: going back is no wish for another one.
    save(_, words) {
      const { theme } = document.documentElement.dataset;
      if (theme) words.set("theme", theme);
    },
    read(app, words) {
      const theme = words.get("theme");
      if (!["dark", "light"].includes(theme)) return;
      document.documentElement.dataset.theme = theme;
      app.readTheme();
    },
  },
  {
    save(app, words) {
      if (app.look.focus >= 0) words.set("focus", textOfItem(app, app.look.focus));
    },
    place(app, words) {
      app.focusOn(itemOfText(app, words.get("focus") ?? ""), false);
    },
  },
  {
    // The range of times in sight, unless it is what the focus or the selection alone would show.
    save(app, words) {
      const { chart, look } = app;
      const text = formatRange(chart.goal);
      if (text !== formatRange(chart.clamped(...app.rangeOf(look.focus)))) words.set("zoom", text);
    },
    place(app, words) {
      const range = /^(\d{1,18}(?:\.\d)?):(\d{1,18}(?:\.\d)?)$/.exec(words.get("zoom") ?? "");
      if (range && Number(range[1]) < Number(range[2])) app.chart.moveTo(Number(range[1]), Number(range[2]), false);
    },
  },
  {
    // px above what is in sight.
    save({ chart }, words) {
      const above = Math.round(chart.scroller.scrollTop);
      if (above) words.set("scroll", above);
    },
    place({ chart, look }, words) {
      const above = /^\d{1,9}$/.exec(words.get("scroll") ?? "");
      if (above || look.focus < 0) chart.scroller.scrollTop = Number(above ?? 0);
    },
  },
];

const PLACE_WORDS = ["focus", "zoom", "scroll"];
const PAUSE_MS = 300; // Browsers refuse addresses that change a hundred times a second.

// ns; a tenth of one is more than anybody sees.
function formatRange({ from, to }) {
  return [from, to].map((edge) => Number(edge.toFixed(1))).join(":");
}

function addressOf(app) {
  const words = new URLSearchParams();
  for (const part of ADDRESS_PARTS) part.save(app, words);
  return `#${String(words).replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%3B", ";").replaceAll("%7E", "~")}`;
}

// What an address says besides where in the picture one is.
function withoutPlace(address) {
  const words = new URLSearchParams(address.slice(1));
  for (const word of PLACE_WORDS) words.delete(word);
  return String(words);
}

class Address {
  constructor(app) {
    this.app = app;
    this.text = null; // the address of what is shown, once something is
    this.reading = false;
    this.waiting = ""; // "push" or "replace": what has to be done after a pause
    addEventListener("hashchange", () => location.hash !== this.text && this.read());
    addEventListener("pagehide", () => this.flush());
  }

  // "push": something was done that the browser's back undoes. "replace": the newest entry of the history changes.
  changed(how) {
    if (how === "push") this.write("push");
    else this.soon("replace");
  }

  // The same when nothing has changed for a moment: while somebody zooms, pans, scrolls or types.
  soon(how) {
    if (this.reading) return;
    if (this.waiting !== "push") this.waiting = how;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), PAUSE_MS);
  }

  // Does several things as one: the browser's back undoes all of them.
  asOne(act) {
    const { reading } = this;
    this.reading = true;
    act();
    this.reading = reading;
    this.changed("push");
  }

  flush() {
    if (this.waiting) this.write(this.waiting);
  }

  write(how) {
    if (this.reading) return;
    clearTimeout(this.timer);
    this.waiting = "";
    const text = addressOf(this.app);
    if (text === this.text) return;
    this.text = text;
    try {
      if (how === "push") history.pushState(null, "", text);
      else history.replaceState(null, "", text);
    } catch {
      // In a notebook's iframe, the address cannot be changed.
    }
  }

  // Shows what the address says. Only if it is more than another place in the picture, all is drawn anew.
  read() {
    const { app } = this;
    const words = new URLSearchParams(location.hash.slice(1));
    clearTimeout(this.timer);
    this.waiting = "";
    this.reading = true;
    if (this.text === null || withoutPlace(location.hash) !== withoutPlace(this.text)) {
      for (const part of ADDRESS_PARTS) part.read?.(app, words);
      app.showSelection();
    }
    for (const part of ADDRESS_PARTS) part.place?.(app, words);
    this.reading = false;
    this.text = location.hash;
    this.write("replace");
  }
}
