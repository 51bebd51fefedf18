// The trace as columns: typed arrays indexed by the span's number, in preorder
// (a span's subtree is the numbers from itself up to subtreeEnd). Times are ns.

async function readTrace() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const packed = document.getElementById("columns").textContent.trim();
  const columns = unpack(data.columns, await inflate(packed));
  return new Trace(data, columns);
}

async function inflate(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Columns come as byte planes, lowest bytes first; see columns.py, which writes them.
function unpack(descriptions, bytes) {
  const columns = {};
  let at = 0;
  for (const { name, length, planes, base } of descriptions) {
    const column = new Float64Array(length).fill(base);
    let weight = 1;
    for (let plane = 0; plane < planes; plane++, weight *= 256) {
      for (let i = 0; i < length; i++) column[i] += bytes[at + i] * weight;
      at += length;
    }
    columns[name] = column;
  }
  return columns;
}

function summed(deltas) {
  let sum = 0;
  return deltas.map((delta) => (sum += delta));
}

class Trace {
  constructor(data, columns) {
    this.run = data.run;
    this.n = data.spans;
    this.components = data.components;
    this.threads = data.threads;
    this.strings = data.strings;
    this.sets = data.sets;
    this.frames = data.frames.map(([name, component, fn, file, line]) => ({
      name: data.strings[name],
      component,
      function: data.strings[fn],
      file: data.strings[file],
      line,
    }));
    this.left = summed(columns.left);
    this.busy = columns.busy;
    this.frame = Int32Array.from(columns.frame);
    this.thread = Int32Array.from(columns.thread);
    this.set = Int32Array.from(columns.set);
    this.readTree(columns.rise);
    this.readSelf();
    this.wall = this.spread(columns, "wall", -1); // where it is not the time that the span took
    this.own = this.spread(columns, "own", 0); // nutrace's own time that was taken out of the self time
    this.calls = this.spread(columns, "calls", 1);
    this.yielded = this.spread(columns, "yielded", 0);
    this.extremes = new Map();
    this.percentiles = new Map(); // p50 and p95 of merged calls; zeros if only their mean is known
    summed(columns.calls_at).forEach((span, k) => {
      this.extremes.set(span, [columns.min[k], columns.max[k]]);
      this.percentiles.set(span, [columns.p50[k], columns.p95[k]]);
    });
    this.unfinished = new Set(summed(columns.unfinished));
    this.error = new Set(summed(columns.error));
    this.readSteps(columns, data.intervals);
    this.scenarios = readScenarios(this, data.scenarios, columns);
    this.inside = data.inside ? new Inside(data.inside, columns, this) : null;
    this.readKinds();
    this.memory = data.memory ?? {};
    this.difference = data.difference ? new Difference(data.difference, columns, this) : null;
  }

  // parent, subtreeEnd, and by lane (a thread's own stack): laneDepth, and the outermost span.
  readTree(rise) {
    const n = this.n;
    this.parent = new Int32Array(n);
    this.subtreeEnd = new Int32Array(n);
    this.laneDepth = new Int32Array(n);
    this.laneHead = new Int32Array(n);
    const path = [];
    let depth = 0;
    for (let i = 0; i < n; i++) {
      depth += 1 - rise[i];
      while (path.length > depth) this.subtreeEnd[path.pop()] = i;
      const parent = depth ? path[depth - 1] : -1;
      this.parent[i] = parent;
      const nested = parent >= 0 && this.thread[parent] === this.thread[i];
      this.laneDepth[i] = nested ? this.laneDepth[parent] + 1 : 0;
      this.laneHead[i] = nested ? this.laneHead[parent] : i;
      path.push(i);
    }
    for (const i of path) this.subtreeEnd[i] = n;
  }

  readSelf() {
    this.self = this.busy.slice();
    for (let i = 0; i < this.n; i++) {
      if (this.laneDepth[i]) this.self[this.parent[i]] -= this.busy[i];
    }
    for (let i = 0; i < this.n; i++) if (this.self[i] < 0) this.self[i] = 0;
  }

  // Steps in the order of the tree: their span, the place of their scenario, iteration, and simulated ns.
  readSteps(columns, intervals) {
    this.steps = Array.from(summed(columns.step_at), (span, k) => ({
      span,
      scenario: columns.step_scenario[k],
      iteration: columns.step_iteration[k],
      interval: intervals[columns.step_interval[k]] * 1e9,
    }));
  }

  // Spans of one name and component are of one kind, wherever their functions are. Of sampled functions, each
  // is a kind of its own. Names have numbers, too.
  readKinds() {
    const known = new Map();
    const names = new Map();
    this.nameIds = Int32Array.from(this.frames, ({ name }) => {
      if (!names.has(name)) names.set(name, names.size);
      return names.get(name);
    });
    this.kinds = [];
    this.kindOf = Int32Array.from(this.frames, (frame, number) => {
      const { name, component, sampled } = frame;
      const key = sampled ? `${number}` : `${component} ${name}`;
      const kind = known.get(key) ?? this.kinds.length;
      if (kind === this.kinds.length) {
        known.set(key, kind);
        this.kinds.push(frame);
      }
      return kind;
    });
  }

  // A number for each span, from a column that has those which differ from `usual`.
  spread(columns, name, usual) {
    const numbers = new Float64Array(this.n).fill(usual);
    summed(columns[`${name}_at`]).forEach((span, k) => (numbers[span] = columns[name][k]));
    return numbers;
  }

  attributesOf(span) {
    const pairs = [];
    const set = this.sets[this.set[span]];
    for (let k = 0; k < set.length; k += 2) pairs.push([this.strings[set[k]], this.strings[set[k + 1]]]);
    return pairs;
  }

  // Position in `steps` of the step that holds the span, or -1.
  stepOf(span) {
    let low = 0;
    let high = this.steps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.steps[middle].span <= span) low = middle + 1;
      else high = middle;
    }
    const step = low - 1;
    return step >= 0 && span < this.subtreeEnd[this.steps[step].span] ? step : -1;
  }

  nameOf(span) {
    const { name } = this.frames[this.frame[span]];
    const step = this.stepOf(span);
    return step >= 0 && this.steps[step].span === span ? `${name} ${this.steps[step].iteration}` : name;
  }

  // "step 5", with its scenario if the page has several.
  stepText(position) {
    const { scenario, iteration } = this.steps[position];
    return `step ${iteration}${this.scenarios.length > 1 ? ` of ${this.scenarios[scenario].title}` : ""}`;
  }
}
