// What is selected, by address: scenarios (all, or places in trace.scenarios) and in them iterations (all, or
// from A up to, not including, B), as nutrace's --scenario and --steps select. null stands for the whole run.

class Selection {
  constructor(trace, places, iterations) {
    Object.assign(this, { trace, places, iterations });
    this.steps = [];
    for (const position of stepsShown(trace, places)) {
      const { iteration } = trace.steps[position];
      if (!iterations || (iteration >= iterations[0] && iteration < iterations[1])) this.steps.push(position);
    }
    this.mask = new Uint8Array(trace.steps.length);
    for (const position of this.steps) this.mask[position] = 1;
    this.ranges = this.readRanges();
  }

  // Preorder ranges of the spans selected: those of steps, or of whole scenarios.
  readRanges() {
    const { trace, places, iterations } = this;
    const ranges = [];
    const add = (span) => ranges.push([span, trace.subtreeEnd[span]]);
    if (iterations) for (const position of this.steps) add(trace.steps[position].span);
    else for (const place of places) trace.scenarios[place].tops.forEach(add);
    ranges.sort((a, b) => a[0] - b[0]);
    let end = 0;
    return ranges.filter(([from, to]) => {
      const outermost = from >= end;
      if (outermost) end = to;
      return outermost;
    });
  }

  holds(span) {
    return holds(this.ranges, span);
  }

  // By lane, the sorted intervals of a scene in time order that are selected; they do not overlap.
  intervals(scene) {
    const { trace } = this;
    const lanes = trace.threads.map(() => []);
    for (const [from, to] of this.ranges) {
      for (let i = from; i < to; i++) {
        if (i === from || !trace.laneDepth[i]) lanes[trace.thread[i]].push([scene.left[i], scene.right[i]]);
      }
    }
    return lanes.map((intervals) => {
      intervals.sort((a, b) => a[0] - b[0]);
      const joined = [];
      for (const [left, right] of intervals) {
        const last = joined.at(-1);
        if (last && left <= last[1]) last[1] = Math.max(last[1], right);
        else joined.push([left, right]);
      }
      return joined;
    });
  }

  // The same of selections of the same.
  get key() {
    return `${this.places} ${this.iterations}`;
  }

  // For people: "scenario 5f3a, steps 5:10".
  get text() {
    const parts = [];
    const { places, iterations } = this;
    if (places) parts.push(scenariosTitle(this.trace, places));
    if (iterations) {
      const many = iterations[1] - iterations[0] > 1 ? "s" : "";
      const every = this.trace.scenarios.length > 1 && !places ? " of every scenario" : "";
      parts.push(`step${many} ${formatIterations(iterations)}${every}`);
    }
    return parts.join(", ");
  }
}

// Positions of the steps of scenarios (null: of all), scenario after scenario.
function stepsShown(trace, places) {
  return (places ?? Array.from(trace.scenarios.keys())).flatMap((place) => trace.scenarios[place].steps);
}

// The iterations of steps, sorted, each once.
function iterationsOf(trace, positions) {
  return Array.from(new Set(positions.map((position) => trace.steps[position].iteration))).sort((a, b) => a - b);
}
