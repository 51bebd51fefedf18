"""How many times its price an event costs after the program itself has run for some time.

    python tests/benchmarks/cold_prices.py [--rounds 5]

A program of no planner's works for a while before each event, in one of three ways: Python code that walks
through many small objects, the standard library on texts, and copying of memory. The event is clocked, traced
and untraced in turn; nutrace's part is the difference. The table has how many times as much that is as
without work in between, as the middle over the events of all rounds, for each kind of event and way of
working, and the middle of all these beside what is shipped in `nutrace/probes/shipped_prices.py`. How long
the program works is the middle of a degree of coldness (`nutrace.prices.coldness`).

Run it on a machine that does nothing else: other programs empty the caches as well, and not only where they
take the processor from this one; such events are left out. Fails (exit code 1) if
the middle is 1.5 times what is shipped, or the other way round.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import os
import platform
import random
import re
import sqlite3
import sys
import tempfile
import textwrap
from itertools import count
from pathlib import Path
from resource import RUSAGE_THREAD, getrusage
from statistics import median
from typing import Any, Callable, Dict, Iterator, List, Tuple

from prices import ITEMS, OF_COPIES, OF_SQLITE, PLAIN, PROBED, Functions, clock

import nutrace
from nutrace.prices import WARM_NS, coldness, duration
from nutrace.probes.shipped_prices import COLD

WRONG = 1.5
#: How long the program works in between, and before how many events.
WORK = {2 * WARM_NS * 4**degree: 160 >> degree for degree in range(len(COLD))}
WARM_EVENTS = 400
Work = Callable[[], None]
Event = Callable[[], Any]


class Node:
    """A small object of some 100,000, which follow each other in no order of their addresses."""

    __slots__ = "after", "x", "y"


def objects() -> Work:
    """Walks through objects with some hundred functions; a turn takes some 5 us."""
    nodes = [Node() for _ in range(100_000)]
    random.Random(1).shuffle(nodes)
    for place, node in enumerate(nodes):
        node.x, node.y, node.after = float(place), place * 2, nodes[place - 1]
    made: Dict[str, Any] = {}
    for number in range(300):
        exec(
            f"def f{number}(node):\n"
            "    total = 0.0\n"
            "    for _ in range(8):\n"
            f"        total += node.x * {number} - node.y\n"
            "        node = node.after\n"
            f"    found = {{'f{number}': total, 'y': node.y}}\n"
            f"    return node if found['f{number}'] < 1e300 else node.after\n",
            made,
        )
    functions = [made[f"f{number}"] for number in range(300)]
    place, node = count(), nodes[0]

    def turn() -> None:
        nonlocal node
        node = functions[next(place) % 300](node)

    return turn


def library() -> Work:
    """Reads and writes JSON, searches and wraps texts, sorts; a turn takes some 50 us."""
    texts = [
        json.dumps({f"key {each}": [number, str(each) * 9, {"x": each / 7}] for each in range(5)})
        for number in range(2000)
    ]
    steps: List[Callable[[str], Any]] = [
        lambda text: json.dumps(json.loads(text), indent=1),
        lambda text: re.findall(r"(\w+) (\d+)", text),
        lambda text: textwrap.wrap(text[:150], 40),
        lambda text: sorted(text.split(","), key=len),
        lambda text: text.translate({65: 66}).upper().encode("utf-16"),
    ]
    place = count()

    def turn() -> None:
        number = next(place)
        steps[number % 5](texts[number * 7 % 2000])

    return turn


def memory() -> Work:
    """Copies 32 MB in pieces; a turn takes some 5 us."""
    target, source = memoryview(bytearray(16 << 20)), memoryview(bytes(16 << 20))
    size = 64 << 10
    place = count()

    def turn() -> None:
        at = next(place) % 256 * size
        target[at : at + size] = source[at : at + size]

    return turn


def api() -> Event:
    from opentelemetry import trace

    tracer = trace.get_tracer("benchmark")

    def one() -> None:
        with tracer.start_as_current_span("api"):
            pass

    return one


def events(of: Functions) -> Dict[str, Event]:
    """Single events, by kind; made while tracing is as it is when they happen."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a INTEGER)")
    connection.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(50_000)])
    rows, values = connection.execute("SELECT a FROM t"), of.values(50_000)
    in_turn = [of.one, of.other]
    opened: List[sqlite3.Connection] = []
    number = count()

    def call() -> None:
        in_turn[next(number) % 2]()

    def error() -> None:
        with contextlib.suppress(ValueError):
            of.failing()

    def connect_or_close() -> None:
        if opened:
            opened.pop().close()
        else:
            opened.append(sqlite3.connect(":memory:"))

    return {
        "call": call,
        "merged": of.one,
        "resumption": lambda: next(values),
        "statement": lambda: connection.execute("SELECT 1").fetchone(),
        "row": lambda: next(rows),
        "connection": connect_or_close,
        "copy": lambda: copy.deepcopy(ITEMS),
        "error": error,
        "api": api(),
    }


