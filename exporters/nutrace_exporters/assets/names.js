// Names of spans where there is little room for them.

const NAME_END = 10; // characters

// Cuts names for a column as wide as is known.
class NameFitter {
  constructor() {
    const context = document.createElement("canvas").getContext("2d");
    context.font = FONT;
    this.labels = new Labels(context);
  }

  // The name for a room (px): whole, or without the component, or cut in its middle.
  fitted(name, component, room) {
    const names = [name, ...namesFor(name, component)];
    return names.find((each) => this.labels.width(each) <= room) ?? (this.labels.fitted(names.at(-1), room) || name);
  }
}

// A name that is cut before its end where there is no room for it, however wide that is.
function nameInMiddle(name) {
  if (name.length <= 2 * NAME_END) return element("span", { class: "name", text: name });
  const [head, tail] = [name.slice(0, -NAME_END), name.slice(-NAME_END)];
  return element("span", { class: "name" }, element("span", { class: "name-head", text: head }), element("span", { class: "name-tail", text: tail }));
}

// A name that may be wrapped after its dots and underscores.
function breakable(name) {
  return name.split(/(?<=[._])/).flatMap((part) => [part, document.createElement("wbr")]);
}
