// The search: spans whose name, component, function, file or attributes hold some words or match a pattern, written
// /between slashes/. The tables of frames and strings are searched, not every span.

const MOST_SEARCH_MS = 2000;

class Search {
  constructor(trace) {
    this.trace = trace;
    this.frameTexts = trace.frames.map((frame) =>
      [frame.name, trace.components[frame.component].name, frame.function, frame.file].map((text) => text.toLowerCase()),
    );
    this.stringTexts = null;
    this.forget("");
  }

  forget(query) {
    Object.assign(this, { query, problem: "", matches: null, frameMatches: null });
  }

  run(query) {
    this.forget(query);
    try {
      const test = readQuery(query);
      if (test) this.mark(test);
    } catch (error) {
      this.forget(query);
      this.problem = `Not a pattern: ${error.message}.`;
    }
  }

  // Of several words, some may be in the frame and others in the attributes: a test gives a bit for each.
  mark({ bits, wanted }) {
    const { trace } = this;
    this.stringTexts ??= trace.strings.map((text) => text.toLowerCase());
    const byFrame = Int32Array.from(this.frameTexts, (texts) => texts.reduce((found, text) => found | bits(text), 0));
    const byString = Int32Array.from(this.stringTexts, bits);
    const bySet = Int32Array.from(trace.sets, (set) => set.reduce((found, number) => found | byString[number], 0));
    this.frameMatches = Uint8Array.from(byFrame, (found) => (found === wanted ? 1 : 0));
    this.matches = new Uint8Array(trace.n);
    for (let i = 0; i < trace.n; i++) {
      this.matches[i] = (byFrame[trace.frame[i]] | bySet[trace.set[i]]) === wanted ? 1 : 0;
    }
  }

  // The number of spans that match in the selection, how many of them are hidden, and their time, in which nothing is
  // counted twice: matches inside matches are left out.
  measure(summary, hiddenFrames) {
    const { trace, matches } = this;
    let [spans, time, hidden] = [0, 0, 0];
    if (!matches) return { spans, time, hidden, share: 0 };
    for (const [from, to] of summary.ranges) {
      const covered = new Map();
      for (let i = from; i < to; i++) {
        if (!matches[i]) continue;
        spans++;
        if (hiddenFrames?.[trace.frame[i]]) hidden++;
        const head = trace.laneHead[i];
        if (i < (covered.get(head) ?? 0)) continue;
        time += trace.busy[i];
        covered.set(head, trace.subtreeEnd[i]);
      }
    }
    return { spans, time, hidden, share: summary.all ? time / summary.all : 0 };
  }
}

// {bits, wanted}: what a text in lower case holds of a query, and what all of it is; null if the query is empty.
function readQuery(query) {
  const written = /^\/(.+)\/i?$/s.exec(query.trim());
  if (written) {
    const pattern = new Pattern(written[1]);
    const until = performance.now() + MOST_SEARCH_MS;
    const bits = (text) => {
      if (performance.now() > until) throw new Error("it takes too long on so many spans");
      return pattern.test(text) ? 1 : 0;
    };
    return { bits, wanted: 1 };
  }
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return null;
  const bits = (text) => words.reduce((found, word, k) => found | (text.includes(word) ? 1 << k % 31 : 0), 0);
  return { bits, wanted: words.reduce((found, _, k) => found | (1 << k % 31), 0) };
}

// The items of a scene that match, by width: the widest is of rank 0, and equal ones keep the scene's order.
class MatchOrder {
  constructor(ranges, matching, width) {
    Object.assign(this, { ranges, matching, width });
    let count = 0;
    this.each(() => {
      count++;
    });
    this.widths = new Float64Array(count); // ascending; sorted without the items, as there may be millions
    let k = 0;
    this.each((item) => {
      this.widths[k++] = width(item);
    });
    this.widths.sort();
  }

  get count() {
    return this.widths.length;
  }

  // Calls `visit` for each match until it returns true.
  each(visit) {
    for (const [from, to] of this.ranges) {
      for (let item = from; item < to; item++) if (this.matching(item) && visit(item)) return;
    }
  }

  item(rank) {
    const { widths, width } = this;
    const place = widths.length - 1 - rank;
    const wanted = widths[place];
    let before = 0; // matches as wide that come first
    for (let k = place + 1; k < widths.length && widths[k] === wanted; k++) before++;
    let found = -1;
    this.each((item) => {
      if (width(item) !== wanted || before-- > 0) return false;
      found = item;
      return true;
    });
    return found;
  }
}
