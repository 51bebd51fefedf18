"""``nutrace speedups``: the speedups that can be switched on; with a run file, what they did in that run."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from typing import Any, Dict, Iterator, List, Mapping

from nutrace.analysis.installed_speedups import (
    InstalledSpeedup,
    InstalledSpeedups,
    installed_speedups,
)
from nutrace.cli.json_output import print_json
from nutrace.cli.options import add_json, load_run
from nutrace.cli.report_style import Style, style_of_output
from nutrace.cli.table import Column
from nutrace.cli.tones import Tone
from nutrace.printable import printable
from nutrace.speedups import SPEEDUPS, Speedup

_LONGEST_REASON = 200
_LABELS = {
    "spent_ns": "spent",
    "avoided_ns": "avoided",
    "wait_ns": "waiting",
    "bytes_held": "held",
    "connections": "opened",
    "in_use": "in use",
}
#: Figures that are shown even if they are 0.
_ALWAYS = frozenset(("hits", "misses", "evictions", "entries", "checkouts", "waits"))
_BOUNDS = frozenset(("most",))  # shown by the options
#: What a figure means that should be 0.
_REMARKS = {
    "exhausted": "queries waited in vain and opened a connection of their own: raise max_overflow",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = (
        "Switch on with nutrace run --with NAMES, or NUTRACE_SPEEDUPS=NAMES, which needs no tracing. "
        "NAMES: between commas, or all; options after colons: traffic_light_cache:entries=500. "
        "With --json, each of a run's speedups has name, options, processes (that had it switched on), "
        "at_work (in how many of them it replaced functions), refused (why it did not fit), hit_rate (0 to "
        "1, or null), figures (summed: hits, misses, evictions, entries, bytes_held, waits, wait_ns, "
        "spent_ns, avoided_ns and those of its own; times in nanoseconds) and by_process (the same by "
        "pid; finished: whether the process ended by itself). unfinished_processes counts those that did "
        "not."
    )
    parser.add_argument("file", nargs="?", help="a run file: what the speedups did in that run")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the list, or what the speedups did in a run."""
    if args.file is None:
        if args.json:
            print_json(_listed())
        else:
            print("\n".join(_lines(style_of_output())))
        return 0
    speedups = installed_speedups(load_run(args.file))
    if args.json:
        print_json(_document(speedups))
    else:
        print("\n".join(_figures(speedups, style_of_output())))
    return 0


def _listed() -> Dict[str, Any]:
    return {
        "speedups": [
            {
                "name": row.name,
                "does": row.does,
                "needs": row.needs,
                "options": _defaults(row),
                "options_help": _help(row),
                "in_all": dict(row.in_all),
            }
            for row in SPEEDUPS
        ]
    }


def _defaults(row: Speedup) -> Dict[str, Any]:
    return row.defaults()


def _help(row: Speedup) -> Dict[str, str]:
    return row.options().help()


def _lines(style: Style) -> Iterator[str]:
    for row in SPEEDUPS:
        yield style.heading(row.name)
        yield from _wrapped(f"  does:    {row.does}")
        yield from _wrapped(f"  needs:   {row.needs}")
        yield from _wrapped(f"  options: {_options(_defaults(row)) or 'none'}")
        for name, text in _help(row).items():
            yield from _wrapped(f"    {name}: {text}")
        if row.in_all:
            yield from _wrapped(f"  if all switches it on: {_options(row.in_all)}")
    yield ""
    yield style.text("nutrace run --with traffic_light_cache,connection_pool -- python ...   (or: all)")


def _figures(installed: InstalledSpeedups, style: Style) -> Iterator[str]:
    if not installed.speedups:
        yield style.text("No speedup was switched on in this run: nutrace run --with NAMES -- python ...")
    for speedup in installed.speedups:
        yield from _speedup(speedup, style)
        yield ""
    if installed.unsaid:
        yield from _wrapped(
            f"{_processes(installed.unsaid)} of the run did not come to an end: what the speedups did there "
            "after the last flush is not known."
        )
    if any("spent_ns" in speedup.figures for speedup in installed.speedups if speedup.at_work):
        yield from _wrapped(
            "spent: time in the speedup, or in the calls whose results it keeps. avoided: an estimate of "
            "what it saved. Other figures that are 0 are left out."
        )


def _speedup(speedup: InstalledSpeedup, style: Style) -> Iterator[str]:
    if speedup.at_work or speedup.refused:
        where = f"{speedup.at_work} of {_processes(speedup.processes)}"
    else:
        where = "no process: no process imported what it replaces"
    yield from map(style.heading, _wrapped(f"{printable(speedup.name)}: at work in {where}"))
    if speedup.options:
        yield from _wrapped(f"  options: {_options(speedup.options)}")
    for reason in speedup.refused:
        refused = f"did not fit, the run went on as stock: {printable(reason, _LONGEST_REASON)}"
        yield from (style.text(line, tone=Tone.BAD) for line in _wrapped(f"  {refused}"))
    if not speedup.at_work:
        return
    rows: List[List[str]] = []
    if speedup.hit_rate is not None:
        rows.append(["hit rate", f"{speedup.hit_rate:.1%}"])
    rows.extend(
        [printable(_LABELS.get(name, name).replace("_", " ")), _value(name, value)]
        for name, value in speedup.figures.items()
        if name not in _BOUNDS and (value or name in _ALWAYS)
    )
    yield style.table([Column("figure", right=False), Column("total")], rows)
    for name, remark in _REMARKS.items():
        if speedup.figures.get(name):
            yield from _wrapped(f"  {speedup.figures[name]:,} {remark}")


def _processes(count: int) -> str:
    return f"{count} process{'es' * (count != 1)}"


def _wrapped(text: str) -> List[str]:
    """Lines that a terminal need not break."""
    width = max(40, shutil.get_terminal_size().columns)
    indent = " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(text, width, subsequent_indent=indent + "  ", break_on_hyphens=False)


def _options(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{printable(name)}={_option(value)}" for name, value in options.items())


def _option(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else printable(str(value))


def _value(name: str, value: int) -> str:
    if name.endswith("_ns"):
        return f"{value / 1e6:,.1f} ms"
    return f"{value:,} bytes" if name.startswith("bytes") else f"{value:,}"


def _document(installed: InstalledSpeedups) -> Dict[str, Any]:
    return {
        "speedups": [
            {
                "name": each.name,
                "options": dict(each.options),
                "processes": each.processes,
                "at_work": each.at_work,
                "refused": list(each.refused),
                "hit_rate": each.hit_rate,
                "figures": dict(each.figures),
                "by_process": [
                    {
                        "pid": process.pid,
                        "finished": process.finished,
                        "at_work": process.at_work,
                        "refused": process.refused,
                        "figures": dict(process.figures),
                    }
                    for process in each.by_process
                ],
            }
            for each in installed.speedups
        ],
        "unfinished_processes": installed.unsaid,
    }
