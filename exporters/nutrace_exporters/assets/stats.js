// Steps one by one, percentiles, and the search: its share of matches leaves out matches inside matches.

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

class Search {
  constructor(trace) {
    this.trace = trace;
    this.frameText = trace.frames.map((frame) =>
      [frame.name, trace.components[frame.component].name, frame.function, frame.file].join("\n").toLowerCase(),
    );
    this.stringText = null;
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
    this.stringText ??= trace.strings.map((text) => text.toLowerCase());
    // A bit for each word: all words must be in the frame or in the attributes.
    const bits = (text) => words.reduce((found, word, k) => found | (text.includes(word) ? 1 << k % 31 : 0), 0);
    const wanted = words.reduce((found, _, k) => found | (1 << k % 31), 0);
    const byFrame = Int32Array.from(this.frameText, bits);
    const byString = Int32Array.from(this.stringText, bits);
    const bySet = Int32Array.from(trace.sets, (set) => set.reduce((found, number) => found | byString[number], 0));
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
