"""The interactive flamegraph: one self-contained HTML file that opens offline.

The page is made of the files in ``assets/``. It has the trace as JSON (strings, frames, attribute sets) and
as packed columns (:mod:`nutrace_exporters.columns`). Its script shows text by ``textContent`` and canvas
only, and its content security policy forbids every request, and every script but that one.
"""

from __future__ import annotations

import html
import os
from dataclasses import dataclass
from typing import Any, BinaryIO, Dict, List, Sequence, Tuple

from nutrace import semconv
from nutrace.percentiles import weighted_percentiles
from nutrace.trace import Trace
from nutrace.trace.bounds import whole
from nutrace.trace.layout import layout
from nutrace_exporters.attributes import AttributeSets, Strings
from nutrace_exporters.columns import Packer, deltas
from nutrace_exporters.frames import Frame, FrameTable
from nutrace_exporters.labels import label
from nutrace_exporters.lanes import thread_names
from nutrace_exporters.pageinside import add_inside, facts_of_samples
from nutrace_exporters.pageparts import asset, content_hash, content_policy, filled, script_json, script_of
from nutrace_exporters.pagescenarios import add_scenarios
from nutrace_exporters.palette import COLOURS
from nutrace_exporters.runfacts import facts, title_of, warnings

_PACKAGE = "nutrace_exporters"
_STYLES = ("flamegraph.css", "table.css", "media.css")
_SCRIPTS = (
    "data.js",
    "ranges.js",
    "inside.js",
    "diff.js",
    "scenarios.js",
    "selection.js",
    "selectiontext.js",
    "itempaths.js",
    "addresses.js",
    "patterns.js",
    "search.js",
    "copylink.js",
    "costs.js",
    "stats.js",
    "scenes.js",
    "hiding.js",
    "callers.js",
    "views.js",
    "format.js",
    "canvas.js",
    "ink.js",
    "labels.js",
    "bars.js",
    "veil.js",
    "axis.js",
    "chart.js",
    "minimap.js",
    "measure.js",
    "stripscale.js",
    "steps.js",
    "scenariostrip.js",
    "memory.js",
    "units.js",
    "attributes.js",
    "crumbs.js",
    "panels.js",
    "legend.js",
    "usual.js",
    "names.js",
    "kinds.js",
    "spanrows.js",
    "spantable.js",
    "tooltip.js",
    "figures.js",
    "insidepanel.js",
    "diffcolours.js",
    "diffpanel.js",
    "picker.js",
    "finder.js",
    "keys.js",
    "pointer.js",
    "sheet.js",
    "printing.js",
    "app.js",
)


@dataclass(frozen=True)
class Options:
    """How to make the page.

    Parameters
    ----------
    title:
        Heading; by default the scenario and planner, or the run file's name.
    samples:
        Whether the page has the functions that were sampled inside spans.
    """

    title: str = ""
    samples: bool = True


def export(trace: Trace, out: BinaryIO, options: Options = Options()) -> None:
    """Write `trace` as a page."""
    write_page(out, *_data(trace, Strings(), options))


def write_page(out: BinaryIO, data: Dict[str, Any], columns: str) -> None:
    """Write a page with this data."""
    style = "\n".join(asset(_PACKAGE, name) for name in _STYLES)
    script = script_of(_PACKAGE, _SCRIPTS)
    policy = content_policy(
        f"script-src '{content_hash(script)}'", f"style-src '{content_hash(style)}'", "img-src data:"
    )
    contents = {
        "policy": policy.encode(),
        "title": html.escape(data["run"]["title"]).encode(),
        "style": style.encode(),
        "script": script.encode(),
        "data": script_json(data),
        "columns": columns.encode("ascii"),
    }
    out.writelines(filled(asset(_PACKAGE, "flamegraph.html"), contents))


