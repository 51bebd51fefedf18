"""Measure what a notebook shows of a million spans: the card, and the tables.

    python tests/benchmarks/notebook_tables.py [--spans N] [--flat] [--rounds 3]

The spans are those of a real evaluation (:mod:`evaluation_run`), with ``--flat`` those of
:mod:`load_million_spans`. Each figure is of a new process that has loaded the run and has asked it for
nothing yet, with pandas imported; it is the best of the rounds, and its CPU seconds say how busy the machine
was.

- ``card``, ``spans()`` and the other tables, in seconds, with the ratio to the budget: 2 s for the card, 3 s
  for ``spans()``, within 1000 bytes a span, both of the table and of the process at its peak;
- ``pandas``: the table of spans made by pandas from lists of Python objects, one list a column, which are
  there already. That is the least that a table costs which is not made of a trace's own columns;
- ``without nutrace``: reading the file and making a table of its spans as one would do it by hand:
  ``msgspec.json.decode`` or ``json.loads``, a dictionary for each span, ``pandas.DataFrame``. It has the
  columns that are in the file: no self times, no scenario and no step. nutrace's part is ``nutrace.load`` and
  ``spans()`` together.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

from evaluation_run import write_evaluation
from load_million_spans import write_run

CARD_S, SPANS_S, BYTES = 2.0, 3.0, 1000.0

_MEASURE = """
import sys, time
import pandas
import nutrace

{prepare}
begin, cpu = time.perf_counter(), time.process_time()
{code}
took, cpu = time.perf_counter() - begin, time.process_time() - cpu
# VmHWM is the peak since exec; ru_maxrss includes the parent's.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
size = shown.memory_usage(deep=True).sum() if isinstance(shown, pandas.DataFrame) else len(shown)
print(took, cpu, size, int(peak.split()[1]) * 1024)
"""

_LOAD = "trace = nutrace.load(sys.argv[1])"

_SHOWN = {
    "card": "shown = trace._repr_html_()",
    "spans()": "shown = trace.spans()",
    "steps()": "shown = trace.steps()",
    "components()": "shown = trace.components()",
    "components(True)": "shown = trace.components(each_step=True)",
    "costs()": "shown = trace.costs()",
    "scenarios()": "shown = trace.scenarios()",
}

_LISTS = """
columns = {
    name: [None if value is pandas.NA else value for value in column.tolist()]
    for name, column in nutrace.load(sys.argv[1]).spans().items()
}
"""

_BY_HAND = """
rows = []
with open(sys.argv[1], "rb") as file:
    for line in file:
        for entry in {decode}(line)["resourceSpans"]:
            process = {{each["key"]: each["value"] for each in entry["resource"]["attributes"]}}
            for scope in entry["scopeSpans"]:
                for span in scope["spans"]:
                    told = {{each["key"]: each["value"] for each in span["attributes"]}}
                    rows.append(
                        {{
                            "id": span["spanId"],
                            "parent": span.get("parentSpanId"),
                            "name": span["name"],
                            "component": told.get("nutrace.component", {{}}).get("stringValue"),
                            "start_ns": int(span["startTimeUnixNano"]),
                            "total_ms": (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e6,
                            "calls": int(told.get("nutrace.composite.count", {{"intValue": 1}})["intValue"]),
                            "thread": told.get("thread.id", {{}}).get("intValue"),
                            "process": process["process.pid"]["intValue"],
                        }}
                    )
shown = pandas.DataFrame(rows)
"""


@dataclass(frozen=True)
class Measure:
    """What a process took: seconds, CPU seconds, bytes of what was made, and of the process at its peak."""

    seconds: float
    cpu_seconds: float
    size: float
    peak: float


def measured(path: Path, prepare: str, code: str) -> Measure:
    """Run `code` on the file after `prepare`, in a new interpreter."""
    program = _MEASURE.format(prepare=prepare, code=code)
    run = subprocess.run(
        [sys.executable, "-c", program, str(path)], check=True, stdout=subprocess.PIPE, text=True
    )
    return Measure(*map(float, run.stdout.split()))


def _row(name: str, one: Measure, spans: Optional[int] = None) -> str:
    line = f"{name:28s} {one.seconds:7.2f} s  {one.cpu_seconds:7.2f} s CPU"
    return (
        line
        if spans is None
        else f"{line}  {one.size / spans:6.0f} bytes/span  {one.peak / spans:6.0f} at peak"
    )


def _print(best: Dict[str, Measure], spans: int) -> None:
    for name in _SHOWN:
        print(_row(name, best[name], spans if name == "spans()" else None))
    card, table, lists = best["card"], best["spans()"], best["pandas, from lists"]
    print(_row("pandas, from lists", lists, spans))
    print(_row("nutrace.load + spans()", best["nutrace.load + spans()"], spans))
    for decode in ("msgspec", "json"):
        print(_row(f"{decode} + pandas", best[f"{decode} + pandas"], spans))
    print(f"of the budget: card {card.seconds / CARD_S:.2f}, spans() {table.seconds / SPANS_S:.2f},", end=" ")
    print(f"its bytes a span {table.size / spans / BYTES:.2f}, at peak {table.peak / spans / BYTES:.2f}")
    print(f"spans() / pandas, from lists: {table.seconds / lists.seconds:.2f} of the time,", end=" ")
    print(f"{table.size / lists.size:.2f} of the bytes")
    ours = best["nutrace.load + spans()"]
    for decode in ("msgspec", "json"):
        peer = best[f"{decode} + pandas"]
        print(
            f"nutrace.load + spans() / {decode} + pandas: {ours.seconds / peer.seconds:.2f} of the time,",
            end=" ",
        )
        print(f"{ours.size / peer.size:.2f} of the bytes, {ours.peak / peer.peak:.2f} at peak")


def main() -> None:
    """Write the file, measure everything in turn, print the best of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--flat", action="store_true", help="steps of 1000 spans, three levels deep")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    import pandas

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "run.json"
        if args.flat:
            write_run(path, args.spans, 0.1, lines=False)
        else:
            write_evaluation(path, args.spans)
        size = path.stat().st_size / 1e6
        versions = f"Python {sys.version.split()[0]}, pandas {pandas.__version__}"
        print(f"{size:.0f} MB, {args.spans:,} spans, {versions}")
        programs = {name: (_LOAD, code) for name, code in _SHOWN.items()}
        programs["pandas, from lists"] = _LISTS, "shown = pandas.DataFrame(columns)"
        programs["nutrace.load + spans()"] = "", f"{_LOAD}\nshown = trace.spans()"
        for module, decode in (("msgspec", "msgspec.json.decode"), ("json", "json.loads")):
            programs[f"{module} + pandas"] = f"import {module}", _BY_HAND.format(decode=decode)
        rounds: Dict[str, List[Measure]] = {name: [] for name in programs}
        for _ in range(args.rounds):
            for name, (prepare, code) in programs.items():
                rounds[name].append(measured(path, prepare, code))
        _print({name: min(each, key=lambda one: one.seconds) for name, each in rounds.items()}, args.spans)


if __name__ == "__main__":
    main()
