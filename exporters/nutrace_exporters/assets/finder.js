// The search field: what matches in the view, its figures, and going from match to match, the widest first.

class Finder {
  constructor(app) {
    Object.assign(this, { app, search: app.search });
    this.field = document.getElementById("search");
    const on = (id, type, act) => document.getElementById(id).addEventListener(type, act);
    on("search", "input", () => app.searchFor(this.field.value, true));
    on("search", "keydown", (event) => event.key === "Enter" && app.nextMatch(event.shiftKey ? -1 : 1));
    on("match-previous", "click", () => app.nextMatch(-1));
    on("match-next", "click", () => app.nextMatch(1));
  }

  // Marks the items of the view's scene that match. In time order these are the spans. Elsewhere, nodes of the merged
  // scene match if one of their spans does, or if they are sampled functions that do, and what is made of them if one of
  // them does.
  mark() {
    const { app, search } = this;
    const { scene, trace, hiddenFrames } = app;
    this.order = null;
    this.rank = -1;
    this.itemMatches = this.mergedMatches = null;
    if (!search.matches) return;
    if (scene.kind === "time") {
      this.itemMatches = search.matches;
      return;
    }
    const merged = scene.merged ?? scene;
    const nodes = (this.mergedMatches = new Uint8Array(merged.count));
    merged.nodeOf.forEach((node, span) => {
      if (node >= 0 && search.matches[span] && !hiddenFrames?.[trace.frame[span]]) nodes[node] = 1;
    });
    for (const item in merged.nodes.seen) nodes[item] = search.frameMatches[merged.frame[item]];
    this.itemMatches = scene.matching?.(nodes) ?? nodes;
  }

  matching(item) {
    return !this.itemMatches || this.itemMatches[item] === 1;
  }

  show() {
    const { app, search } = this;
    const { spans, time, share, hidden } = search.measure(app.summary, app.hiddenFrames);
    const inside = app.drawsSamples && this.mergedMatches ? measureInside(app.scene.merged ?? app.scene, this.mergedMatches) : { time: 0, items: 0 };
    const counts = [];
    const noun = app.trace.difference ? "frame" : "span";
    if (spans) counts.push(`${counted(spans, noun)}${hidden ? `, ${formatCount(hidden)} hidden` : ""}`);
    if (inside.items) counts.push(`sampled in ${counted(inside.items, "place")}`);
    const about = inside.time ? "about " : "";
    const all = share + inside.time / (app.summary.all || 1);
    const unclosed = /^\/[^/]*$/.test(search.query.trim()) ? "; end a pattern with /" : "";
    const sum = time + inside.time;
    const text = counts.length
      ? `${about}${formatShare(all)} of the time · ${app.unit === "%" ? formatTime(sum) : app.timeText(sum)} · ${counts.join(", ")}`
      : `no match${unclosed}`;
    document.getElementById("matches").textContent = search.matches ? text : "";
    document.getElementById("search-problem").textContent = search.problem;
    this.field.setAttribute("aria-invalid", String(search.problem !== ""));
    this.some = counts.length > 0;
    this.showPlace();
  }

  // "3 of 17", and the buttons beside it, if there is something to go to.
  showPlace() {
    document.getElementById("match-steps").hidden = !this.some && !this.app.picks();
    const told = this.rank >= 0 ? `${formatCount(this.rank + 1)} of ${formatCount(this.order.count)}` : "";
    document.getElementById("match-place").textContent = told;
  }

  // To the next match: the first is the widest one, then come narrower ones. Without a search, to the next item of
  // the kind that is picked.
  next(way) {
    const { app } = this;
    if (!this.itemMatches && !app.picks()) return undefined;
    app.address.flush(); // what was typed is one thing done, and going to a match the next
    if (this.order?.kind !== app.kind) this.restart();
    this.order ??= this.ordered();
    const { count } = this.order;
    if (!count) return app.say("no match is drawn here");
    this.rank = this.rank < 0 && way < 0 ? count - 1 : (this.rank + way + count) % count;
    this.showPlace();
    return app.focusOn(this.order.item(this.rank));
  }

  restart() {
    this.order = null;
    this.rank = -1;
    this.showPlace();
  }

  ordered() {
    const { app } = this;
    const { scene, summary, kind } = app;
    const ranges = scene.kind === "time" ? summary.ranges : [[0, scene.count]];
    const drawn = (item) => app.matching(item) && scene.row[item] >= 0;
    return Object.assign(new MatchOrder(ranges, drawn, (item) => scene.right[item] - scene.left[item]), { kind });
  }
}