def _data(trace: Trace, strings: Strings, options: Options) -> Tuple[Dict[str, Any], str]:
    table, sets = FrameTable(trace), AttributeSets(trace, strings)
    for span in range(len(trace)):  # together, as attributes take long to read
        attributes = trace.attributes(span)
        table.add(span, attributes)
        sets.add(span, attributes)
    packer = _columns(trace, table, sets)
    scenarios = add_scenarios(trace, packer)
    inside = add_inside(trace, strings, packer) if options.samples else {}
    about = facts(trace)
    if inside and trace.sampled:
        about += facts_of_samples(trace.sampled)
    memory = _memory(trace)
    descriptions, columns = packer.packed()
    resources = sorted({key.resource for key in trace.threads})
    names = thread_names(trace, range(len(trace.threads)))
    title = label(options.title or title_of(trace), 200)
    data: Dict[str, Any] = {
        "run": {
            "title": title,
            "file": label(os.path.basename(trace.path) or "trace", 200),
            "facts": about,
            "warnings": warnings(trace, sets.left_out),
            "processes": len(resources),
            "wall": trace.finish_ns - trace.begin_ns,
        },
        "spans": len(trace),
        **frame_tables(table.frames, strings),
        "threads": [label(name, 200) for name in names],
        **scenarios,
        "sets": sets.sets,
        "strings": strings.items,
        "columns": descriptions,
    }
    data.update({key: part for key, part in (("inside", inside), ("memory", memory)) if part})
    return data, columns


def frame_tables(frames: Sequence[Frame], strings: Strings) -> Dict[str, Any]:
    """The frames for the page, and the components that they refer to."""
    components = [*COLOURS, *sorted({frame.component for frame in frames} - set(COLOURS))]
    numbers = {name: number for number, name in enumerate(components)}
    return {
        "components": [
            {
                "name": label(name, 100),
                "light": COLOURS.get(name, COLOURS["other"]).light,
                "dark": COLOURS.get(name, COLOURS["other"]).dark,
            }
            for name in components
        ],
        "frames": [
            [
                strings.number(frame.name),
                numbers[frame.component],
                strings.number(frame.function),
                strings.number(frame.file),
                frame.line,
            ]
            for frame in frames
        ],
    }


def _memory(trace: Trace) -> Dict[str, Any]:
    """``[position of a step, bytes resident at its end]`` each, and the same of GPUs; as far as known."""
    kept = {"resident": semconv.MEMORY, "gpu": semconv.MEMORY_GPU}
    points: Dict[str, List[Tuple[int, int]]] = {name: [] for name in kept}
    for step, span in enumerate(trace.step_indices):
        attributes = trace.attributes(span)
        for name, key in kept.items():
            size = whole(attributes.get(key))
            if size >= 0:
                points[name].append((step, size))
    return {name: pairs for name, pairs in points.items() if pairs}


def _columns(trace: Trace, table: FrameTable, sets: AttributeSets) -> Packer:
    n = len(trace)
    left, _right = layout(trace)
    packer = Packer()
    # In preorder, depth grows by one at most, so that 1 - (change of depth) is a small number >= 0.
    packer.add("rise", (1 - change for change in deltas(trace.depth)))
    packer.add("left", deltas(left))
    packer.add("busy", trace.busy_ns)
    packer.add("frame", table.of)
    packer.add("thread", trace.thread)
    packer.add("set", sets.of)
    wall = [i for i in range(n) if not trace.runs_through(i)]
    _sparse(packer, "wall", wall, [trace.end_ns[i] - trace.start_ns[i] for i in wall])
    taken = [i for i in range(n) if trace.own_ns[i]]
    _sparse(packer, "own", taken, [trace.own_ns[i] for i in taken])
    counted = [i for i in range(n) if trace.calls[i] != 1]
    _sparse(packer, "calls", counted, [trace.calls[i] for i in counted])
    for name, key in (("min", semconv.COMPOSITE_MIN_NS), ("max", semconv.COMPOSITE_MAX_NS)):
        packer.add(name, [max(whole(trace.attributes(i).get(key)), 0) for i in counted])
    percentiles = [_percentiles(trace, i) for i in counted]
    packer.add("p50", [p50 for p50, _ in percentiles])
    packer.add("p95", [p95 for _, p95 in percentiles])
    yielded = [i for i in range(n) if trace.yielded[i]]
    _sparse(packer, "yielded", yielded, [trace.yielded[i] for i in yielded])
    packer.add("unfinished", deltas(i for i in range(n) if trace.unfinished(i)))
    packer.add("error", deltas(i for i in sorted(trace.raw.status) if trace.status(i).code == 2))
    return packer


def _percentiles(trace: Trace, span: int) -> Tuple[int, int]:
    """p50 and p95 of the calls that a span stands for, in ns; zeros if only their mean is known."""
    p50, p95 = weighted_percentiles(trace.call_times(span) or (), (50, 95))
    return p50, p95


def _sparse(packer: Packer, name: str, where: List[int], numbers: List[int]) -> None:
    packer.add(f"{name}_at", deltas(where))
    packer.add(name, numbers)
