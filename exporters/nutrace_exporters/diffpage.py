"""The differential flamegraph: the page of a trace, whose spans are here the frames of two sides.

``assets/diff.js`` reads what is written here.
"""

from __future__ import annotations

from typing import Any, BinaryIO, Dict, List, Tuple

from nutrace_exporters.attributes import Strings
from nutrace_exporters.columns import Packer, deltas
from nutrace_exporters.difference import Difference
from nutrace_exporters.difftree import BASE, BESIDE, NEW
from nutrace_exporters.frames import Frame
from nutrace_exporters.html import Options, frame_tables, write_page
from nutrace_exporters.labels import counted, label

#: The lane of the threads that steps run on, and the lane of what runs beside the steps.
LANES = ("on the threads that simulate", "beside the steps, on other threads")


def export(difference: Difference, out: BinaryIO, options: Options) -> None:
    """Write the page of a difference; sampled functions are not compared.

    The columns have an entry for each node of the tree, the heaviest first:

    ``rise``, ``frame``, ``thread``
        As in the page of a trace; the thread is the number of a lane.
    ``region``
        Where its spans ran: outside the steps, in them, or beside them.
    ``base_spans``, ``base_calls``, ``base_self``, ``new_spans``, ``new_calls``, ``new_self``
        Sums over a side, ns.
    ``base_least``, ``base_most``, ``new_least``, ``new_most``
        The least and the most self time per step that a run of a side has, ns.
    ``moved``
        How far ahead the node is that the cost went to or came from; 0 if it has not moved.
    """
    tree = difference.tree
    depths, nodes = [], []
    for depth, node in tree.heaviest_first():
        depths.append(depth)
        nodes.append(node)
    frames: Dict[Frame, int] = {}
    for node in nodes:
        frames.setdefault(node.frame, len(frames))
    places = {node: place for place, node in enumerate(nodes)}
    packer = Packer()
    packer.add("rise", (1 - change for change in deltas(depths)))
    packer.add("frame", (frames[node.frame] for node in nodes))
    packer.add("thread", (int(node.region == BESIDE) for node in nodes))
    packer.add("region", (node.region for node in nodes))
    for side, name in ((BASE, "base"), (NEW, "new")):
        packer.add(f"{name}_spans", (node.spans[side] for node in nodes))
        packer.add(f"{name}_calls", (node.calls[side] for node in nodes))
        packer.add(f"{name}_self", (node.self_ns[side] for node in nodes))
        packer.add(f"{name}_least", (node.scatter.least_ns[side] for node in nodes))
        packer.add(f"{name}_most", (node.scatter.most_ns[side] for node in nodes))
    packer.add("moved", (places[node.moved] - place if node.moved else 0 for place, node in enumerate(nodes)))
    # What the page of a trace has besides: the order in time, and what is not summed.
    for name, numbers in (("left", [0] * len(nodes)), ("busy", [node.total_ns[NEW] for node in nodes])):
        packer.add(name, numbers)
    packer.add("set", [0] * len(nodes))
    for name in ("wall", "own", "calls", "yielded"):
        packer.add(f"{name}_at", [])
        packer.add(name, [])
    for name in ("min", "max", "p50", "p95", "unfinished", "error", "top_at", "top_scenario"):
        packer.add(name, [])
    for name in ("at", "scenario", "iteration", "interval"):
        packer.add(f"step_{name}", [])
    descriptions, columns = packer.packed()
    strings = Strings()
    data = {
        "run": _about(difference, options),
        "spans": len(nodes),
        **frame_tables(list(frames), strings),
        "threads": LANES,
        "scenarios": [],
        "intervals": [],
        "sets": [[]],
        "strings": strings.items,
        "columns": descriptions,
        "difference": {
            "unit": "step" if tree.per_step else "run",
            "units": tree.units,
            "words": difference.words,
            "names": [label(side.name, 200) for side in difference.sides],
            "runs": tree.runs,
            "steps": tree.steps,
            "scatters": [
                [int(in_steps), label(component, 100) if component else "", scatter.least_ns, scatter.most_ns]
                for (in_steps, component), scatter in sorted(tree.scatters.items())
            ],
        },
    }
    write_page(out, data, columns)


def _about(difference: Difference, options: Options) -> Dict[str, Any]:
    tree = difference.tree
    about: List[Tuple[str, str]] = []
    warnings = [f"{doubt[0].upper()}{doubt[1:]}." for doubt in difference.warnings]
    for number, (side, word) in enumerate(zip(difference.sides, difference.words)):
        counts = [counted(tree.steps[number], "finished step")] if tree.steps[number] else []
        if difference.words == ("base", "new"):
            counts.insert(0, counted(tree.runs[number], "run"))
        about.append((word.capitalize(), ", ".join((label(side.name, 200), *counts))))
        others = difference.sides[NEW - number].facts
        about.extend(
            (f"{word.capitalize()}: {name}", text) for name, text in side.facts if (name, text) not in others
        )
        warnings.extend(f"{word.capitalize()}: {sentence}" for sentence in side.warnings)
    about.extend(fact for fact in difference.sides[NEW].facts if fact in difference.sides[BASE].facts)
    title = options.title or " · ".join(filter(None, (difference.title, difference.selection)))
    return {
        "title": label(title, 200),
        "file": " against ".join(label(side.name, 200) for side in reversed(difference.sides)),
        "facts": about,
        "warnings": list(dict.fromkeys(warnings)),
        "processes": 1,
        "wall": 0,
    }
