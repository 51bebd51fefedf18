// Regular expressions for the search. RegExp can take hours for a pattern such as (a+)+b, nothing can interrupt it,
// and the page's address may bring the pattern. Here, the time grows with the text: a pattern becomes states, and
// all states that a text can be in are followed at once.
// Case does not matter, and a dot is any character. What such states cannot tell, \1 and (?=...), is refused.

const MOST_PATTERN_CHARS = 500;
const MOST_STATES = 2000;
const [CHAR, SET, FORK, EDGE, END] = [0, 1, 2, 3, 4]; // kinds of states

const CLASSES = {
  d: [[48, 57]],
  w: [[48, 57], [65, 90], [95, 95], [97, 122]],
  s: [[9, 13], [32, 32], [160, 160], [0x1680, 0x1680], [0x2000, 0x200a], [0x2028, 0x2029], [0x202f, 0x202f], [0x205f, 0x205f], [0x3000, 0x3000], [0xfeff, 0xfeff]],
};
const CONTROLS = { n: 10, r: 13, t: 9, f: 12, v: 11, 0: 0 };

const inRanges = (ranges, code) => ranges.some(([from, to]) => code >= from && code <= to);
const isWord = (code) => inRanges(CLASSES.w, code);

function complement(ranges) {
  const gaps = [];
  let from = 0;
  for (const [first, last] of ranges) {
    if (first > from) gaps.push([from, first - 1]);
    from = last + 1;
  }
  return [...gaps, [from, 0xffff]];
}

// Reads a pattern into parts: {all: parts, one after the other}, {any: parts}, {part, least, most}, {edge}, or
// {ranges, negated}. Its errors are for people.
class PatternReader {
  constructor(text) {
    if (text.length > MOST_PATTERN_CHARS) throw new Error("it is too long");
    Object.assign(this, { text, at: 0 });
  }

  read() {
    const part = this.choice();
    if (this.at < this.text.length) throw new Error('a ")" has no "("');
    return part;
  }

  take(word) {
    const there = this.text.startsWith(word, this.at);
    if (there) this.at += word.length;
    return there;
  }

  choice() {
    const any = [];
    do any.push(this.row());
    while (this.take("|"));
    return any.length > 1 ? { any } : any[0];
  }

  row() {
    const all = [];
    while (this.at < this.text.length && !"|)".includes(this.text[this.at])) all.push(this.repeated());
    return { all };
  }

  repeated() {
    const part = this.single();
    const times = this.times();
    if (!times) return part;
    if (part.edge) throw new Error("there is nothing to repeat");
    this.take("?"); // Whether something matches does not depend on who takes how much.
    return { part, least: times[0], most: times[1] };
  }

  times() {
    if (this.take("*")) return [0, Infinity];
    if (this.take("+")) return [1, Infinity];
    if (this.take("?")) return [0, 1];
    const match = /^\{(\d{1,6})(,?)(\d{0,6})\}/.exec(this.text.slice(this.at, this.at + 20));
    if (!match) return null;
    this.at += match[0].length;
    const least = Number(match[1]);
    const most = match[2] ? (match[3] ? Number(match[3]) : Infinity) : least;
    if (most < least) throw new Error(`${match[0]} counts down`);
    return [least, most];
  }

  single() {
    if (this.take("(")) return this.group();
    if (this.take("[")) return this.set();
    if (this.take(".")) return { ranges: [[0, 0xffff]] };
    if (this.take("\\")) return this.escaped();
    const letter = this.text[this.at];
    if ("*+?".includes(letter)) throw new Error("there is nothing to repeat");
    this.at++;
    if ("^$".includes(letter)) return { edge: letter };
    return { code: letter.toLowerCase().charCodeAt(0) };
  }

  group() {
    if (/^\?(<?[=!])/.test(this.text.slice(this.at))) throw new Error("it cannot look ahead or back");
    const named = /^\?(:|<\w+>)/.exec(this.text.slice(this.at));
    if (named) this.at += named[0].length;
    const part = this.choice();
    if (!this.take(")")) throw new Error('a "(" is not closed');
    return part;
  }

  escaped() {
    const letter = this.text[this.at++];
    if (letter === undefined) throw new Error('it ends with "\\"');
    if ("bB".includes(letter)) return { edge: letter };
    if (/[1-9k]/.test(letter)) throw new Error(`it cannot refer back (\\${letter})`);
    return this.afterBackslash(letter);
  }

  afterBackslash(letter) {
    const ranges = CLASSES[letter.toLowerCase()];
    if (ranges) return { ranges: letter === letter.toLowerCase() ? ranges : complement(ranges) };
    if (letter in CONTROLS) return { code: CONTROLS[letter] };
    const hex = { x: 2, u: 4 }[letter];
    const digits = hex && this.text.slice(this.at, this.at + hex);
    if (hex && /^[\da-f]+$/i.test(digits) && digits.length === hex) {
      this.at += hex;
      return { code: parseInt(digits, 16) };
    }
    if (/[a-z\d]/i.test(letter)) throw new Error(`\\${letter} has no meaning`);
    return { code: letter.charCodeAt(0) };
  }

