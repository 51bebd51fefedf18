// Items of a scene as text that finds them again in a page that was made anew: in time order the number of the span,
// else the names from the outermost caller to the item, "plan;rank;db.rows~2". ~2 is the second
// of its name below the same caller.

const LONGEST_PATH = 100; // names; of a deeper stack, the number of the item has to do

function textOfItem({ trace, scene }, item) {
  if (scene.kind === "time") return String(item);
  const path = [];
  for (let at = item; at >= 0 && path.length <= LONGEST_PATH; at = scene.parent[at]) path.push(at);
  if (path.length > LONGEST_PATH) return `~${item}`;
  return path.reverse().map((at) => {
    const name = trace.frames[scene.frame[at]].name;
    let nth = 1;
    for (let other = 0; other < at; other++) if (isChild(trace, scene, other, scene.parent[at], name)) nth++;
    return encodeURIComponent(name).replaceAll("~", "%7E") + (nth > 1 ? `~${nth}` : "");
  }).join(";");
}

// -1 if there is no such item, or none that is shown.
function itemOfText({ trace, scene, chart }, text) {
  const number = (scene.kind === "time" ? /^(\d{1,9})$/ : /^~(\d{1,9})$/).exec(text);
  const item = number ? Number(number[1]) : scene.kind === "time" ? -1 : itemOfPath(trace, scene, text);
  return item >= 0 && item < scene.count && chart.rowTop[scene.row[item]] >= 0 ? item : -1;
}

function itemOfPath(trace, scene, text) {
  let item = -1;
  for (const part of text.split(";").slice(0, LONGEST_PATH)) {
    const [, written, nth] = /^([^~]*)(?:~(\d{1,9}))?$/.exec(part) ?? [];
    const name = decoded(written ?? "");
    let missing = Number(nth ?? 1);
    const parent = item;
    for (item = 0; item < scene.count; item++) if (isChild(trace, scene, item, parent, name) && --missing === 0) break;
    if (!name || item === scene.count) return -1;
  }
  return item;
}

function isChild(trace, scene, item, parent, name) {
  return scene.parent[item] === parent && trace.frames[scene.frame[item]].name === name;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return ""; // cut off
  }
}
