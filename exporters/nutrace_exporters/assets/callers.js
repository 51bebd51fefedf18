// Two scenes that are made of the merged one: the inverted view, and callers and callees of a kind of spans (the
// sandwich). Their items are kinds of spans, wherever the spans' functions are. Callers are spans around a span on
// its own thread.

const MOST_CALLERS = 1_000_000; // pairs of a node and a caller; of stacks that have more, the outer callers are left out
const [CALLERS, CALLEES] = [0, 1]; // lanes of the sandwich

// Items of a tree by their kind and the item above, and what their nodes in the merged scene add up to.
class KindTree {
  constructor(trace, merged) {
    Object.assign(this, { trace, merged, known: new Map() });
    for (const column of ["kind", "parent", "depth", "time", "self", "calls", "node", "weight"]) this[column] = [];
    this.members = { items: [], nodes: [] }; // pairs: the nodes that an item stands for
  }

  get count() {
    return this.kind.length;
  }

  // Adds a node to the item of its kind below `parent`, and returns that item.
  add(node, parent, { time, self = 0, calls }) {
    const kind = this.trace.kindOf[this.merged.frame[node]];
    const key = (parent + 1) * this.trace.kinds.length + kind;
    let item = this.known.get(key);
    if (item === undefined) {
      item = this.count;
      this.known.set(key, item);
      const fresh = { kind, parent, depth: parent < 0 ? 0 : this.depth[parent] + 1, time: 0, self: 0, calls: 0, node, weight: -1 };
      for (const [column, value] of Object.entries(fresh)) this[column].push(value);
    }
    this.time[item] += time;
    this.self[item] += self;
    this.calls[item] += calls;
    if (time > this.weight[item]) [this.weight[item], this.node[item]] = [time, node];
    this.members.items.push(item);
    this.members.nodes.push(node);
    return item;
  }
}

// Grows the callers of nodes, level by level. starts: {node, time, self, calls} each; what they have is given to
// each of their callers.
function addCallers(tree, starts) {
  let growing = starts.map((start) => ({ ...start, item: -1 }));
  while (growing.length && tree.members.nodes.length + growing.length <= Math.max(MOST_CALLERS, starts.length)) {
    for (const each of growing) {
      each.item = tree.add(each.node, each.item, each);
      each.node = tree.merged.parent[each.node];
    }
    growing = growing.filter(({ node }) => node >= 0);
  }
  return growing.length > 0; // whether callers are left out
}

function addCallees(tree, starts) {
  const { nodes, total } = tree.merged;
  const own = nodes.own ?? nodes.self;
  const below = nodes.parent.map(() => null);
  for (let node = nodes.parent.length - 1; node >= 0; node--) {
    if (nodes.parent[node] >= 0) (below[nodes.parent[node]] ??= []).push(node);
  }
  for (const { node, calls } of starts) {
    const stack = [[node, -1]];
    while (stack.length) {
      const [next, parent] = stack.pop();
      const item = tree.add(next, parent, { time: total[next], self: own[next], calls: parent < 0 ? calls : nodes.calls[next] });
      for (const child of below[next] ?? []) stack.push([child, item]);
    }
  }
}

// The nodes of a kind at which its calls and its time count, as in the summary. Of sampled functions: the outermost.
function entriesOf(trace, merged, kind) {
  const { nodes, total } = merged;
  const starts = [];
  const around = new Uint8Array(merged.count); // whether the kind is at a node or above
  for (let node = 0; node < merged.count; node++) {
    const above = nodes.parent[node];
    around[node] = above >= 0 ? around[above] : 0;
    if (trace.kindOf[merged.frame[node]] !== kind) continue;
    if (nodes.seen?.[node]) {
      if (!around[node]) starts.push({ node, time: total[node], calls: 0 });
    } else if (nodes.entered[node] || nodes.spent[node]) starts.push({ node, time: nodes.spent[node], calls: nodes.entered[node] });
    around[node] = 1;
  }
  return starts;
}

