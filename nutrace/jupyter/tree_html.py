"""A call tree as HTML: lists in which each row unfolds, without a script.

What most of the time goes into is open from the start, the rest is folded, and what takes least is a row
that says how many there are, so that a page stays small however large the trace is. Where styles are
stripped, as on code hosts, rows read as sentences in nested lists.
"""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

from nutrace.jupyter.figures import duration, milliseconds, percent
from nutrace.jupyter.markup import Content, Markup, element, join
from nutrace.jupyter.tree_parts import Part, is_chosen, limits, parts_of, takes, title_of
from nutrace_exporters.calltree import Node, SampledNode
from nutrace_exporters.labels import counted
from nutrace_exporters.palette import colour
from nutrace_exporters.steptree import LEAST_SHARE, LINES, Limits, cut, heaviest, weight

if TYPE_CHECKING:
    from nutrace.jupyter.tree import Tree

_CHOSEN_ROWS = 1_000  # of each part, if the user says what is to be shown
_DEEPEST = 60  # levels; parsers of HTML flatten what is some hundreds of elements deep
_LONG_NAME = 40  # characters, from which a name may be cut by its column
_SAMPLED = "~"


class Size(NamedTuple):
    """The most spans of the first part, and of each other that have a row: some 500 bytes each."""

    first: int
    others: int


WHOLE, CARD = Size(200, 50), Size(80, 25)


def as_html(tree: Tree) -> str:
    """The tree by itself."""
    head = element(
        "div",
        element("strong", f"{title_of(tree)}:"),
        Markup(" "),
        element("span", takes(tree), class_="nt-muted"),
    )
    return framed(head, rows_of(tree))


def framed(*parts: Content) -> Markup:
    """What is shown by itself, with the style of trees."""
    return element("div", Markup(f"<style>{style()}</style>"), *parts, class_="nutrace-tree")


def style() -> str:
    """The style of trees, to be written once into what has some."""
    return (files("nutrace.jupyter") / "tree.css").read_text(encoding="utf-8")


def rows_of(tree: Tree, size: Size = WHOLE) -> Markup:
    """The rows of all parts; those behind the first are folded."""
    shown: List[Markup] = []
    below: List[_Rows] = []
    for part in parts_of(tree):
        most = _CHOSEN_ROWS if is_chosen(tree) else size.others if part.heading else size.first
        rows = _Rows(part, limits(tree, part, most, 0.0))
        listed = element("div", _head(part), rows.listed(), class_="nt-tree")
        if part.heading:
            summary = element("summary", f"{part.heading}: {duration(part.took_ns)}")
            listed = element("details", summary, listed, class_="nt-part")
        shown.append(listed)
        below.append(rows)
    return join(*shown, _hints(below))


def _head(part: Part) -> Markup:
    per = "/step" if part.steps > 1 else ""
    names = "span", f"calls{per}", f"self{per} ms", f"total{per} ms", "share"
    return element(
        "div",
        *(element("span", name, _GAP) for name in names),
        class_="nt-row nt-top",
    )


def _hints(below: Sequence[_Rows]) -> Markup:
    """How to see what has no row, and what a sign means."""
    lines = []
    hidden = sum(rows.hidden for rows in below)
    if hidden:
        within = max((rows.within for rows in below), key=lambda pair: pair[0])[1]
        below_it = f", most of their time below {within}" if within else ""
        example = within if re.fullmatch(r"[\w.]{1,80}", within) else "NAME"
        lines += [
            f"{counted(hidden, 'row is', 'rows are')} left out{below_it}.",
            f'To see more: .find("{example}").tree(), .tree(at_least_ms=0.01). To see less: .tree(depth=2).',
        ]
    if any(rows.sampled for rows in below):
        lines.append(f"{_SAMPLED} was seen by a sampler: an estimated part of the self time above it.")
    return join(*(element("div", line, class_="nt-muted") for line in lines))


_GAP, _LIST, _END = Markup(" "), Markup("<ul>"), Markup("</ul>")


