// Names of spans where there is little room for them.

const NAME_END = 10; // characters

// A name that is cut where there is no room for it: first what is before its first dot, which the colour says as well,
// then its middle, as its end tells more.
function nameInMiddle(name) {
  if (name.length <= 2 * NAME_END) return element("span", { class: "name", text: name });
  const dot = name.indexOf(".") + 1;
  const [first, rest] = dot < name.length - NAME_END ? [name.slice(0, dot), name.slice(dot)] : ["", name];
  const parts = { "name-first": first, "name-head": rest.slice(0, -NAME_END), "name-tail": rest.slice(-NAME_END) };
  return element("span", { class: "name" }, ...Object.entries(parts).map(([kind, text]) => element("span", { class: kind, text })));
}

// A name that may be wrapped after its dots and underscores.
function breakable(name) {
  return name.split(/(?<=[._])/).flatMap((part) => [part, document.createElement("wbr")]);
}
