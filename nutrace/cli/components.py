"""``nutrace components``: what there is to switch on; with a run file, what it did there."""

from __future__ import annotations

import argparse
import json
from typing import Any, Dict, Iterator, List, Mapping

from nutrace.analysis.installed_components import (
    InstalledComponent,
    InstalledComponents,
    installed_components,
)
from nutrace.cli.progress import progress_bar
from nutrace.cli.table import Column, printable, text_table
from nutrace.components import COMPONENTS, Component
from nutrace.errors import NutraceError
from nutrace.trace import load

_LONGEST_REASON = 200
_UNITS = {"spent_ns": "spent", "avoided_ns": "avoided", "wait_ns": "waiting", "bytes_held": "held"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = (
        "Switch on with nutrace run --with NAMES, or NUTRACE_COMPONENTS=NAMES, which needs no tracing. "
        "NAMES: between commas, or all; options after colons: traffic_light_cache:entries=500."
    )
    parser.add_argument("file", nargs="?", help="a run file: what the components did in that run")
    parser.add_argument("--json", action="store_true", help="JSON, for programs")


def run(args: argparse.Namespace) -> int:
    """List, or load and add up; print."""
    if args.file is None:
        print(json.dumps(_listed(), indent=2) if args.json else "\n".join(_lines()))
        return 0
    with progress_bar("bytes") as progress:
        found = installed_components(load(args.file, progress=progress))
    print(json.dumps(_document(found), indent=2) if args.json else "\n".join(_figures(found)))
    return 0


def _listed() -> Dict[str, Any]:
    return {
        "components": [
            {
                "name": row.name,
                "does": row.does,
                "needs": row.needs,
                "options": _defaults(row),
            }
            for row in COMPONENTS
        ]
    }


def _defaults(row: Component) -> Dict[str, Any]:
    try:
        return row.defaults()
    except NutraceError:  # a package that it needs is not installed here
        return {}


def _lines() -> Iterator[str]:
    for row in COMPONENTS:
        yield row.name
        yield f"  does:    {row.does}"
        yield f"  needs:   {row.needs}"
        yield f"  options: {_options(_defaults(row)) or 'unknown here: what it needs is not installed'}"
    yield ""
    yield "nutrace run --with traffic_light_cache,connection_pool -- python ...   (or: all)"


def _figures(found: InstalledComponents) -> Iterator[str]:
    if not found.components:
        yield "No component was switched on in this run: nutrace run --with NAMES -- python ..."
    for component in found.components:
        yield from _component(component)
        yield ""
    if found.unsaid:
        yield (
            f"{found.unsaid} process{'es' * (found.unsaid > 1)} of the run did not come to an end: "
            "their figures lack what came after the last flush."
        )
    if found.components:
        yield "spent: time in it, or in what it stands around; avoided: an estimate of what it saved"


def _component(component: InstalledComponent) -> Iterator[str]:
    where = f"{component.at_work} of {component.processes} process{'es' * (component.processes > 1)}"
    yield f"{printable(component.name)}: at work in {where} ({_options(component.options)})"
    for reason in component.refused:
        yield f"  did not fit, the run went on as stock: {printable(reason, _LONGEST_REASON)}"
    rows: List[List[str]] = []
    if component.hit_rate is not None:
        rows.append(["hit rate", f"{component.hit_rate:.1%}"])
    rows.extend([_UNITS.get(name, name), _value(name, value)] for name, value in component.figures.items())
    yield text_table([Column("figure", right=False), Column("")], rows)


def _options(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in options.items())


def _value(name: str, value: int) -> str:
    if name.endswith("_ns"):
        return f"{value / 1e6:,.1f} ms"
    return f"{value:,} bytes" if name.startswith("bytes") else f"{value:,}"


def _document(found: InstalledComponents) -> Dict[str, Any]:
    return {
        "components": [
            {
                "name": each.name,
                "options": dict(each.options),
                "processes": each.processes,
                "at_work": each.at_work,
                "refused": list(each.refused),
                "hit_rate": each.hit_rate,
                "figures": dict(each.figures),
            }
            for each in found.components
        ],
        "unfinished_processes": found.unsaid,
    }
