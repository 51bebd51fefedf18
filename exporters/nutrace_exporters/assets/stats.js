// Sums over a selection. Nothing is counted twice: a total leaves out spans inside a span of the
// same frame (recursion) or component, and a share of matches leaves out matches inside matches.

// Preorder ranges of spans: whole trace, or the subtrees of steps first..last (exclusive).
function rangesOf(trace, selection) {
  if (!selection) return [[0, trace.n]];
  return trace.steps
    .slice(selection[0], selection[1])
    .map(({ span }) => [span, trace.subtreeEnd[span]])
    .sort((a, b) => a[0] - b[0]);
}

class Sums {
  constructor(size) {
    this.calls = new Float64Array(size);
    this.total = new Float64Array(size);
    this.self = new Float64Array(size);
    this.yielded = new Float64Array(size);
    this.outermost = new Int32Array(size).fill(-1);
  }

  add(key, span, trace, calls, yielded) {
    this.calls[key] += calls;
    this.self[key] += trace.self[span];
    this.yielded[key] += yielded;
    const outer = this.outermost[key];
    const inside = outer >= 0 && span < trace.subtreeEnd[outer] && trace.laneHead[outer] === trace.laneHead[span];
    if (inside) return;
    this.outermost[key] = span;
    this.total[key] += trace.busy[span];
  }
}

function summarize(trace, selection) {
  if (trace.difference) return trace.difference.summary();
  const ranges = rangesOf(trace, selection);
  const frames = new Sums(trace.frames.length);
  const components = new Sums(trace.components.length);
  // Frames with spans outside the steps: a figure per step would be wrong for them.
  const outsideSteps = new Uint8Array(trace.frames.length);
  const stepEnds = new Map(trace.steps.map(({ span }) => [span, trace.subtreeEnd[span]]));
  let inStepUntil = 0;
  let all = 0;
  let spans = 0;
  for (const [from, to] of ranges) {
    spans += to - from;
    for (let i = from; i < to; i++) {
      const frame = trace.frame[i];
      const calls = trace.callsOf(i);
      const yielded = trace.yielded.get(i) ?? 0;
      if (i >= inStepUntil) inStepUntil = stepEnds.get(i) ?? 0;
      if (i >= inStepUntil) outsideSteps[frame] = 1;
      frames.add(frame, i, trace, calls, yielded);
      components.add(trace.frames[frame].component, i, trace, calls, yielded);
      if (i === from || trace.laneDepth[i] === 0) all += trace.busy[i];
    }
  }
  const steps = selection ? selection[1] - selection[0] : trace.steps.length;
  return { selection, ranges, frames, components, outsideSteps, all, spans, steps };
}

// Each step's time, and the self times of components on the step's own thread, which add up to it.
function stepTable(trace) {
  const width = trace.components.length;
  const parts = new Float64Array(trace.steps.length * width);
  const times = new Float64Array(trace.steps.length);
  trace.steps.forEach(({ span }, step) => {
    times[step] = trace.busy[span];
    const head = trace.laneHead[span];
    for (let i = span; i < trace.subtreeEnd[span]; i++) {
      if (trace.laneHead[i] !== head) continue;
      parts[step * width + trace.frames[trace.frame[i]].component] += trace.self[i];
    }
  });
  return { times, parts, width };
}

// By nearest rank, as in nutrace report: always one of the values.
function percentile(values, q) {
  if (!values.length) return 0;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)];
}

// The time of the finished steps divided by the time that they simulate; 0 if that is unknown.
function realTimeFactor(trace, times, first = 0, last = trace.steps.length) {
  let spent = 0;
  let simulated = 0;
  for (let step = first; step < last; step++) {
    if (!trace.steps[step].interval || trace.unfinished.has(trace.steps[step].span)) continue;
    spent += times[step];
    simulated += trace.steps[step].interval;
  }
  return simulated ? spent / simulated : 0;
}

class Search {
  constructor(trace) {
    this.trace = trace;
    this.frameText = trace.frames.map((frame) =>
      [frame.name, trace.components[frame.component].name, frame.function, frame.file].join("\n").toLowerCase(),
    );
    this.setText = null;
    this.query = "";
    this.matches = null;
  }

  // Marks the spans whose name, component, function, file or attributes hold the words.
  run(query) {
    const { trace } = this;
    this.query = query;
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) {
      this.matches = null;
      return;
    }
    this.setText ??= trace.sets.map((set) => set.map((number) => trace.strings[number]).join("\n").toLowerCase());
    // A bit for each word: all words must be in the frame or in the attributes.
    const bits = (text) => words.reduce((found, word, k) => found | (text.includes(word) ? 1 << k % 31 : 0), 0);
    const wanted = words.reduce((found, _, k) => found | (1 << k % 31), 0);
    const byFrame = Int32Array.from(this.frameText, bits);
    const bySet = Int32Array.from(this.setText, bits);
    this.frameMatches = Uint8Array.from(byFrame, (found) => (found === wanted ? 1 : 0));
    this.matches = new Uint8Array(trace.n);
    for (let i = 0; i < trace.n; i++) {
      this.matches[i] = (byFrame[trace.frame[i]] | bySet[trace.set[i]]) === wanted ? 1 : 0;
    }
  }

  // The number of spans that match in the selection, and their time, in which nothing is counted twice.
  measure(summary) {
    const { trace, matches } = this;
    let spans = 0;
    let time = 0;
    if (!matches) return { spans, time, share: 0 };
    for (const [from, to] of summary.ranges) {
      const covered = new Map();
      for (let i = from; i < to; i++) {
        const head = trace.laneHead[i];
        const until = covered.get(head) ?? 0;
        if (!matches[i]) continue;
        spans++;
        if (i < until) continue;
        time += trace.busy[i];
        covered.set(head, trace.subtreeEnd[i]);
      }
    }
    return { spans, time, share: summary.all ? time / summary.all : 0 };
  }
}
