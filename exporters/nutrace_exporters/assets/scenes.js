// A scene is what the chart draws: items with left and right edges (ns) in rows, rows in lanes.
// The items of a row are sorted and do not overlap, so that the chart can search them.

class Scene {
  constructor(kind, count, left, right, frame, parent) {
    Object.assign(this, { kind, count, left, right, frame, parent });
    this.end = 0;
    for (let i = 0; i < count; i++) if (right[i] > this.end) this.end = right[i];
  }

  // laneOf and depth of each item give its row; rows are stored one after the other. An upward lane has its
  // outermost items in its lowest row. Items that are not `shown` (null: all are) have the row -1.
  arrange(names, laneOf, depth, upward = [], shown = null) {
    const { count, left } = this;
    Object.assign(this, { laneOf, upward });
    const heights = new Int32Array(names.length);
    for (let i = 0; i < count; i++) if (!shown || shown[i]) heights[laneOf[i]] = Math.max(heights[laneOf[i]], depth[i] + 1);
    this.allLanes = [];
    const base = new Int32Array(names.length);
    this.rowCount = 0;
    names.forEach((name, lane) => {
      base[lane] = this.rowCount;
      if (heights[lane]) this.allLanes.push({ name, number: lane, base: this.rowCount, rows: heights[lane] });
      this.rowCount += heights[lane];
    });
    this.lanes = this.allLanes; // those that are shown
    this.row = new Int32Array(count).fill(-1);
    this.rowStart = new Int32Array(this.rowCount + 1);
    for (let i = 0; i < count; i++) {
      if (shown && !shown[i]) continue;
      const lane = laneOf[i];
      this.row[i] = base[lane] + (upward[lane] ? heights[lane] - 1 - depth[i] : depth[i]);
      this.rowStart[this.row[i] + 1]++;
    }
    for (let row = 0; row < this.rowCount; row++) this.rowStart[row + 1] += this.rowStart[row];
    this.rowItems = new Int32Array(this.rowStart[this.rowCount]);
    const next = this.rowStart.slice();
    for (let i = 0; i < count; i++) if (this.row[i] >= 0) this.rowItems[next[this.row[i]]++] = i;
    for (let row = 0; row < this.rowCount; row++) {
      const items = this.rowItems.subarray(this.rowStart[row], this.rowStart[row + 1]);
      if (items.some((item, k) => k && left[item] < left[items[k - 1]])) items.sort((a, b) => left[a] - left[b]);
    }
    this.sumWidths();
  }

  // Lanes come in the order of these numbers.
  orderLanes(numbers) {
    this.laneOrder = numbers;
    this.allLanes.sort((a, b) => numbers.indexOf(a.number) - numbers.indexOf(b.number));
  }

  // Running sum of widths in row order, to find by one subtraction how much of a pixel is covered.
  sumWidths() {
    this.widthBefore = new Float64Array(this.rowItems.length + 1);
    for (let k = 0; k < this.rowItems.length; k++) {
      const item = this.rowItems[k];
      this.widthBefore[k + 1] = this.widthBefore[k] + this.right[item] - this.left[item];
    }
  }

  // Position in rowItems, from `low` up to the row's end, of the first item that ends after x.
  firstAfter(x, low, high) {
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.right[this.rowItems[middle]] <= x) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // The item at x in a row, or the one nearest to it within `reach`, or -1.
  at(row, x, reach) {
    if (row < 0 || row >= this.rowCount) return -1;
    const high = this.rowStart[row + 1];
    const k = this.firstAfter(x, this.rowStart[row], high);
    let best = -1;
    let distance = Infinity;
    for (const near of [k, k - 1]) {
      if (near < this.rowStart[row] || near >= high) continue;
      const item = this.rowItems[near];
      const away = Math.max(this.left[item] - x, x - this.right[item], 0);
      if (away <= reach && away < distance) {
        best = item;
        distance = away;
      }
    }
    return best;
  }

  isUpward(item) {
    return this.upward[this.laneOf[item]] === true;
  }

  childrenOf(item) {
    const row = item < 0 ? -1 : this.row[item] + (this.isUpward(item) ? -1 : 1);
    if (row < 0 || row >= this.rowCount) return [];
    const found = [];
    const high = this.rowStart[row + 1];
    for (let k = this.firstAfter(this.left[item], this.rowStart[row], high); k < high; k++) {
      const child = this.rowItems[k];
      if (this.left[child] >= this.right[item]) break;
      if (this.parent[child] === item) found.push(child);
    }
    return found;
  }

  neighbour(item, way) {
    const row = this.row[item];
    for (let k = this.rowStart[row]; k < this.rowStart[row + 1]; k++) {
      if (this.rowItems[k] !== item) continue;
      const other = k + way;
      return other >= this.rowStart[row] && other < this.rowStart[row + 1] ? this.rowItems[other] : item;
    }
    return item;
  }
}

function threadsIn(trace, ranges) {
  const seen = new Uint8Array(trace.threads.length);
  for (const [from, to] of ranges) for (let i = from; i < to; i++) seen[trace.thread[i]] = 1;
  return seen.reduce((sum, one) => sum + one, 0);
}

