// Attributes as people read them: "nutrace.sql.execute_ns 521894" is "sql.execute 522 µs". What the run file says, by
// which the page's search finds it, is in the tooltips of name and value.

const ATTRIBUTE_UNITS = [
  [/_ns$/, formatTime],
  [/_us$/, (value) => formatTime(value * 1e3)],
  [/_ms$/, (value) => formatTime(value * 1e6)],
  [/^nutrace\..*_s$|_seconds$/, (value) => formatTime(value * 1e9)],
  [/^nutrace\.(memory\..*|.*\.bytes)$/, formatBytes],
];
const UNIT_ENDING = /_(ns|us|ms|s|seconds)$/;

// [name, text, full name, text in the run file]
function readableAttribute([name, text]) {
  const [, format] = ATTRIBUTE_UNITS.find(([pattern]) => pattern.test(name)) ?? [];
  const numbers = format ? numbersOf(text) : null;
  const shown = numbers ? numbers.map((number) => (number === null ? "…" : format(number))).join(", ") : text.replace(/^\[([^[\]]+)\]$/, "$1");
  const plain = numbers ? name.replace(UNIT_ENDING, "") : name;
  return [plain.replace(/^nutrace\./, ""), shown, name, text];
}

// A number, or a list of numbers, as the run file has them; null stands for the end of a list that was cut off.
// null instead of a list: the text is something else.
function numbersOf(text) {
  const [, list, cut] = /^\[(.*?)(?:\]|(… \([\d,]+ characters\)))$/.exec(text) ?? [];
  const parts = list === undefined ? [text] : list.split(", ");
  if (cut) parts.pop();
  if (!parts.length || !parts.every((part) => /^-?\d+(\.\d+)?(e[-+]?\d+)?$/i.test(part))) return null;
  return [...parts.map(Number), ...(cut ? [null] : [])];
}
