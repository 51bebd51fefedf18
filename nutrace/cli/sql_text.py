"""What ``nutrace sql`` prints for people."""

from __future__ import annotations

import textwrap
from typing import List, Optional, Sequence

from nutrace.analysis.asked_by import Caller
from nutrace.analysis.database import Database, Loop, Statement
from nutrace.cli.table import Column, ms, printable, text_table
from nutrace.plans.findings import Findings, Index

_CALLERS = 4  # lines of them under a statement
_WIDTH = 100
_GIST = 48  # characters of a statement in the table

_LEGEND = (
    ("executions", "how often it ran, each set of parameters of an executemany counted"),
    ("distinct", "different sets of parameters, told by a keyed hash; repeated = executions - distinct"),
    ("in step", "repeats of an earlier execution of the same step"),
    ("per step", "executions that a step set off, by the number of steps"),
    ("total", "execute + fetch; opening and closing connections is not in it"),
)


def as_text(found: Database, findings: Optional[Findings], *, limit: int = 15, full: bool = False) -> str:
    """The whole answer; `limit` is how many statements are listed, 0 for all of them."""
    if not found.recorded:
        return "This run did not record any database: another program wrote it, or its probes were off."
    sections = [_head(found)]
    shown = found.statements[:limit] if limit else found.statements
    if shown:
        sections.append(_table(found, shown))
        sections.append(_askers(shown, full))
    if found.loops:
        sections.append(_loops(found))
    if findings is not None:
        sections.append(_plans(shown, findings))
        sections.append(_advice(found, findings))
    if shown:
        width = max(len(term) for term, _ in _LEGEND)
        sections.append("\n".join(f"  {term.ljust(width)}  {text}" for term, text in _LEGEND))
    return "\n\n".join(section for section in sections if section)


def _head(found: Database) -> str:
    steps, inside, connections = found.steps, found.in_steps, found.connections
    lines = []
    if steps:
        lines.append(
            f"Per step ({steps:,}): {inside.count / steps:,.2f} queries, "
            f"{connections.opened_in_steps / steps:,.2f} connections, {inside.rows / steps:,.1f} rows, "
            f"{ms(inside.total_ns / steps)} ms in statements{_share(inside.total_ns, found.steps_ns)}."
        )
    lines.append(
        f"Over the run: {found.all.count:,} executions of {len(found.statements):,} statements, "
        f"{found.all.rows:,} rows, {ms(found.all.total_ns)} ms."
    )
    lines.append(
        f"Connections: {connections.opened:,} opened, {connections.closed:,} closed, at most "
        f"{connections.peak_open:,} open in a process; opening took {ms(connections.connect_ns)} ms, "
        f"closing {ms(connections.close_ns)} ms."
    )
    transactions = found.transactions
    if transactions.commits or transactions.rollbacks:
        lines.append(
            f"Transactions: {transactions.commits:,} commits, {transactions.rollbacks:,} rollbacks, "
            f"{ms(transactions.total_ns)} ms."
        )
    if found.all.count:
        lines.append(
            f"Repeats: {found.repeated:,} executions ({100 * found.repeated / found.all.count:.0f} %) have "
            f"statement and parameters of an earlier one, {ms(found.repeated_ns)} ms: the most that any "
            f"cache of results could save. Within their step: {found.repeated_in_step:,}, "
            f"{ms(found.repeated_in_step_ns)} ms."
        )
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f" ({100 * part / whole:.1f} % of the step)" if whole else ""


def _table(found: Database, shown: Sequence[Statement]) -> str:
    columns = [Column("#"), Column("statement", right=False), Column("component", right=False)]
    names = "executions", "distinct", "repeated", "in step", "rows", "execute ms", "fetch ms", "total ms"
    columns += [Column(name) for name in (*names, "share", "per step")]
    rows = [
        [
            str(number),
            printable(_gist(statement), _GIST),
            statement.component,
            f"{statement.all.count:,}",
            f"{statement.distinct:,}",
            f"{statement.repeated:,}",
            f"{statement.repeated_in_step:,}",
            f"{statement.all.rows:,}",
            ms(statement.execute_ns),
            ms(statement.fetch_ns),
            ms(statement.all.total_ns),
            f"{100 * statement.all.total_ns / found.all.total_ns:.1f} %" if found.all.total_ns else "-",
            f"{statement.in_steps.count / found.steps:.2f}" if found.steps else "-",
        ]
        for number, statement in enumerate(shown, 1)
    ]
    rest = len(found.statements) - len(shown)
    more = f"\n  and {rest:,} more: --limit 0 shows all" if rest else ""
    return f"Statements\n{text_table(columns, rows)}{more}"


