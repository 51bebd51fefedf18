// Two sides in one page: a frame's costs on both, per step (or per run), and what is different.
// diffpage.py writes this, and says what the columns are. The page of a trace is drawn by the same code: the
// spans of the trace are the frames here, and their times those of the side that gives the widths.

const [BASE, NEW] = [0, 1];

class Difference {
  constructor(data, columns, trace) {
    Object.assign(this, { trace, unit: data.unit, units: data.units, words: data.words, names: data.names, runs: data.runs, steps: data.steps });
    this.scatters = new Map(data.scatters.map(([inSteps, component, least, most]) => [`${inSteps} ${component}`, { least, most }]));
    this.side = NEW;
    this.inSteps = this.unit === "step"; // whether only the steps are drawn
    const per = (column, side) => column.map((sum) => sum / data.units[side]);
    this.spans = [columns.base_spans, columns.new_spans];
    this.calls = [per(columns.base_calls, BASE), per(columns.new_calls, NEW)];
    this.self = [per(columns.base_self, BASE), per(columns.new_self, NEW)];
    this.total = this.self.map((self) => this.totals(self));
    this.least = [columns.base_least, columns.new_least];
    this.most = [columns.base_most, columns.new_most];
    this.region = columns.region;
    this.moved = columns.moved.map((ahead, node) => (ahead ? node + ahead : -1));
    this.change = Float64Array.from(this.region, (_, node) => this.changeOf(node));
    this.apply();
  }

  totals(self) {
    const total = self.slice();
    const { parent } = this.trace;
    for (let node = total.length - 1; node >= 0; node--) if (parent[node] >= 0) total[parent[node]] += total[node];
    return total;
  }

  // "new", "vanished", "moved" or "": what else than its time is different.
  markOf(node) {
    if (this.moved[node] >= 0) return "moved";
    if (!this.spans[BASE][node]) return "new";
    return this.spans[NEW][node] ? "" : "vanished";
  }

  // Where the frame is on a side: what moved is compared with what it was.
  onSide(node, side) {
    return this.spans[side][node] || this.moved[node] < 0 ? node : this.moved[node];
  }

  selfOf(node, side) {
    return this.self[side][this.onSide(node, side)];
  }

  // The least and the most self time of the runs of a side; null for a single run.
  rangeOf(node, side) {
    const there = this.onSide(node, side);
    return this.runs[side] > 1 ? [this.least[side][there], this.most[side][there]] : null;
  }

  // The same of a component's self time, or of the whole, which has no name.
  rangeOfPart(component, side) {
    const scatter = this.scatters.get(`${Number(this.inSteps)} ${component}`);
    return this.runs[side] > 1 && scatter ? [scatter.least[side], scatter.most[side]] : null;
  }

  // Whether the runs scatter so much that those of one side reach those of the other.
  overlap(node) {
    return rangesOverlap(this.rangeOf(node, BASE), this.rangeOf(node, NEW));
  }

  partsOverlap(component) {
    return rangesOverlap(this.rangeOfPart(component, BASE), this.rangeOfPart(component, NEW));
  }

  changeOf(node) {
    return this.selfOf(node, NEW) - this.selfOf(node, BASE);
  }

  drawn(node) {
    return !this.inSteps || this.region[node] !== OUTSIDE;
  }

  isTop(node) {
    const above = this.trace.parent[node];
    return above < 0 || !this.drawn(above);
  }

  // The mean time of a step, or of a run, on a side.
  whole(side) {
    let sum = 0;
    for (let node = 0; node < this.trace.n; node++) {
      if (this.trace.thread[node] === 0 && this.drawn(node) && this.isTop(node)) sum += this.total[side][node];
    }
    return sum;
  }

  show(side, inSteps) {
    this.side = side;
    this.inSteps = inSteps && this.unit === "step";
    this.apply();
  }

  apply() {
    this.trace.busy = this.total[this.side];
    this.trace.self = this.self[this.side];
    // Changes are measured against the longer of the two wholes, so that both ends of the scale are in use.
    this.scale = Math.max(this.whole(BASE), this.whole(NEW)) || 1;
  }

  // -3 to 3: how much less or more self time; 0 if the change is small beside a step, or beside itself.
  level(change, most) {
    const share = Math.abs(change) / this.scale;
    if (Math.abs(change) < LEAST_OF_ITSELF * most) return 0;
    return Math.sign(change) * LEVELS.filter((level) => share >= level).length;
  }

  levelOf(node) {
    if (this.overlap(node)) return 0;
    return this.level(this.change[node], Math.max(this.selfOf(node, BASE), this.selfOf(node, NEW)));
  }

