// Where one is: what is selected, and from there the callers down to the item in focus. One line, whatever the depth.

const MOST_CRUMBS = 9;

function showCrumbs(app, unfolded = false) {
  const { focus } = app.look;
  const { path, isAll } = pathInSelection(app);
  const crumb = (text, item, current) =>
    element("button", {
      type: "button", text, title: text, class: "crumb", onclick: () => app.focusOn(item), "aria-current": String(current),
    });
  const crumbs = [crumb(textOfAll(app), -1, focus < 0 || isAll), ...path.map((item) => crumb(crumbText(app, item), item, item === focus))];
  const line = document.getElementById("crumbs");
  line.classList.toggle("up", focus >= 0 && showsCallers(app.scene, focus));
  // As many as there is room for; the others are folded in the middle.
  for (let most = MOST_CRUMBS; !unfolded && most > 1; most--) {
    line.replaceChildren(...folded(app, crumbs, most));
    if (line.scrollWidth <= line.clientWidth) return;
  }
  if (unfolded) fill(line, crumbs);
  line.scrollLeft = unfolded ? 0 : line.scrollWidth;
}

// Not when the height changes: a scrollbar appears below crumbs that somebody has unfolded.
function foldCrumbsToWidth(app) {
  const line = document.getElementById("crumbs");
  let width = line.clientWidth;
  const fold = () => {
    if (line.clientWidth === width) return;
    width = line.clientWidth;
    showCrumbs(app);
  };
  new ResizeObserver(fold).observe(line);
}

// The first crumbs and, rather, the last ones; and a button in the place of the others.
function folded(app, crumbs, most) {
  if (crumbs.length <= most) return crumbs;
  const first = Math.ceil((most - 2) / 3);
  const count = crumbs.length - most + 1;
  const unfold = () => {
    showCrumbs(app, true);
    crumbs[first].focus();
  };
  const more = element("button", { type: "button", class: "crumb", text: `… ${formatCount(count)} more`, title: "Show all", onclick: unfold });
  return [...crumbs.slice(0, first), more, ...crumbs.slice(first + count)];
}

// Items from the outermost to the one in focus. Callers of what is selected are left out, and so is the step itself
// where it is all that is selected: the first crumb stands for it.
function pathInSelection({ trace, scene, look, selection }) {
  const path = [];
  for (let item = look.focus; item >= 0; item = scene.parent[item]) {
    if (item === look.focus || scene.kind !== "time" || !selection || selection.holds(item)) path.push(item);
  }
  path.reverse();
  const step = selection?.iterations && selection.steps.length === 1 ? trace.steps[selection.steps[0]].span : -1;
  const isAll = path.length > 0 && step >= 0 && spanOf(scene, path[0]) === step;
  if (isAll) path.shift();
  return { path, isAll: isAll && !path.length };
}

// The span that an item stands for; -1 if it stands for several.
function spanOf({ kind, nodes }, item) {
  if (kind === "time") return item;
  return nodes.spans?.[item] === 1 ? nodes.longest[item] : -1;
}

function crumbText({ trace, scene }, item) {
  const step = scene.kind === "time" ? trace.stepOf(item) : -1;
  const isStep = step >= 0 && trace.steps[step].span === item;
  return isStep ? `step ${trace.steps[step].iteration}` : trace.frames[scene.frame[item]].name;
}

function textOfAll({ trace, selection }) {
  return trace.difference ? trace.difference.nameOfAll() : selection?.text ?? "whole run";
}
