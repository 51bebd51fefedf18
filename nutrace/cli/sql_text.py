"""What ``nutrace sql`` prints for people."""

from __future__ import annotations

from collections import Counter
from typing import List, Optional, Sequence

from nutrace.analysis.connections import Connections
from nutrace.analysis.database import Database, Loop, Statement
from nutrace.cli.report_style import Style
from nutrace.cli.sql_callers import callers, place
from nutrace.cli.table import NOT_RECORDED, Column, known, ms, selected
from nutrace.cli.tones import Tone
from nutrace.cli.units import unit_of
from nutrace.plans.findings import Findings, Index
from nutrace.plans.query_plan import accesses
from nutrace.printable import LINE, printable
from nutrace.sql.summary import summary
from nutrace_exporters.labels import counted

_OPENERS = 3  # who opens connections
_SUMMARY = 48  # characters of a statement in the table

_LEGEND = (
    ("component", "what the statement was run for: the component of the span around the database's"),
    ("executions", "how often it ran; an executemany counts once for each set of parameters"),
    ("distinct", "different sets of parameters, compared by a keyed hash; repeated = executions - distinct"),
    ("repeated in a step", "executions that repeat an earlier one of the same step"),
    ("per step", "executions in the steps, divided by the number of steps"),
    ("total", "execute + fetch, without opening and closing connections"),
)
_UNKNOWN = ("-", "not recorded")


def as_text(
    database: Database,
    findings: Optional[Findings],
    style: Style,
    *,
    limit: int = 15,
    full: bool = False,
    selection: str = "",
) -> str:
    """The whole answer.

    Parameters
    ----------
    limit:
        The number of statements listed, 0 for all.
    full:
        Whether to list statements in full length.
    selection:
        What was selected, if not all of the run.
    """
    if not database.recorded:
        return style.text(
            "This run did not record databases: their probes were off, or another program wrote it."
        )
    sections = [*([style.text(selected(selection))] if selection else []), _head(database, selection, style)]
    shown = database.statements[:limit] if limit else database.statements
    if shown:
        sections.append(_table(database, shown, style))
        sections.append(callers(database, shown, style, full=full, everything=full or not limit))
    if database.loops:
        sections.append(_loops(database, style))
    if findings is not None:
        sections.append(_plans(shown, findings, style))
        sections.append(_advice(database, findings, style))
    if shown:
        unknown = any(None in (each.all.rows, each.distinct, each.fetch_ns) for each in shown)
        sections.append(style.glossary([*_LEGEND, *([_UNKNOWN] if unknown else [])]))
    return "\n\n".join(section for section in sections if section)


def _head(database: Database, selection: str, style: Style) -> str:
    steps, inside, connections = database.steps, database.in_steps, database.connections
    lines = []
    if steps:
        opened = "" if connections is None else f"{connections.opened_in_steps / steps:,.2f} connections, "
        rows = "" if inside.rows is None else f"{inside.rows / steps:,.1f} rows, "
        lines.append(
            f"Per step ({steps:,}): {inside.count / steps:,.2f} queries, {opened}{rows}"
            f"{ms(inside.total_ns / steps)} ms in statements{_share(inside.total_ns, database.steps_ns)}."
        )
    rows = known(database.all.rows, "{:,} rows".format, f"rows {NOT_RECORDED}")
    lines.append(
        f"{'In all' if selection else 'Over the run'}: {counted(database.all.count, 'execution')} of "
        f"{counted(len(database.statements), 'statement')}, "
        f"{rows}, {ms(database.all.total_ns)} ms."
    )
    if connections is None:
        lines.append(f"Connections: {NOT_RECORDED}.")
    else:
        lines.append(
            f"Connections: {connections.opened:,} opened{_openers(connections)}; "
            f"{connections.closed:,} closed, at most {connections.peak_open:,} open at a time in a process; "
            f"opening took {ms(connections.connect_ns)} ms, closing {ms(connections.close_ns)} ms."
        )
    transactions = database.transactions
    if transactions.commits or transactions.rollbacks:
        lines.append(
            f"Transactions: {transactions.commits:,} commits, {transactions.rollbacks:,} rollbacks, "
            f"{ms(transactions.total_ns)} ms."
        )
    failed = sum(count for statement in database.statements for _, count in statement.failures)
    if failed:
        lines.append(f"Failed: {counted(failed, 'execution')}; their errors are listed with the callers.")
    repeated = database.repeated
    if database.all.count and repeated is None:
        lines.append(f"Repeats: {NOT_RECORDED}.")
    elif database.all.count and repeated is not None:
        lines.append(
            f"Repeats: {repeated:,} executions "
            f"({100 * repeated / database.all.count:.0f} %) have the statement and parameters of an "
            f"earlier one, {known(database.repeated_ns, ms)} ms: the most that a cache of results could "
            "save. "
            f"Of an earlier one in their step: {known(database.repeated_in_step)}, "
            f"{known(database.repeated_in_step_ns, ms)} ms."
        )
    return "\n".join(style.text(line, hanging=2) for line in lines)


