"""Garbage collections outside of simulations: while modules are imported and the configuration is made."""

from __future__ import annotations

from collections import Counter
from typing import Iterator

from nutrace import semconv
from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.kinds.pauses import full_collections
from nutrace.advice.proof import PROGRAM, Proof, plain, program
from nutrace.advice.words import count, ms
from nutrace.analysis.attributes import number

_LISTED = 3
_PREPARE = "mkdir -p seldom && echo 'import gc; gc.set_threshold(100_000, 50, 50)' > seldom/sitecustomize.py"
#: In double quotes the shell puts in the folders.
_BENCH = 'nutrace bench --runs 7 --variant base --variant "seldom:PYTHONPATH=$PWD/seldom:$PYTHONPATH"'


def find(facts: Facts) -> Iterator[Finding]:
    """The full collections outside of simulations."""
    if facts.collections is None or facts.is_part:
        return
    trace = facts.trace
    spans = full_collections(facts, inside=False)
    saves = facts.subtrees(spans)
    around: Counter[str] = Counter()
    for span in spans:
        above = trace.parent[span]
        around[trace.name[above] if above >= 0 else "outside all spans"] += trace.calls[span]
    if not saves:
        return
    places = ", ".join(f"{name} {times:,}" for name, times in around.most_common(_LISTED))
    calls = sum(trace.calls[span] for span in spans)
    freed = sum(number(trace.attributes(span), semconv.GC_COLLECTED) for span in spans)
    yield Finding(
        title="Collect less often while the program starts",
        evidence=(
            f"{count(calls, 'full collection')} outside of simulations, {ms(sum(saves.values()))}: {places}",
            f"they freed {freed:,} objects",
        ),
        sureness=Sureness.ESTIMATED,
        because="with a higher threshold most of them do not happen; once a process, also of Ray's workers",
        saves=saves,
        proof=(plain(_PREPARE), Proof(f"{_BENCH} -- {PROGRAM}", f"{_BENCH} -- {program(facts)}")),
    )
