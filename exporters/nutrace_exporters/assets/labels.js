// Text on bars: which of a span's names fits, and where a name is cut.

const FEWEST_CHARACTERS = 5; // of a name that is cut

// The names of a frame, the longest first. The component is left out where the colour of the bar says it: from
// "scenario.get_time_point" always, and from "planner.compute", whose rest alone says little, where there is no room.
function namesFor(name, component) {
  if (!name.startsWith(`${component}.`)) return [name];
  const rest = name.slice(component.length + 1);
  if (!rest) return [name];
  return /[_.]/.test(rest) ? [rest] : [name, rest];
}

// Measures text with a canvas, and keeps what it measured.
class Labels {
  constructor(context) {
    this.context = context;
    this.widths = new Map();
    this.characters = new Map();
  }

  width(text) {
    let width = this.widths.get(text);
    if (width === undefined) {
      if (this.widths.size > 20000) this.widths.clear();
      width = this.context.measureText(text).width;
      this.widths.set(text, width);
    }
    return width;
  }

  // By character, as a text is cut at many widths while it is zoomed, and measuring each piece takes long.
  characterWidth(character) {
    let width = this.characters.get(character);
    if (width === undefined) {
      if (this.characters.size > 5000) this.characters.clear();
      width = this.context.measureText(character).width;
      this.characters.set(character, width);
    }
    return width;
  }

  // The text, cut in the middle to the room (px), as names differ in how they begin and how they end; "" if hardly
  // anything would be left.
  fitted(text, room) {
    if (this.width(text) <= room) return text;
    const characters = Array.from(text);
    let left = room - this.characterWidth("…");
    let [head, tail] = [0, characters.length];
    while (head < tail) {
      const next = head <= characters.length - tail ? characters[head] : characters[tail - 1];
      left -= this.characterWidth(next);
      if (left < 0) break;
      if (head <= characters.length - tail) head++;
      else tail--;
    }
    // "execute…rows" and not "execute_…ny_rows": the end of a cut word says little.
    const start = characters.slice(0, head).join("").replace(/[\s._]+$/, "");
    const end = characters.slice(tail).join("").replace(/^[^\s._]{0,3}[\s._]+(?=.{4})|^[\s._]+/, "");
    return start.length + end.length < FEWEST_CHARACTERS ? "" : `${start}…${end}`;
  }

  // What a bar says: { text, details }, the longest name that leaves room (px) for details, or else the longest that
  // has room without. `details()` has the longest first, too; `gap` is the room between.
  chosen(names, details, room, gap) {
    const shown = this.width(names.at(-1)) + gap < room ? details() : [];
    for (const text of names) {
      const left = room - this.width(text) - gap;
      const detail = shown.find((each) => this.width(each) <= left);
      if (detail) return { text, detail };
    }
    const text = names.find((name) => this.width(name) <= room) ?? this.fitted(names.at(-1), room);
    return { text, detail: "" };
  }
}
