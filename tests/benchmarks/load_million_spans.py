"""Measure the time and memory for loading a million spans, beside the standard library's json.

    python tests/benchmarks/load_million_spans.py [--spans N] [--unique SHARE] [--jsonl] [--no-peer]
    python tests/benchmarks/load_million_spans.py --evaluation [--spans N] [--no-peer]

Prints the seconds of ``nutrace.load`` and its peak memory in bytes per span (resident memory of a new
process, with the interpreter), both also as a ratio to the budget (12 s, 1000 bytes a span), and as a ratio
to a peer: ``json.loads`` of the same file and a dictionary of children.

With ``--evaluation`` the spans are those of a real evaluation (:mod:`evaluation_run`), and ``nutrace report``
and ``nutrace report --json`` are measured as well: loading, reporting and printing, in a new process each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List

from evaluation_run import write_evaluation

BUDGET_SECONDS, BUDGET_BYTES = 12.0, 1000.0
_BATCH = 1000
_PRICES = '{"call": [900.0, 200.0, 1.1]}'
_EPOCH_NS = 1_700_000_000_000_000_000

_MEASURE = """
import sys, time
{load}
took, cpu = time.perf_counter() - begin, time.process_time()
# VmHWM is the peak since exec; ru_maxrss includes the parent's.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(took, cpu, int(peak.split()[1]) * 1024, count)
"""

_NUTRACE = """
from nutrace.trace import load
begin = time.perf_counter()
count = len(load(sys.argv[1]))
"""

_REPORT = """
import contextlib, io
from nutrace.cli.main import main
begin = time.perf_counter()
with contextlib.redirect_stdout(io.StringIO()):
    main(["report", sys.argv[1], *{arguments}])
count = {spans}
"""

_PEER = """
import json
begin = time.perf_counter()
children = {}
count = 0
with open(sys.argv[1]) as file:
    documents = [json.loads(line) for line in file]
for document in documents:
    for entry in document["resourceSpans"]:
        for scope in entry["scopeSpans"]:
            for span in scope["spans"]:
                count += 1
                children.setdefault(span.get("parentSpanId"), []).append(span)
"""


def _attributes(function: int, extra: str = "") -> str:
    return (
        '[{"key":"nutrace.component","value":{"stringValue":"database"}},'
        f'{{"key":"code.function.name","value":{{"stringValue":"nuplan.database.queries.function_{function}"}}}},'
        '{"key":"code.file.path","value":{"stringValue":"/home/user/nuplan/database/queries/session.py"}},'
        f'{{"key":"code.line.number","value":{{"intValue":"{100 + function}"}}}},'
        f'{{"key":"thread.id","value":{{"intValue":"140234"}}}}{extra}]'
    )


def _spans(count: int, unique: float) -> Iterator[str]:
    """Yield a run with steps of 1000 spans, three levels deep, children before parents as recorded."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    plain = [_attributes(function) for function in range(40)]
    every = round(1 / unique) if unique else count + 1

    def span(number: int, parent: int, name: str, start: int, end: int, attributes: str) -> str:
        above = f'"parentSpanId":"{parent * 7919:016x}",' if parent else ""
        return (
            f'{{"traceId":"{trace}","spanId":"{number * 7919:016x}",{above}"name":"{name}","kind":1,'
            f'"startTimeUnixNano":"{start}","endTimeUnixNano":"{end}","attributes":{attributes}}}'
        )

    number, now = 2, _EPOCH_NS
    while number <= count:
        step, begin = number, now
        size = min(1000, count - step + 1)
        now += 1000
        for group in range(step + 1, step + size, 10):
            group_begin = now
            last = min(group + 10, step + size)
            now += 500
            for leaf in range(group + 1, last):
                extra = ""
                if leaf % every == 0:
                    extra = f',{{"key":"nutrace.busy_ns","value":{{"intValue":"{1000 + leaf % 4000}"}}}}'
                    extra += f',{{"key":"nutrace.note","value":{{"intValue":"{leaf}"}}}}'
                attributes = _attributes(leaf % 40, extra) if extra else plain[leaf % 40]
                yield span(leaf, group, f"query_{leaf % 40}", now, now + 9_000, attributes)
                now += 10_000
            yield span(group, step, f"get_{group % 7}", group_begin, now, plain[group % 40])
        attributes = _attributes(
            0, f',{{"key":"nutrace.step.index","value":{{"intValue":"{step // 1000}"}}}}'
        )
        yield span(step, 1, "simulation.step", begin, now, attributes)
        number = step + size
    yield span(1, 0, "simulation.run", _EPOCH_NS, now, plain[0])


