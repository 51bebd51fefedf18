"""The samples of a trace in the page's data: see ``assets/inside.js``, which reads them."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from nutrace.intervals import FEWEST_SAMPLES
from nutrace.trace import Trace
from nutrace.trace.sampled import Sampled
from nutrace_exporters.attributes import Strings
from nutrace_exporters.columns import Packer, deltas
from nutrace_exporters.insidetree import OTHERS, origin, shown_groups
from nutrace_exporters.labels import counted, label, value


def add_inside(trace: Trace, strings: Strings, packer: Packer) -> Dict[str, Any]:
    """Add the columns of the groups of spans; return what the page's JSON says of them.

    The columns, of which those that describe nodes or functions stand one group behind the other:

    ``group_at``, ``group``
        Spans that belong to a group, as differences, and its number in the page.
    ``group_own``, ``group_nodes``, ``group_functions``
        For each group: samples of the span's own function, number of nodes, number of functions.
    ``node_above``, ``node_function``, ``node_count``, ``node_joined``
        For each node: how far before it its caller stands, 0 for the span's function; its function, -1 for
        several; samples in itself; how many functions it stands for.
    ``function``, ``function_own``, ``function_total``
        For each function of a group, wherever it was called: its samples.
    """
    groups = shown_groups(trace)
    if trace.sampled is None or not groups:
        return {}
    numbers = {group: number for number, group in enumerate(groups)}
    functions: Dict[int, int] = {OTHERS: OTHERS}
    group_of = trace.sampled.group_of
    spans = [span for span in range(len(trace)) if group_of[span] in numbers]
    packer.add("group_at", deltas(spans))
    packer.add("group", [numbers[group_of[span]] for span in spans])
    nodes: List[Tuple[int, int, int, int]] = []
    rows: List[Tuple[int, int, int]] = []
    heads: List[Tuple[int, int, int]] = []
    for number, (tree, _, joined) in groups.items():
        for node, (above, function, count) in enumerate(zip(tree.parent, tree.function, tree.count)):
            known = functions.setdefault(function, len(functions) - 1)
            nodes.append((node - above if above >= 0 else 0, known, count, joined[node]))
        before = len(rows)
        for function, (own, total) in trace.sampled.groups[number].by_function().items():
            rows.append((functions.setdefault(function, len(functions) - 1), own, total))
        heads.append((tree.own, len(tree.parent), len(rows) - before))
    for names, table in (
        (("group_own", "group_nodes", "group_functions"), heads),
        (("node_above", "node_function", "node_count", "node_joined"), nodes),
        (("function", "function_own", "function_total"), rows),
    ):
        for at, name in enumerate(names):
            packer.add(name, [row[at] for row in table])
    del functions[OTHERS]
    said = [trace.sampled.functions[function] for function in functions]
    return {
        "origin": origin(trace.sampled),
        "fewest": FEWEST_SAMPLES,
        "functions": [
            [strings.number(label(known.name)), strings.number(value(known.file)), known.line]
            for known in said
        ],
    }


def facts_of_samples(sampled: Sampled) -> List[Tuple[str, str]]:
    """``(label, value)`` pairs about the samples."""
    outside = [f"{count:,} {label(reason, 200)}" for reason, count in sampled.unplaced.items() if count]
    pairs = [
        ("Samples", f"{origin(sampled)}, of {counted(sampled.taken, 'stack')} taken"),
        ("Not drawn", "; ".join(outside)),
        ("On the samples", " ".join(label(note, 1000) for note in sampled.notes)),
    ]
    return [(name, text) for name, text in pairs if text]