// The scene of trees, one to a lane.
function treeScene(kind, trees, names, upward = []) {
  const lanes = trees.flatMap((tree, lane) => tree.kind.map(() => lane));
  const starts = trees.map((_, lane) => trees.slice(0, lane).reduce((sum, tree) => sum + tree.count, 0));
  const joined = (column) => trees.flatMap((tree) => tree[column]);
  const parent = trees.flatMap((tree, lane) => tree.parent.map((above) => (above < 0 ? -1 : above + starts[lane])));
  const nodes = { kind: joined("kind"), parent, self: joined("self"), calls: joined("calls"), node: joined("node") };
  const total = Float64Array.from(joined("time"));
  const [left, right] = [new Float64Array(total.length), new Float64Array(total.length)];
  trees.forEach((tree, lane) => {
    const edges = packed(tree.parent, tree.depth, tree.time);
    left.set(edges.left, starts[lane]);
    right.set(edges.right, starts[lane]);
  });
  const { merged } = trees[0];
  nodes.longest = nodes.node.map((node) => merged.nodes.longest[node]);
  const frame = Int32Array.from(nodes.node, (node) => merged.frame[node]);
  const scene = new Scene(kind, total.length, left, right, frame, Int32Array.from(parent));
  scene.arrange(names, lanes, joined("depth"), upward);
  // Whether items match, of which nodes of the merged scene do: an item does if one of its nodes does.
  const matching = (found) => {
    const marks = new Uint8Array(total.length);
    trees.forEach(({ members }, lane) => {
      members.nodes.forEach((node, k) => found[node] && (marks[starts[lane] + members.items[k]] = 1));
    });
    return marks;
  };
  return Object.assign(scene, { nodes, total, merged, matching, starts });
}

// Kinds of spans by self time, and below each its callers, which share its self time.
function invertedScene(trace, merged) {
  const { nodes } = merged;
  const own = nodes.own ?? nodes.self;
  const tree = new KindTree(trace, merged);
  const starts = [];
  for (let node = 0; node < merged.count; node++) {
    if (own[node] || nodes.entered[node]) starts.push({ node, time: own[node], self: own[node], calls: nodes.entered[node] });
  }
  const cut = addCallers(tree, starts);
  const name = `Kinds of spans by self time; below each who called it${cut ? ", the nearest callers only" : ""}`;
  const scene = treeScene("inverted", [tree], [name]);
  const roots = new Map();
  tree.parent.forEach((above, item) => above < 0 && roots.set(tree.kind[item], item));
  return Object.assign(scene, { roots });
}

// The calls of a kind: above, upward from them, who called it; below them what they called.
function sandwichScene(trace, merged, kind) {
  const starts = entriesOf(trace, merged, kind);
  const [callers, callees] = [new KindTree(trace, merged), new KindTree(trace, merged)];
  const cut = addCallers(callers, starts);
  addCallees(callees, starts);
  const names = [`Callers${cut ? ", the nearest only" : ""}`, "Callees"];
  const scene = treeScene("sandwich", [callers, callees], names, [true, false]);
  // From the calls as callers have them to the same as callees have them, and back.
  const across = (item) => scene.starts[item < scene.starts[CALLEES] ? CALLEES : CALLERS];
  return Object.assign(scene, { center: kind, across });
}

// Who calls a kind directly, and what it calls directly: {kind (-1: nothing on its thread), time, calls} each, the
// most calls or time first. Read from the spans, as the merged scene may not have been made yet.
function nextTo(trace, summary, kind) {
  const [callers, callees] = [new Map(), new Map()];
  const add = (sums, of, span) => {
    const sum = sums.get(of) ?? { kind: of, time: 0, calls: 0 };
    sums.set(of, sum);
    sum.time += trace.busy[span];
    sum.calls += trace.calls[span];
  };
  const kindAt = (span) => trace.kindOf[trace.frame[span]];
  for (const [from, to] of summary.ranges) {
    for (let i = from; i < to; i++) {
      const above = i > from && trace.laneDepth[i] ? trace.parent[i] : -1;
      if (summary.entries[i] && kindAt(i) === kind) add(callers, above < 0 ? -1 : kindAt(above), i);
      if (above >= 0 && summary.entries[above] && kindAt(above) === kind) add(callees, kindAt(i), i);
    }
  }
  const sorted = (sums, by) => [...sums.values()].sort((a, b) => b[by] - a[by] || b.time - a.time);
  return { callers: sorted(callers, "calls"), callees: sorted(callees, "time") };
}