def _gist(statement: Statement) -> str:
    """A statement in few words: what it does, and on which tables."""
    words = statement.text.split()
    if not words:
        return statement.statement
    verbs = ("FROM", "JOIN", "INTO", "UPDATE", "TABLE")
    tables = [
        word.strip("(),;")
        for before, word in zip(words, words[1:])
        if before.upper() in verbs and word != "("
    ]
    if not tables or len(statement.text) <= _GIST:
        return statement.text
    named = ", ".join(dict.fromkeys(tables))
    first = statement.text[: _GIST - 4 - min(len(named), 30)].rstrip()
    return f"{first}… {named}"


def _askers(shown: Sequence[Statement], full: bool) -> str:
    lines = ["Who asks"]
    for number, statement in enumerate(shown, 1):
        mark = f"{number:3d}  "
        text = statement.text or statement.statement
        wrapped = textwrap.wrap(printable(text, len(text) if full else 2 * _WIDTH), _WIDTH) or [""]
        lines += [f"{mark if not line else '     '}{part}" for line, part in enumerate(wrapped)]
        for caller, executions in statement.callers[:_CALLERS]:
            lines.append(f"     {executions:>7,} x  {_who(caller)}")
        if len(statement.callers) > _CALLERS:
            lines.append(f"               and {len(statement.callers) - _CALLERS:,} other callers")
    return "\n".join(lines)


def _who(caller: Caller) -> str:
    path = " > ".join(printable(name) for name in caller.path)
    place = f"{printable(caller.function, 100)}:{caller.line}" if caller.function else ""
    return " | ".join(part for part in (path, place) if part) or "?"


def _loops(found: Database) -> str:
    numbers = {statement.statement: str(number) for number, statement in enumerate(found.statements, 1)}
    columns = [Column("#"), Column("caller", right=False)]
    columns += [Column(name) for name in ("steps", "executions", "in a step", "a batch saves ms")]
    return "Asked in a loop (N+1): one caller, one statement, many parameters in a step\n" + text_table(
        columns, [_loop(loop, numbers) for loop in found.loops]
    )


def _loop(loop: Loop, numbers: dict[str, str]) -> List[str]:
    return [
        numbers.get(loop.statement, "?"),
        _who(loop.caller),
        f"{loop.steps:,}",
        f"{loop.executions:,}",
        f"{loop.executions / loop.steps:.1f}",
        ms(loop.saved_ns),
    ]


def _plans(shown: Sequence[Statement], findings: Findings) -> str:
    lines = ["Plans"]
    for number, statement in enumerate(shown, 1):
        mark = f"{number:3d}  "
        for plan in findings.of(statement):
            explained = plan.explained
            scanned = {scan.alias: scan for scan in explained.scans}
            for line in explained.plan or (explained.note,):
                words = line.split()
                scan = next((scanned[word] for word in words[1:] if word in scanned), None)
                told = ""
                if scan is not None and (words[0] == "SCAN" or "AUTOMATIC" in words):
                    what = "index made and thrown away each time" if scan.automatic else "full scan"
                    told = f"   <- {what}: {printable(scan.table)}, {scan.rows:,} rows"
                lines.append(f"{mark}{printable(line, 160)}{told}")
                mark = "     "
            if explained.plan and explained.note:
                lines.append(f"     ({printable(explained.note, 160)})")
            if len(statement.uses) > 1:
                lines.append(f"     in {printable(plan.use.database, 400)}")
    if len(lines) == 1:
        lines.append("  none")
    return "\n".join([*lines, *(f"  {printable(note, 400)}" for note in findings.notes)])


def _advice(found: Database, findings: Findings) -> str:
    if not findings.advised_on:
        return ""
    if not findings.indexes:
        scans = sum(len(plan.explained.scans) for plan in findings.plans)
        if not scans:
            return "Advice: none. No statement scans a whole table."
        return "Advice: none. No index that SQLite would take saves 1 % of the statements' time."
    lines = [
        "Advice: indexes that SQLite's planner takes, tried on an empty clone with the file's statistics"
    ]
    order = {statement.statement: number for number, statement in enumerate(found.statements, 1)}
    for index in findings.indexes:
        lines += _index(found, index, order)
    return "\n".join(lines)


def _index(found: Database, index: Index, order: dict[str, int]) -> List[str]:
    advice = index.advice
    users = ", ".join(f"#{order[statement]}" for statement in index.statements)
    rows = f"{advice.rows:,} rows to look at become {advice.rows_after:,.0f}"
    saved = f"{ms(index.saved_ns)} ms over the run"
    if found.steps and index.saved_in_steps_ns:
        saved = (
            f"{ms(index.saved_in_steps_ns / found.steps)} ms a step"
            f"{_share(index.saved_in_steps_ns, found.steps_ns)}, {saved}"
        )
    return [
        f"  {printable(advice.ddl, 400)};",
        f"      for {users}: {rows}; saves about {saved}",
        f"      in {printable(index.database, 400)}",
    ]
