// The search field: what matches in the view, its figures, and going from match to match, the widest first.

class Finder {
  constructor(app) {
    Object.assign(this, { app, search: app.search });
    this.field = document.getElementById("search");
    const on = (id, type, act) => document.getElementById(id).addEventListener(type, act);
    on("search", "input", () => app.searchFor(this.field.value));
    on("search", "keydown", (event) => event.key === "Enter" && app.nextMatch(event.shiftKey ? -1 : 1));
    on("match-previous", "click", () => app.nextMatch(-1));
    on("match-next", "click", () => app.nextMatch(1));
  }

  // Marks the items of the view's scene that match. In time order these are the spans; elsewhere, an item matches if
  // one of its spans does, or if it is a sampled function that does.
  mark() {
    const { app, search } = this;
    const { scene, trace, hiddenFrames } = app;
    this.order = null;
    this.rank = -1;
    this.itemMatches = null;
    if (!search.matches) return;
    if (scene.kind === "time") {
      this.itemMatches = search.matches;
      return;
    }
    this.itemMatches = new Uint8Array(scene.count);
    scene.nodeOf.forEach((node, span) => {
      if (node >= 0 && search.matches[span] && !hiddenFrames?.[trace.frame[span]]) this.itemMatches[node] = 1;
    });
    for (const item in scene.nodes.seen) this.itemMatches[item] = search.frameMatches[scene.frame[item]];
  }

  matching(item) {
    return this.itemMatches[item] === 1;
  }

  show() {
    const { app, search } = this;
    const { spans, time, share, hidden } = search.measure(app.summary, app.hiddenFrames);
    const inside = app.drawsSamples && this.itemMatches ? measureInside(app.scene, this.itemMatches) : { time: 0, items: 0 };
    const counts = [];
    const noun = app.trace.difference ? "frame" : "span";
    if (spans) counts.push(`${formatCount(spans)} ${noun}${spans === 1 ? "" : "s"}${hidden ? `, ${formatCount(hidden)} hidden` : ""}`);
    if (inside.items) counts.push(`sampled in ${formatCount(inside.items)} place${inside.items === 1 ? "" : "s"}`);
    const about = inside.time ? "about " : "";
    const all = share + inside.time / (app.summary.all || 1);
    const unclosed = /^\/[^/]*$/.test(search.query.trim()) ? "; end a pattern with /" : "";
    const text = counts.length
      ? `${about}${formatShare(all)} of the time · ${formatTime(time + inside.time)} · ${counts.join(", ")}`
      : `no match${unclosed}`;
    document.getElementById("matches").textContent = search.matches ? text : "";
    document.getElementById("search-problem").textContent = search.problem;
    this.field.setAttribute("aria-invalid", String(search.problem !== ""));
    document.getElementById("match-steps").hidden = !counts.length;
    this.showPlace();
  }

  showPlace() {
    const told = this.rank >= 0 ? `${formatCount(this.rank + 1)} of ${formatCount(this.order.count)}` : "";
    document.getElementById("match-place").textContent = told;
  }

  // To the next match: the first is the widest one, then come narrower ones.
  next(way) {
    const { app } = this;
    if (!this.itemMatches) return;
    this.order ??= this.ordered();
    const { count } = this.order;
    if (!count) return app.say("no match is drawn here");
    this.rank = this.rank < 0 && way < 0 ? count - 1 : (this.rank + way + count) % count;
    this.showPlace();
    app.focusOn(this.order.item(this.rank));
  }

  ordered() {
    const { scene, summary } = this.app;
    const ranges = scene.kind === "time" ? summary.ranges : [[0, scene.count]];
    const drawn = (item) => this.matching(item) && scene.row[item] >= 0;
    return new MatchOrder(ranges, drawn, (item) => scene.right[item] - scene.left[item]);
  }
}
