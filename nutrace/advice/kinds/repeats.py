"""Statements that are executed again with the same parameters, in a step or over the run."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from typing import DefaultDict, Dict, Iterator, List, Set, Tuple

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import against, bench, plain
from nutrace.advice.queries import with_connections
from nutrace.advice.words import count, ms, origin, statement
from nutrace.analysis.database import Statement

_LISTED = 3
_LIGHTS = "scenario.get_traffic_light_status_at_iteration"


def find(facts: Facts) -> Iterator[Finding]:
    """All repeats that a cache of rows can answer, and those that it cannot."""
    if not facts.database.repeated:
        return
    ours, others = _repeated(facts)
    if ours and "row_cache" not in facts.speedups:
        yield _finding(facts, ours, cached=True)
    if others:
        yield _finding(facts, others, cached=False)


def _repeated(facts: Facts) -> Tuple[Dict[int, Tuple[int, float]], Dict[int, Tuple[int, float]]]:
    """By span the repeats in it, and their time: those that the devkit's functions query, and others."""
    seen: Set[Tuple[str, str, str]] = set()
    devkits: Dict[int, Tuple[int, float]] = {}
    others: Dict[int, Tuple[int, float]] = {}
    for batch in facts.batches:
        repeats, spent = 0, 0
        for took, parameters in zip(batch.took_ns, batch.parameters):
            asked = batch.statement, batch.database, parameters
            if asked in seen:
                repeats += batch.runs
                spent += took
            seen.add(asked)
        if repeats:
            by = devkits if facts.is_devkits_query(batch.span) else others
            by[batch.span] = repeats, spent
    return devkits, others


def _finding(facts: Facts, repeated: Dict[int, Tuple[int, float]], *, cached: bool) -> Finding:
    in_steps = sum(number for span, (number, _) in repeated.items() if facts.is_set_off_by_step(span))
    number = in_steps if facts.steps else sum(each for each, _ in repeated.values())
    by_statement: DefaultDict[str, List[int]] = defaultdict(list)
    for batch in facts.batches:
        if batch.span in repeated:
            by_statement[batch.statement].append(batch.span)
    named = [each for each in facts.database.statements if each.statement in by_statement]
    named.sort(key=lambda each: -(each.repeated_ns or 0))
    variants = ["rows:row_cache"]
    lights = any(_LIGHTS in of.path for each in named for of, _ in each.origins)
    if lights and "traffic_light_cache" not in facts.speedups:
        variants.append("lights:traffic_light_cache")
    every = facts.database.in_steps.count if facts.steps else facts.database.all.count
    runs = facts.steps or 1
    repeats = (
        f"{count(every / runs, 'statement')}{' a step' if facts.steps else ''}, of which "
        f"{number / runs:,.2f} have the parameters of an earlier one"
    )
    return Finding(
        title="Keep the rows of statements that are executed again"
        if cached
        else "Execute once what is executed again with the same parameters",
        evidence=(
            repeats,
            *(_evidence(each) for each in named[:_LISTED]),
        ),
        sureness=Sureness.MEASURED,
        because="the time of the repeats, with their connections; to look them up takes a part of it",
        saves=with_connections(
            facts, {span: spent for span, (_, spent) in repeated.items()}, _shares(facts, repeated)
        ),
        proof=(bench(facts, *variants),)
        if cached
        else (plain(f"nutrace sql {shlex.quote(facts.file)} --full"), against(facts)),
    )


def _shares(facts: Facts, repeated: Dict[int, Tuple[int, float]]) -> Dict[int, float]:
    """The part of the executions of each span that are repeats."""
    executions: Counter[int] = Counter()
    for batch in facts.batches:
        executions[batch.span] += batch.calls * batch.runs
    return {span: number / executions[span] for span, (number, _) in repeated.items() if executions[span]}


def _evidence(each: Statement) -> str:
    within = each.repeated_in_step or 0
    callers = ", ".join(dict.fromkeys(origin(of) for of, _ in each.origins))
    return (
        f"{count(each.repeated or 0, 'repeat')}, {within:,} within a step, {ms(each.repeated_ns or 0)}: "
        f"{statement(each.text, each.statement)}, by {callers}"
    )