def _openers(connections: Connections) -> str:
    """Who opened them: the functions, or the spans around those if they say more."""
    by_function: Counter[str] = Counter()
    by_span: Counter[str] = Counter()
    for origin, count in connections.origins:
        function = origin.caller.function.rpartition(".")[2]
        span = origin.path[-1] if origin.path else ""
        by_function[function or span or "?"] += count
        by_span[span or function or "?"] += count
    openers = by_span if len(by_span) > len(by_function) else by_function
    if not openers:
        return ""
    listed = openers.most_common(_OPENERS if len(openers) > _OPENERS + 1 else None)
    parts = [f"{printable(name, 100)} {count:,}" for name, count in listed]
    rest = len(openers) - len(listed)
    if rest:
        parts.append(f"{counted(rest, 'other')} {connections.opened - sum(count for _, count in listed):,}")
    return f" by {', '.join(parts)}"


def _share(part: int, whole: int) -> str:
    return f" ({100 * part / whole:.1f} % of the step)" if whole else ""


def _table(database: Database, shown: Sequence[Statement], style: Style) -> str:
    unit = unit_of([statement.all.total_ns for statement in shown])
    columns = [
        *(Column("#"), Column("statement", right=False, least=28)),
        Column("component", right=False, rank=5, component=True),
        *(Column("executions"), Column("distinct", rank=8), Column("repeated", rank=4)),
        *(Column("repeated in a step", rank=9), Column("rows", rank=6)),
        *(Column(f"execute {unit.name}", rank=10), Column(f"fetch {unit.name}", rank=11)),
        *(Column(f"total {unit.name}"), Column("share", rank=3, bar=True), Column("per step", rank=2)),
    ]
    rows = [
        [
            str(number),
            summary(statement.text, _SUMMARY) or statement.statement,
            statement.component,
            f"{statement.all.count:,}",
            known(statement.distinct),
            known(statement.repeated),
            known(statement.repeated_in_step),
            known(statement.all.rows),
            unit.short(statement.execute_ns),
            known(statement.fetch_ns, unit.short),
            unit.short(statement.all.total_ns),
            f"{100 * statement.all.total_ns / database.all.total_ns:.1f} %" if database.all.total_ns else "-",
            f"{statement.in_steps.count / database.steps:.2f}" if database.steps else "-",
        ]
        for number, statement in enumerate(shown, 1)
    ]
    rest = len(database.statements) - len(shown)
    more = [style.below_table(f"and {rest:,} more: --limit 0 shows all")] if rest else []
    return "\n".join([style.heading("Statements"), style.table(columns, rows), *more])


