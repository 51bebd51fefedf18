// What a sampler saw inside spans. Groups of spans have a tree of functions with samples; a span's self time
// is divided as the samples of its group are. pageinside.py writes this, and says what the columns are.

const SPAN = -1; // The caller of a group's outermost functions.
const SEVERAL = -1; // The function of a node that stands for several with few samples.
const Z_95 = 1.959963984540054;

// The interval of 95 % for a share, [low, high], as nutrace/intervals.py has it.
function wilson(hits, total) {
  const share = hits / total;
  const square = Z_95 * Z_95;
  const middle = share + square / (2 * total);
  const reach = Z_95 * Math.sqrt((share * (1 - share)) / total + square / (4 * total * total));
  const [low, high] = [middle - reach, middle + reach].map((end) => end / (1 + square / total));
  return [hits ? Math.max(0, low) : 0, hits < total ? Math.min(1, high) : 1];
}

class Inside {
  constructor(data, columns, trace) {
    this.trace = trace;
    this.origin = data.origin;
    this.fewest = data.fewest;
    this.functions = data.functions.map(([name, file, line]) => ({ name: trace.strings[name], file: trace.strings[file], line }));
    this.groupOf = new Int32Array(trace.n).fill(-1);
    summed(columns.group_at).forEach((span, k) => (this.groupOf[span] = columns.group[k]));
    this.groups = [];
    let node = 0;
    let row = 0;
    for (let number = 0; number < columns.group_own.length; number++) {
      const [nodes, rows] = [node + columns.group_nodes[number], row + columns.group_functions[number]];
      this.groups.push(this.readGroup(columns, columns.group_own[number], node, nodes, row, rows));
      [node, row] = [nodes, rows];
    }
    this.addFrames();
  }

  readGroup(columns, own, node, nodes, row, rows) {
    const above = columns.node_above.subarray(node, nodes);
    const count = columns.node_count.subarray(node, nodes);
    const parent = Array.from(above, (back, k) => (back ? k - back : SPAN));
    const below = Float64Array.from(count);
    for (let k = below.length - 1; k >= 0; k--) if (parent[k] !== SPAN) below[parent[k]] += below[k];
    const functions = [];
    for (let k = row; k < rows; k++) {
      functions.push({ function: columns.function[k], own: columns.function_own[k], total: columns.function_total[k] });
    }
    const samples = count.reduce((sum, number) => sum + number, own);
    const [what, joined] = [columns.node_function, columns.node_joined].map((column) => column.subarray(node, nodes));
    return { own, parent, function: what, count, joined, below, samples, functions, frames: new Map() };
  }

  // A frame for each function in the colour of each component that it was seen in.
  addFrames() {
    const { trace, groupOf } = this;
    const known = new Map();
    for (let span = 0; span < trace.n; span++) {
      const group = this.groups[groupOf[span]];
      const { component } = trace.frames[trace.frame[span]];
      if (!group || group.frames.has(component)) continue;
      group.frames.set(component, Array.from(group.function, (number, k) => {
        const key = `${number} ${number === SEVERAL ? group.joined[k] : ""} ${component}`;
        if (!known.has(key)) {
          known.set(key, trace.frames.length);
          const { name, file, line } = this.functions[number] ?? { name: this.nameOfSeveral(group.joined[k]), file: "", line: 0 };
          trace.frames.push({ name, component, function: "", file, line, sampled: true, several: number === SEVERAL });
        }
        return known.get(key);
      }));
    }
  }

  nameOfSeveral(count) {
    return `(${counted(count, "function")}, fewer than ${this.fewest} samples each)`;
  }

  // The part of a self time that is the span's own function's, and the part of each node; they add up to it.
  spread(group, self) {
    const upTo = (samples) => (samples === group.samples ? self : Math.floor(self * (samples / group.samples)));
    let seen = group.own;
    const own = upTo(seen);
    let given = own;
    const parts = Array.from(group.count, (count) => {
      seen += count;
      const part = upTo(seen) - given;
      given += part;
      return part;
    });
    return [own, parts];
  }

  // What self times given by group (Map) have in common: the time, its samples, and how many of one whole
  // would tell as much (effective_samples in nutrace/intervals.py).
  wholeOf(selfByGroup) {
    let [self, samples] = [0, 0];
    for (const [number, time] of selfByGroup) {
      self += time;
      samples += this.groups[number].samples;
    }
    let spread = 0;
    for (const [number, time] of selfByGroup) spread += (time / self) ** 2 / this.groups[number].samples;
    return { self, samples, effective: self ? 1 / spread : samples };
  }