  // What the page needs of the frames that are drawn, as summarize() has it of spans.
  summary() {
    const { trace } = this;
    const drawn = Array.from(trace.frame.keys()).filter((node) => this.drawn(node));
    const components = new Costs(trace.components.length);
    for (const node of drawn) components.self[trace.frames[trace.frame[node]].component] += trace.self[node];
    return { selection: null, ranges: rangesOf(drawn), components, all: this.whole(this.side), spans: trace.n, steps: 0, stepSpans: [] };
  }

  // Frames lie in the same order on both sides; those that a side does not have are not there.
  scene() {
    const { trace, side } = this;
    const total = this.total[side];
    const nodeOf = new Int32Array(trace.n).fill(-1);
    const of = [];
    for (let node = 0; node < trace.n; node++) {
      if (!this.drawn(node) || !total[node]) continue;
      nodeOf[node] = of.length;
      of.push(node);
    }
    const parent = Int32Array.from(of, (node) => (this.isTop(node) ? -1 : nodeOf[trace.parent[node]]));
    const [left, right, free] = [0, 1, 2].map(() => new Float64Array(of.length));
    const lanes = of.map((node) => trace.thread[node]);
    const laneFree = [0, 0];
    const depth = [];
    of.forEach((node, item) => {
      const above = parent[item];
      depth.push(above < 0 ? 0 : depth[above] + 1);
      left[item] = free[item] = above < 0 ? laneFree[lanes[item]] : free[above];
      right[item] = left[item] + total[node];
      if (above < 0) laneFree[lanes[item]] = right[item];
      else free[above] = right[item];
    });
    const scene = new Scene("merged", of.length, left, right, Int32Array.from(of, (node) => trace.frame[node]), parent);
    // One lane needs no name.
    scene.arrange(lanes.includes(1) ? trace.threads : ["", ""], lanes, depth);
    return Object.assign(scene, { nodeOf, nodes: { of }, total: Float64Array.from(of, (node) => total[node]) });
  }

  // The frames that are drawn on either side, the largest change first.
  ranked(mark = null) {
    const nodes = [];
    for (let node = 0; node < this.trace.n; node++) {
      if (!this.drawn(node)) continue;
      const own = this.markOf(node);
      if (mark ? own !== mark : !this.levelOf(node)) continue;
      // Of what moved, one end stands for both.
      if (own === "moved" && !this.spans[NEW][node] && this.drawn(this.moved[node])) continue;
      nodes.push(node);
    }
    const weight = (node) => Math.max(Math.abs(this.change[node]), mark ? this.total[BASE][node] : 0, mark ? this.total[NEW][node] : 0);
    return nodes.sort((a, b) => weight(b) - weight(a) || a - b);
  }

  // The frames right below that only the other side has.
  hiddenBelow(node) {
    const { trace, side } = this;
    let [count, time] = [0, 0];
    for (let child = node + 1; child < trace.subtreeEnd[node]; child = trace.subtreeEnd[child]) {
      if (this.spans[side][child]) continue;
      count++;
      time += this.total[1 - side][child];
    }
    return { count, time };
  }

  // The frame's item in a scene; of one that is not there, where it moved to or the nearest caller; or -1.
  itemNear(node, { nodeOf }) {
    if (this.moved[node] >= 0 && nodeOf[node] < 0) node = this.moved[node];
    while (node >= 0 && nodeOf[node] < 0) node = this.trace.parent[node];
    return node < 0 ? -1 : nodeOf[node];
  }

  // Names of the callers and the frame, the outermost first.
  pathOf(node) {
    const path = [];
    for (let at = node; at >= 0; at = this.trace.parent[at]) if (this.drawn(at)) path.unshift(this.trace.frames[this.trace.frame[at]].name);
    return path;
  }

  // Whether something is outside the steps, too.
  hasParts() {
    return this.unit === "step" && this.region.includes(OUTSIDE);
  }

  // In one run, nothing has moved.
  seeksMoves() {
    return this.words[BASE] === "base";
  }

  nameOfAll() {
    return this.inSteps ? "a step" : this.unit === "step" ? "the run, per step" : "a run";
  }

  save(words) {
    if (this.side === BASE) words.set("side", "base");
    if (this.unit === "step" && !this.inSteps) words.set("part", "run");
  }
}

function rangesOverlap(base, now) {
  return base !== null && now !== null && base[0] <= now[1] && now[0] <= base[1];
}

// A change of this part of a step is on the next level of colour, and one of this part of a frame's own
// self time is on none.
const LEVELS = [0.005, 0.02, 0.05];
const LEAST_OF_ITSELF = 0.02;