def _loops(database: Database, style: Style) -> str:
    numbers = {statement.statement: str(number) for number, statement in enumerate(database.statements, 1)}
    columns = [Column("#"), Column("caller", right=False, least=24), Column("steps", rank=4)]
    columns += [Column("executions", rank=3), Column("in a step"), Column("a batch saves ms", rank=2)]
    heading = style.heading("Queries in a loop (N+1): one caller, one statement, many parameters in a step")
    return "\n".join([heading, style.table(columns, [_loop(loop, numbers) for loop in database.loops])])


def _loop(loop: Loop, numbers: dict[str, str]) -> List[str]:
    return [
        numbers.get(loop.statement, "?"),
        place(loop.origin),
        f"{loop.steps:,}",
        f"{loop.executions:,}",
        f"{loop.executions / loop.steps:.1f}",
        ms(loop.saved_ns),
    ]


def _plans(shown: Sequence[Statement], findings: Findings, style: Style) -> str:
    lines = [style.heading("Plans")]
    for number, statement in enumerate(shown, 1):
        mark = f"{number:3d}  "
        for plan in findings.of(statement):
            explained = plan.explained
            scans = {scan.alias: scan for scan in explained.scans}
            for line in explained.plan or (explained.note,):
                remark = ""
                for access in accesses((line,)):
                    scan = scans.get(access.name)
                    if scan is not None and (access.full or access.automatic):
                        what = "index made and thrown away each time" if scan.automatic else "full scan"
                        remark = f"   <- {what}: {printable(scan.table)}, {scan.rows:,} rows"
                tone = Tone.DOUBTFUL if remark else Tone.PLAIN
                hanging = 2 + len(mark.strip() + "  " if mark.strip() else "")
                text = f"{mark}{printable(line, 160)}{remark}"
                lines.append(style.text(text, hanging=hanging, tone=tone))
                mark = "     "
            if explained.plan and explained.note:
                lines.append(style.text(f"({printable(explained.note, 160)})", indent=5, hanging=2))
            if len(statement.uses) > 1:
                lines.append(style.text(f"in {printable(plan.use.database, LINE)}", indent=5, hanging=2))
    if len(lines) == 1:
        lines.append(style.line("none"))
    return "\n".join([*lines, *(style.line(printable(note, LINE)) for note in findings.notes)])


def _advice(database: Database, findings: Findings, style: Style) -> str:
    if not findings.advised_on or not any(plan.explained.plan for plan in findings.plans):
        return ""
    if not findings.indexes:
        scans = sum(len(plan.explained.scans) for plan in findings.plans)
        if not scans:
            return style.text("Advice: none. No statement scans a whole table.")
        return style.text(
            "Advice: none. No index that SQLite would use saves 1 % of the time of the statements."
        )
    heading = (
        "Advice: indexes that SQLite's planner uses, tried on an empty copy of the schema with its statistics"
    )
    lines = [style.heading(heading)]
    order = {statement.statement: number for number, statement in enumerate(database.statements, 1)}
    for index in findings.indexes:
        lines += _index(database, index, order, style)
    return "\n".join(lines)


def _index(database: Database, index: Index, order: dict[str, int], style: Style) -> List[str]:
    advice = index.advice
    users = ", ".join(f"#{order[statement]}" for statement in index.statements)
    rows = f"{counted(round(advice.rows_after), 'row')} to read instead of {advice.rows:,}"
    saved = f"{ms(index.saved_ns)} ms over the run"
    if database.steps and index.saved_in_steps_ns:
        saved = (
            f"{ms(index.saved_in_steps_ns / database.steps)} ms a step"
            f"{_share(index.saved_in_steps_ns, database.steps_ns)}, {saved}"
        )
    return [
        style.text(f"{printable(advice.ddl, LINE)};", indent=2, hanging=4),
        style.text(f"for {users}: {rows}; saves about {saved}", indent=6, hanging=2),
        style.text(f"in {printable(index.database, LINE)}", indent=6, hanging=2),
    ]