def clocked(event: Event, work: Work, work_ns: int, number: int) -> Iterator[int]:
    """What each event took before and in which no other program had the processor."""
    for _ in range(number):
        switches = getrusage(RUSAGE_THREAD).ru_nivcsw
        began = clock()
        while work_ns and clock() - began < work_ns:
            work()
        began = clock()
        event()
        took = clock() - began
        if getrusage(RUSAGE_THREAD).ru_nivcsw == switches:
            yield took


def measure(of: Functions, work: Work) -> Dict[Tuple[str, int], List[int]]:
    """What events took, by kind and by how long the program worked before each."""
    found = {}
    for kind, event in events(of).items():
        for work_ns, number in {0: WARM_EVENTS, **WORK}.items():
            found[kind, work_ns] = list(clocked(event, work, work_ns, number))
    return found


def traced(work: Work, folder: str) -> Dict[Tuple[str, int], List[int]]:
    """The same below a span."""
    settings = nutrace.Settings(output=str(Path(folder, "run.json")), summary=False, flush_seconds=3600)
    session = nutrace.instrument(settings, probes=[*OF_COPIES, *OF_SQLITE])
    with nutrace.span("outer"):
        found = measure(PROBED, work)
    assert session.recorder.diagnostics.dropped == 0
    nutrace.uninstrument()
    return found


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    assert [coldness(duration(work_ns), 1) for work_ns in WORK] == [1 + each for each in range(len(COLD))]
    ways = {make.__name__: make() for make in (objects, library, memory)}
    took: Dict[Tuple[str, str, int], Tuple[List[int], List[int]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for way, work in ways.items():
                for place, found in enumerate((measure(PLAIN, work), traced(work, folder))):
                    for (kind, work_ns), each in found.items():
                        took.setdefault((way, kind, work_ns), ([], []))[place].extend(each)
    if not all(bare and with_it for bare, with_it in took.values()):
        raise SystemExit("other programs had the processor before all events of some kind")
    counted = [sum(len(each[1]) for key, each in took.items() if key[2] == work_ns) for work_ns in WORK]
    cost = {key: median(with_it) - median(bare) for key, (bare, with_it) in took.items()}
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores; times what an event costs without work"
    )
    print(f"{'':24s}{'ns':>8s}" + "".join(f"{work_ns / 1000:9.0f} us" for work_ns in WORK))
    ratios: Dict[int, List[float]] = {work_ns: [] for work_ns in WORK}
    for way in ways:
        for kind in dict.fromkeys(kind for _, kind, _ in cost):
            warm_ns = cost[way, kind, 0]
            row = [cost[way, kind, work_ns] / warm_ns for work_ns in WORK]
            print(f"{way:12s}{kind:12s}{warm_ns:8.0f}" + "".join(f"{each:12.2f}" for each in row))
            for work_ns, each in zip(WORK, row):
                ratios[work_ns].append(each)
    middle = [median(each) for each in ratios.values()]
    print(f"{'the middle':32s}" + "".join(f"{each:12.2f}" for each in middle))
    print(f"{'events':32s}" + "".join(f"{each:12d}" for each in counted))
    print(f"{'shipped':32s}" + "".join(f"{each:12.2f}" for each in COLD))
    return 1 if any(not 1 / WRONG < each / ours < WRONG for each, ours in zip(middle, COLD)) else 0


if __name__ == "__main__":
    sys.exit(main())