class _Rows:
    """The rows of one part.

    Attributes
    ----------
    hidden:
        How many rows are left out, of those right below rows that are there.
    within:
        The most time that is left out below one row, in ns, and the name of that row.
    sampled:
        Whether there are functions that a sampler saw.
    """

    def __init__(self, part: Part, limits: Limits) -> None:
        self._part = part
        capped = replace(limits, depth=min(limits.depth, _DEEPEST))
        shown = heaviest(part.roots, part.whole_ns, capped)
        self._shown = set(map(id, shown))
        self._exact = limits.exact
        at_once = cut(part.roots, part.whole_ns, replace(limits, most=LINES, least_share=LEAST_SHARE))
        self._at_once = {id(line.node) for line in at_once.lines} & self._shown
        self._largest_ns = max((node.total_ns for node in part.roots), default=0) / part.divisor
        self.hidden = 0
        self.within: Tuple[int, str] = (-1, "")
        self.sampled = any(isinstance(node, SampledNode) for node in shown)

    def listed(self) -> Markup:
        """All of them, those that say most unfolded."""
        made: List[str] = []
        waiting: List[Union[Markup, Node]] = list(reversed(self._list(self._part.roots, None)))
        while waiting:
            item = waiting.pop()
            if isinstance(item, Markup):
                made.append(item)
                continue
            if not item.children:
                made.append(element("li", element("div", *self._cells(item), class_="nt-row")))
                continue
            is_open = self._is_open(item)
            summary = element("summary", *self._cells(item), class_="nt-row")
            made.append(f"<li><details{' open' if is_open else ''}>{summary}")
            below = self._list(item.children.values(), item)
            waiting += [Markup("</details></li>"), *reversed(below)]
        return Markup("".join(made))

    def _is_open(self, node: Node) -> bool:
        return any(id(child) in self._at_once for child in node.children.values())

    def _list(self, nodes: Iterable[Node], above: Optional[Node]) -> List[Union[Markup, Node]]:
        """The rows of siblings: if their list is open from the start, those that are not much are folded."""
        siblings = sorted(nodes, key=weight)
        shown = [node for node in siblings if id(node) in self._shown]
        hidden = [node for node in siblings if id(node) not in self._shown]
        if len(hidden) == 1 and not self._exact and (above is None or id(above) in self._shown):
            shown, hidden = [*shown, *hidden], []  # its name takes no more rows than its number
        is_open = above is None or self._is_open(above)
        folded = [node for node in shown if id(node) not in self._at_once] if is_open else []
        if len(folded) + len(hidden) == 1:
            folded = []
        # Not those that come first: a single span stays unfolded below sampled functions that have more time.
        below = set(map(id, folded))
        unfolded = [node for node in shown if id(node) not in below]
        more = []
        if hidden:
            self.hidden += len(hidden)
            self.within = max(self.within, (_spans_ns(hidden), above.name if above else ""))
            more.append(element("li", element("div", *self._more(hidden), class_="nt-row nt-muted")))
        if folded:
            summary = element("summary", *self._more([*folded, *hidden]), class_="nt-row nt-muted")
            opening = Markup(f"<li><details>{summary}<ul>")
            return [_LIST, *unfolded, opening, *folded, *more, Markup("</ul></details></li>"), _END]
        return [_LIST, *unfolded, *more, _END]

    def _more(self, nodes: Sequence[Node]) -> Sequence[Markup]:
        total_ns, mark = _spans_ns(nodes), ""
        if all(isinstance(node, SampledNode) for node in nodes):
            total_ns, mark = sum(node.total_ns for node in nodes), _SAMPLED
        total = mark + self._ms(total_ns)
        name = element("span", f"… {len(nodes):,} more", class_="nt-name")
        return name, *self._numbers("", "", total, total_ns, "other", "")

    def _cells(self, node: Node) -> Sequence[Markup]:
        is_sampled = isinstance(node, SampledNode)
        mark = _SAMPLED if is_sampled else ""
        fill = colour(node.component).dark
        named = is_sampled or node.name == node.component or node.name.startswith(f"{node.component}.")
        name = element(
            "span",
            element("i", class_="nt-swatch", style=f"background:{fill}"),
            mark + node.name,
            # The colour is not enough, and the name often begins with it.
            "" if named else element("span", f" ({node.component})", class_="nt-muted"),
            class_="nt-name",
            title=node.name if len(node.name) > _LONG_NAME else "",
        )
        calls = "" if is_sampled else self._calls(node.calls)
        own, total = mark + self._ms(node.self_ns), mark + self._ms(node.total_ns)
        hint = node.share if isinstance(node, SampledNode) else ""
        return name, *self._numbers(calls, own, total, node.total_ns, node.component, hint)

    def _numbers(
        self, calls: str, own: str, total: str, total_ns: int, component: str, hint: str
    ) -> Sequence[Markup]:
        """The cells behind the name, with words that are seen where styles are stripped, and spoken."""
        whole_ns = self._part.whole_ns
        width = 100 * total_ns / whole_ns if whole_ns else 0.0
        bar = element("i", style=f"width:{width:.1f}%;background:{colour(component).dark}")
        noun = " call" if calls == "1" else " calls"
        return (
            element("span", calls and _word(": "), calls, calls and _word(noun)),
            element("span", own and _word(", "), own, own and _word(" ms self")),
            element("span", _word(", "), total, _word(" ms total, ")),
            element(
                "span",
                element("span", percent(total_ns, whole_ns)),
                element("span", bar, class_="nt-track"),
                class_="nt-share",
                title=hint,
            ),
        )

    def _calls(self, calls: int) -> str:
        part = self._part
        return f"{calls / part.steps:,.1f}" if part.steps > 1 else f"{calls:,}"

    def _ms(self, time_ns: int) -> str:
        """A time with the digits that the largest needs."""
        return milliseconds([self._largest_ns, time_ns / self._part.divisor])[1]


def _spans_ns(nodes: Iterable[Node]) -> int:
    """What spans take; the time of functions that a sampler saw is a part of the self time above."""
    return sum(node.total_ns for node in nodes if not isinstance(node, SampledNode))


def _word(word: str) -> Markup:
    return element("span", word, class_="nt-word")