function timeScene(trace) {
  const right = trace.left.map((left, i) => left + trace.busy[i]);
  const parent = trace.parent.map((above, i) => (trace.laneDepth[i] ? above : -1));
  const scene = new Scene("time", trace.n, trace.left, right, trace.frame, parent);
  scene.arrange(trace.threads, trace.thread, trace.laneDepth);
  scene.orderLanes(busiestLanes(scene));
  return scene;
}

// The numbers of lanes: first that of the first span, whose thread drives the others, then the busiest.
function busiestLanes(scene) {
  const lanes = scene.allLanes.map((lane) => ({ ...lane, began: edgesOfLane(scene, lane)[0], time: timeOfLane(scene, lane) }));
  const first = lanes.reduce((one, lane) => (one && one.began <= lane.began ? one : lane), null);
  lanes.sort((a, b) => (b === first) - (a === first) || b.time - a.time);
  return lanes.map(({ number }) => number);
}

// Merges equal stacks of the selection into nodes, whatever thread they ran on, the costliest on the left; with
// samples, the functions seen inside spans are nodes as well, behind those of spans. A hidden span has no node: it stands
// for that of its caller, below which are what the span called.
function mergedScene(trace, summary, withSamples = false, hiddenFrames = null) {
  if (trace.difference) return trace.difference.scene();
  const known = new Map();
  // entered and spent: the calls of outermost spans, and the time in them, as kinds of spans are counted.
  const nodes = { frame: [], parent: [], depth: [], self: [], calls: [], yielded: [], spans: [], entered: [], spent: [], longest: [], groups: [] };
  const nodeOf = new Int32Array(trace.n).fill(-1);
  const hiddenIn = hiddenFrames && hiddenSelf(trace, hiddenFrames);
  for (const [from, to] of summary.ranges) {
    for (let i = from; i < to; i++) {
      const parent = i > from && trace.laneDepth[i] ? nodeOf[trace.parent[i]] : -1;
      if (hiddenFrames?.[trace.frame[i]]) {
        nodeOf[i] = parent;
        continue;
      }
      const key = (parent + 1) * trace.frames.length + trace.frame[i];
      let node = known.get(key);
      if (node === undefined) {
        node = nodes.frame.length;
        known.set(key, node);
        nodes.frame.push(trace.frame[i]);
        nodes.parent.push(parent);
        nodes.depth.push(parent < 0 ? 0 : nodes.depth[parent] + 1);
        nodes.longest.push(i);
        for (const sum of [nodes.self, nodes.calls, nodes.yielded, nodes.spans, nodes.entered, nodes.spent]) sum.push(0);
      }
      nodeOf[i] = node;
      nodes.self[node] += trace.self[i];
      nodes.calls[node] += trace.calls[i];
      nodes.yielded[node] += trace.yielded[i];
      nodes.spans[node]++;
      if (summary.entries[i]) {
        nodes.entered[node] += trace.calls[i];
        nodes.spent[node] += trace.busy[i] - (hiddenIn?.[i] ?? 0);
      }
      const group = trace.inside?.groupOf[i] ?? -1;
      if (group >= 0) {
        nodes.groups[node] ??= new Map();
        nodes.groups[node].set(group, (nodes.groups[node].get(group) ?? 0) + trace.self[i]);
      }
      if (trace.busy[i] > trace.busy[nodes.longest[node]]) nodes.longest[node] = i;
    }
  }
  if (withSamples) hangInside(trace, nodes);
  const count = nodes.frame.length;
  const total = Float64Array.from(nodes.own ?? nodes.self);
  for (let node = count - 1; node >= 0; node--) if (nodes.parent[node] >= 0) total[nodes.parent[node]] += total[node];
  const { left, right } = packed(nodes.parent, nodes.depth, total);
  const scene = new Scene("merged", count, left, right, Int32Array.from(nodes.frame), Int32Array.from(nodes.parent));
  const threads = threadsIn(trace, summary.ranges);
  const name = threads > 1 ? `${formatCount(threads)} threads together: their times are added up` : "";
  scene.arrange([name], new Int32Array(count), nodes.depth);
  return Object.assign(scene, { nodeOf, nodes, total });
}

// Edges of the items of a tree, each as wide as its total, the costliest first: each item takes the next free
// place in its parent. Items without a parent lie side by side.
function packed(parent, depth, total) {
  const count = total.length;
  const left = new Float64Array(count);
  const right = new Float64Array(count);
  const order = Array.from({ length: count }, (_, item) => item);
  order.sort((a, b) => depth[a] - depth[b] || total[b] - total[a] || a - b);
  const free = new Float64Array(count);
  let topFree = 0;
  for (const item of order) {
    const above = parent[item];
    left[item] = above < 0 ? topFree : free[above];
    right[item] = left[item] + total[item];
    free[item] = left[item];
    if (above < 0) topFree = right[item];
    else free[above] = right[item];
  }
  return { left, right };
}