  // The interval of a part of the whole's time, as shares of it.
  intervalOf(time, whole) {
    const hits = (time / (whole.self || 1)) * whole.effective;
    return wilson(hits, whole.effective);
  }

  // The functions that take most of self times given by group, times in ns.
  functionsIn(selfByGroup) {
    const rows = new Map();
    for (const [number, self] of selfByGroup) {
      const group = this.groups[number];
      for (const seen of group.functions) {
        const row = rows.get(seen.function) ?? { ...this.functions[seen.function], samples: 0, own: 0, total: 0 };
        rows.set(seen.function, row);
        row.samples += seen.total;
        row.own += (self * seen.own) / group.samples;
        row.total += (self * seen.total) / group.samples;
      }
    }
    return [...rows.values()].filter((row) => row.samples >= this.fewest).sort((a, b) => b.total - a.total || b.own - a.own);
  }
}

// Hangs the functions below the nodes of a merged scene, behind all nodes of spans.
// nodes.own is what remains of a node's self time; nodes.seen tells of a function's samples.
// A node that has fewer than ten of a group's samples, by its part of the self time, is not divided.
function hangInside(trace, nodes) {
  const { inside } = trace;
  nodes.own = nodes.self.slice();
  nodes.seen = [];
  const measured = nodes.frame.length;
  const all = new Float64Array(inside.groups.length);
  for (const groups of nodes.groups) for (const [number, self] of groups ?? []) all[number] += self;
  for (let node = 0; node < measured; node++) {
    const known = new Map();
    const whole = nodes.groups[node] && inside.wholeOf(nodes.groups[node]);
    for (const [number, self] of nodes.groups[node] ?? []) {
      const group = inside.groups[number];
      if (self * group.samples < inside.fewest * all[number]) continue;
      const [own, parts] = inside.spread(group, self);
      const frames = group.frames.get(trace.frames[nodes.frame[node]].component);
      nodes.own[node] -= self - own;
      const below = [];
      parts.forEach((part, k) => {
        const parent = group.parent[k] === SPAN ? node : below[group.parent[k]];
        // Of groups that meet in a node, equal functions are one bar; several with few samples stay apart.
        const key = `${parent} ${frames[k]} ${group.function[k] === SEVERAL ? number : ""}`;
        if (!known.has(key)) {
          known.set(key, nodes.frame.length);
          const fresh = { frame: frames[k], parent, depth: nodes.depth[parent] + 1, longest: nodes.longest[node] };
          for (const [name, value] of Object.entries({ self: 0, own: 0, calls: 0, yielded: 0, spans: 0, entered: 0, spent: 0, ...fresh })) nodes[name].push(value);
          nodes.seen[known.get(key)] = { inside: node, whole, samples: 0 };
        }
        const item = known.get(key);
        below.push(item);
        nodes.self[item] += part;
        nodes.own[item] += part;
        nodes.seen[item].samples += group.below[k];
      });
    }
  }
}

// Self times by kind, in which sampled functions have their parts of the spans' self times.
function selfWithInside(trace, summary) {
  const { inside } = trace;
  const self = summary.kinds.self.slice();
  const divided = new Map();
  for (const [from, to] of summary.ranges) {
    for (let span = from; span < to; span++) {
      const group = inside.groupOf[span];
      if (group < 0) continue;
      const key = trace.frame[span] * inside.groups.length + group;
      divided.set(key, (divided.get(key) ?? 0) + trace.self[span]);
    }
  }
  for (const [key, time] of divided) {
    const group = inside.groups[key % inside.groups.length];
    const frame = Math.floor(key / inside.groups.length);
    const [own, parts] = inside.spread(group, time);
    self[trace.kindOf[frame]] -= time - own;
    group.frames.get(trace.frames[frame].component).forEach((sampled, k) => (self[trace.kindOf[sampled]] += parts[k]));
  }
  return self;
}

// The time of matching functions that lie in no matching item, and how many items they are.
function measureInside(scene, matches) {
  const covered = new Uint8Array(scene.count);
  let [time, items] = [0, 0];
  for (let item = 0; item < scene.count; item++) {
    const above = scene.parent[item];
    const outer = above >= 0 && covered[above];
    covered[item] = outer || matches[item];
    if (!matches[item] || !scene.nodes.seen?.[item]) continue;
    items++;
    if (!outer) time += scene.total[item];
  }
  return { time, items };
}
