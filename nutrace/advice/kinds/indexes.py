"""Indexes that statements lack: SQLite's planner would use them, and they leave few of the rows to read."""

from __future__ import annotations

import shlex
from typing import Dict, Iterator, Tuple

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import Proof, bench, plain
from nutrace.advice.words import ms, statement
from nutrace.plans.candidates import CANDIDATES
from nutrace.plans.findings import Index


def find(facts: Facts) -> Iterator[Finding]:
    """An index for each finding."""
    if not facts.database.all.count:
        return
    facts.notes += facts.plans.notes
    for index in facts.plans.indexes:
        advice = index.advice
        yield Finding(
            title=f"Make an index on {advice.table} ({', '.join(advice.columns)})",
            evidence=tuple(_evidence(facts, index)),
            sureness=Sureness.VERIFIED,
            because="SQLite's planner uses it on an empty copy of the schema; the time is that of the rows "
            "that need not be read any more",
            saves=_saves(facts, index),
            likely_part=1.0,
            proof=_proof(facts, index),
        )


def _evidence(facts: Facts, index: Index) -> Iterator[str]:
    texts = {each.statement: each.text for each in facts.database.statements}
    for part in index.parts:
        of = part.use.in_steps if facts.steps else part.use.all
        runs = facts.per_step(of.count)
        each = ms(of.total_ns / of.count) if of.count else ms(part.use.all.total_ns / part.use.all.count)
        yield f"{runs}, {each} each: {statement(texts.get(part.statement, ''), part.statement)}"
    after = max(round(index.advice.rows_after), 1)
    yield f"reads all {index.advice.rows:,} rows of {index.advice.table} (EXPLAIN: SCAN) for some {after:,}"
    yield f"in {index.database}"


def _saves(facts: Facts, index: Index) -> Dict[int, float]:
    parts = {part.statement: part for part in index.parts}
    saves: Dict[int, float] = {}
    for batch in facts.batches:
        part = parts.get(batch.statement)
        if part is None or batch.database != index.database:
            continue
        inside, everywhere = part.use.in_steps.total_ns, part.use.all.total_ns
        if facts.is_set_off_by_step(batch.span):
            share = part.saved_in_steps_ns / inside if inside else 0.0
        else:
            outside = everywhere - inside
            share = (part.saved_ns - part.saved_in_steps_ns) / outside if outside else 0.0
        saves[batch.span] = share * batch.total_ns
    return saves


def _proof(facts: Facts, index: Index) -> Tuple[Proof, ...]:
    run, log = shlex.quote(facts.file), shlex.quote(index.database)
    make = f"nutrace index {log} --run {run}"
    devkits = (index.advice.table, *index.advice.columns) in CANDIDATES
    first = () if devkits else (plain(f"{make} --copy"),)  # the speedup makes the devkit's itself
    return (*first, bench(facts, "indexes:indexes:place=copy"), plain(f"{make} --apply"))
