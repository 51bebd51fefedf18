// Steps one by one, and percentiles.

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

// By nearest rank, as in nutrace report: each is one of the values; 0 without values.
function percentiles(values, ...parts) {
  const sorted = Float64Array.from(values).sort();
  return parts.map((part) => sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0);
}

function percentile(values, part) {
  return percentiles(values, part)[0];
}