  set() {
    const negated = this.take("^");
    let ranges = [];
    while (!this.take("]")) {
      const from = this.member();
      if (from.ranges || this.text[this.at] !== "-" || this.text[this.at + 1] === "]") {
        ranges = ranges.concat(from.ranges ?? [[from.code, from.code]]);
        continue;
      }
      this.at++;
      const to = this.member();
      if (to.ranges) ranges = ranges.concat([[from.code, from.code], [45, 45]], to.ranges);
      else if (to.code < from.code) throw new Error("a range counts down");
      else ranges.push([from.code, to.code]);
    }
    return { ranges, negated };
  }

  member() {
    const letter = this.text[this.at++];
    if (letter === undefined || (letter === "\\" && this.at === this.text.length)) throw new Error('a "[" is not closed');
    return letter === "\\" ? this.afterBackslash(this.text[this.at++]) : { code: letter.charCodeAt(0) };
  }
}

class Pattern {
  constructor(text) {
    Object.assign(this, { kinds: [], next: [], other: [], sets: [] });
    this.start = this.compile(new PatternReader(text).read(), this.state(END, -1));
    this.listed = new Int32Array(this.kinds.length); // by state, the position for which it is in the list, plus one
  }

  state(kind, next, other = -1, set = null) {
    if (this.kinds.length >= MOST_STATES) throw new Error("it is too long");
    this.kinds.push(kind);
    this.next.push(next);
    this.other.push(other);
    this.sets.push(set);
    return this.kinds.length - 1;
  }

  // Makes the states of a part, after which `next` follows; returns the first.
  compile(part, next) {
    if (part.all) return part.all.reduceRight((after, each) => this.compile(each, after), next);
    if (part.any) return part.any.map((each) => this.compile(each, next)).reduce((one, two) => this.state(FORK, one, two));
    if (part.edge) return this.state(EDGE, next, -1, part.edge);
    if (part.code !== undefined) return this.state(CHAR, next, -1, lowerOf(part.code));
    if (part.ranges) return this.state(SET, next, -1, tableOf(part));
    let after = next;
    if (part.most === Infinity) {
      after = this.state(FORK, -1, next);
      this.next[after] = this.compile(part.part, after);
    } else {
      for (let k = part.least; k < part.most; k++) after = this.state(FORK, this.compile(part.part, after), next);
    }
    for (let k = 0; k < part.least; k++) after = this.compile(part.part, after);
    return after;
  }

  // Whether the pattern matches anywhere in a text in lower case.
  test(text) {
    const { kinds, next, sets } = this;
    this.listed.fill(0);
    let now = [];
    for (let at = 0; ; at++) {
      if (this.enter(this.start, text, at, now)) return true;
      if (at === text.length) return false;
      const code = text.charCodeAt(at);
      const after = [];
      for (const state of now) {
        const fits = kinds[state] === CHAR ? sets[state] === code : sets[state].holds(code);
        if (fits && this.enter(next[state], text, at + 1, after)) return true;
      }
      now = after;
    }
  }

  // Lists the states that read a character, from a state on; true if the end is reached.
  enter(first, text, at, list) {
    const { kinds, next, other, sets, listed } = this;
    const open = [first];
    while (open.length) {
      const state = open.pop();
      if (listed[state] === at + 1) continue;
      listed[state] = at + 1;
      const kind = kinds[state];
      if (kind === END) return true;
      if (kind === FORK) open.push(other[state], next[state]);
      else if (kind !== EDGE) list.push(state);
      else if (isAtEdge(sets[state], text, at)) open.push(next[state]);
    }
    return false;
  }
}

function isAtEdge(edge, text, at) {
  if (edge === "^") return at === 0;
  if (edge === "$") return at === text.length;
  const between = isWord(text.charCodeAt(at - 1)) !== isWord(text.charCodeAt(at));
  return between === (edge === "b");
}

function lowerOf(code) {
  return String.fromCharCode(code).toLowerCase().charCodeAt(0);
}

// Whether a character of a text in lower case is in a set; for ASCII from a table.
function tableOf({ ranges, negated = false }) {
  const look = (code) => {
    const upper = String.fromCharCode(code).toUpperCase();
    return (inRanges(ranges, code) || (upper.length === 1 && inRanges(ranges, upper.charCodeAt(0)))) !== negated;
  };
  const table = Uint8Array.from({ length: 128 }, (_, code) => (look(code) ? 1 : 0));
  return { holds: (code) => (code < 128 ? table[code] === 1 : look(code)) };
}
