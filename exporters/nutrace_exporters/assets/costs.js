// What components and kinds of spans cost in a selection, as nutrace report defines it: see regions.py,
// components.py and spans.py in nutrace/analysis. A test compares the two.

const OUTSIDE = 0;
const INSIDE = 1; // on the step's own thread, the step itself included
const BESIDE = 2; // started in a step, on another thread or as a concurrent task
const REGION_NAMES = ["outside the steps", "in the steps", "beside the steps, on other threads"];

class Costs {
  constructor(size) {
    for (const sum of ["calls", "total", "self", "yielded"]) this[sum] = new Float64Array(size);
  }
}

// Where a span runs, given where the span around it runs, and whether that is on its thread.
function regionOf(around, nested, isStep) {
  if (around !== OUTSIDE) return nested ? around : BESIDE;
  return isStep ? INSIDE : OUTSIDE;
}

// selection: null for the whole run.
// kinds: costs by kind; regions: costs by component in each region; components: their sums.
// steps: the finished steps' spans; all: the time of all lanes; perStep: by kind, 1 if all its spans lie in steps;
// selfOutside: by kind, self time outside the steps.
// entries: by span, 1 if its call and its time count for its kind, as no span of its name is around it.
function summarize(trace, selection) {
  if (trace.difference) return trace.difference.summary();
  const ranges = selection ? selection.ranges : [[0, trace.n]];
  const kinds = new Costs(trace.kinds.length);
  const regions = REGION_NAMES.map(() => new Costs(trace.components.length));
  const perStep = new Uint8Array(trace.kinds.length).fill(1);
  const selfOutside = new Float64Array(trace.kinds.length);
  const entries = new Uint8Array(trace.n);
  const isStep = new Set(trace.steps.map(({ span }) => span).filter((span) => !trace.unfinished.has(span)));
  const steps = [];
  let [all, spans] = [0, 0];
  // The ancestors of the current span. `until` has, by component and by name, the end of the outermost span.
  const open = [];
  const close = () => {
    const { outermost, component, inner, nested } = open.pop();
    // Outside the steps, a total leaves out the time of the steps.
    if (outermost) regions[OUTSIDE].total[component] -= inner;
    if (nested) open.at(-1).inner += inner;
  };
  for (const [from, to] of ranges) {
    spans += to - from;
    for (let i = from; i < to; i++) {
      while (open.length && open.at(-1).end <= i) close();
      const above = open.at(-1);
      const nested = i > from && trace.laneDepth[i] > 0;
      const around = above?.region ?? OUTSIDE;
      const region = regionOf(around, nested, isStep.has(i));
      // On another thread and in a step, recursion is counted anew.
      const begins = !nested || region !== around;
      const until = begins ? { components: new Map(), names: new Map() } : above.until;
      const frame = trace.frame[i];
      const kind = trace.kindOf[frame];
      const { component } = trace.frames[frame];
      const name = trace.nameIds[frame];
      const busy = trace.busy[i];
      const calls = trace.calls[i];
      const yielded = trace.yielded[i];
      const costs = regions[region];
      kinds.self[kind] += trace.self[i];
      kinds.yielded[kind] += yielded;
      costs.self[component] += trace.self[i];
      costs.yielded[component] += yielded;
      if (!(until.names.get(name) > i)) {
        until.names.set(name, trace.subtreeEnd[i]);
        entries[i] = 1;
        kinds.calls[kind] += calls;
        kinds.total[kind] += busy;
      }
      const outermost = !(until.components.get(component) > i);
      if (outermost) {
        until.components.set(component, trace.subtreeEnd[i]);
        costs.calls[component] += calls;
        costs.total[component] += busy;
      }
      if (!nested) all += busy;
      if (region === OUTSIDE) {
        perStep[kind] = 0;
        selfOutside[kind] += trace.self[i];
      }
      if (region === INSIDE && around !== INSIDE) {
        steps.push(i);
        if (nested) above.inner += busy;
      }
      if (trace.subtreeEnd[i] > i + 1) {
        const counts = outermost && region === OUTSIDE;
        open.push({ end: trace.subtreeEnd[i], region, until, outermost: counts, component, inner: 0, nested });
      }
    }
    while (open.length) close();
  }
  const components = new Costs(trace.components.length);
  for (const costs of regions) {
    for (const sum of Object.keys(components)) costs[sum].forEach((value, k) => (components[sum][k] += value));
  }
  return { selection, ranges, entries, kinds, regions, components, perStep, selfOutside, all, spans, steps: steps.length, stepSpans: steps };
}

// Mean and percentiles (nearest rank) of finished steps' times, and the real-time factor: the time of the steps
// whose interval is known, divided by the time that they simulate; 0 if that is unknown. `over` are the steps that took
// longer than they simulate, `interval` is the time that each of them simulates; 0 if they differ.
function stepFigures(trace, stepSpans) {
  const times = Float64Array.from(stepSpans, (span) => trace.busy[span]);
  let [spent, simulated, sum, over] = [0, 0, 0, 0];
  const intervals = new Set();
  stepSpans.forEach((span, k) => {
    sum += times[k];
    const { interval } = trace.steps[trace.stepOf(span)];
    if (!interval) return;
    spent += times[k];
    simulated += interval;
    over += times[k] > interval;
    intervals.add(interval);
  });
  const [p50, p95, max] = percentiles(times, 0.5, 0.95, 1);
  return {
    count: times.length,
    mean: times.length ? sum / times.length : 0,
    p50,
    p95,
    max,
    factor: simulated ? spent / simulated : 0,
    over,
    interval: intervals.size === 1 ? [...intervals][0] : 0,
  };
}