def write_run(path: Path, count: int, unique: float, lines: bool) -> None:
    """Write a run file of `count` spans, of which a share `unique` has attributes like no other span."""
    head = (
        '{"resourceSpans":[{"resource":{"attributes":[{"key":"process.pid","value":{"intValue":"1"}},'
        f'{{"key":"nutrace.own.prices","value":{{"stringValue":{json.dumps(_PRICES)}}}}},'
        '{"key":"nutrace.run.complete","value":{"boolValue":true}}]},"scopeSpans":['
    )
    with path.open("w") as file:
        batch: List[str] = []
        first = True
        for span in _spans(count, unique):
            batch.append(span)
            if len(batch) == _BATCH:
                _write_batch(file.write, head if first or lines else ",", batch, lines)
                first, batch = False, []
        _write_batch(file.write, head if first or lines else ",", batch, lines)
        file.write("" if lines else "]}]}\n")


def _write_batch(write: object, before: str, batch: List[str], lines: bool) -> None:
    assert callable(write)
    write(f'{before}{{"scope":{{"name":"nutrace","version":"0.1.0"}},"spans":[{",".join(batch)}]}}')
    write("]}]}\n" if lines else "")


@dataclass(frozen=True)
class Measure:
    """Figures of loading in a new process. If seconds exceed CPU seconds, the machine was busy."""

    seconds: float
    cpu_seconds: float
    peak_bytes: float
    spans: int

    def __str__(self) -> str:
        per_span = self.peak_bytes / self.spans
        return f"{self.seconds:7.2f} s  {self.cpu_seconds:7.2f} s CPU  {per_span:7.0f} bytes/span peak"


def measure(load: str, path: Path) -> Measure:
    """Run the code `load` on the file in a new interpreter."""
    code = _MEASURE.format(load=load)
    run = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    seconds, cpu, peak, count = run.stdout.split()
    return Measure(float(seconds), float(cpu), float(peak), int(count))


def main() -> None:
    """Write the file, load it both ways, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--unique", type=float, default=0.1, help="share of spans with unique attributes")
    parser.add_argument("--jsonl", action="store_true", help="one line for each batch, as in a .partial file")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument(
        "--evaluation", action="store_true", help="the spans of an evaluation; report as well"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "run.json"
        if args.evaluation:
            write_evaluation(path, args.spans)
        else:
            write_run(path, args.spans, args.unique, args.jsonl)
        print(f"{path.stat().st_size / 1e6:.0f} MB, {args.spans:,} spans, Python {sys.version.split()[0]}")
        ours = measure(_NUTRACE, path)
        assert ours.spans == args.spans, f"{ours.spans} spans came back"
        print(f"nutrace.load      {ours}")
        seconds, memory = ours.seconds * 1e6 / ours.spans, ours.peak_bytes / ours.spans
        print(f"  of the budget   {seconds / BUDGET_SECONDS:7.2f} {memory / BUDGET_BYTES:29.2f}")
        for arguments in ([], ["--json"]) if args.evaluation else ():
            reported = measure(_REPORT.format(arguments=arguments, spans=args.spans), path)
            print(f"{' '.join(['report', *arguments]):17s} {reported}")
        if not args.no_peer:
            peer = measure(_PEER, path)
            print(f"json.load + dict  {peer}")
            time, memory = ours.seconds / peer.seconds, ours.peak_bytes / peer.peak_bytes
            print(f"  nutrace / peer  {time:7.2f} {memory:29.2f}")


if __name__ == "__main__":
    main()
