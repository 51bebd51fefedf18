"""Which functions execute the statements that ``nutrace sql`` lists, and below which spans."""

from __future__ import annotations

from typing import List, Sequence

from nutrace.analysis.database import Database, Statement
from nutrace.analysis.origins import Origin
from nutrace.cli.fitting import wrapped
from nutrace.cli.report_style import Style
from nutrace.cli.table import ms
from nutrace.cli.tones import Tone
from nutrace.printable import printable
from nutrace_exporters.labels import counted

_ORIGINS = 4  # lines of callers below a statement
_LEAST_SHARE = 0.01  # of the statements' time, for a statement whose callers are listed
_WIDTH = 100


def callers(
    database: Database, shown: Sequence[Statement], style: Style, *, full: bool, everything: bool
) -> str:
    """Who executes each statement, for those that take time, or for `everything`; and how they failed."""
    lines = [style.heading("Callers")]
    width = _WIDTH if style.width is None else min(_WIDTH, style.width - 5)
    least_ns = 0 if everything else _LEAST_SHARE * database.all.total_ns
    left_out = 0
    for number, statement in enumerate(shown, 1):
        if statement.all.total_ns < least_ns and not statement.failures:
            left_out += 1
            continue
        mark = f"{number:3d}  "
        text = statement.text or statement.statement
        parts = wrapped(" ".join(printable(text, len(text) if full else 2 * _WIDTH).split()), width)
        lines += [
            style.text(f"{mark if not line else '     '}{part}", tone=Tone.STRONG)
            for line, part in enumerate(parts)
        ]
        lines += _origins(statement, style)
        for error, executions in statement.failures[:_ORIGINS]:
            lines.append(_times(executions, f"failed: {printable(error, _WIDTH)}", style, Tone.BAD))
    if left_out:
        less = f"{counted(left_out, 'statement')} with less than {100 * _LEAST_SHARE:g} % of the time"
        lines.append(style.line(f"and those of {less}: --limit 0 shows all"))
    return "\n".join(lines)


def _origins(statement: Statement, style: Style) -> List[str]:
    """A line for each origin; a function that is the same in all of them has one of its own."""
    shown = list(zip(statement.origins, statement.origins_ns))[:_ORIGINS]
    functions = {_function(origin) for origin, _ in statement.origins}
    same = (
        "".join(functions) if len(functions) == 1 and all(each.path for each, _ in statement.origins) else ""
    )
    lines = [style.text(f"executed in {same}, called from", indent=5, hanging=2)] if same else []
    for (origin, executions), took_ns in shown:
        where = _path(origin) if same else place(origin)
        lines.append(_times(executions, f"{ms(took_ns):>7} ms  {where}", style))
    rest = len(statement.origins) - len(shown)
    if rest:
        lines.append(style.text(f"and {counted(rest, 'other caller')}", indent=15))
    return lines


def _times(executions: int, what: str, style: Style, tone: Tone = Tone.PLAIN) -> str:
    hanging = len(f"{executions:,} x  ")
    return style.text(f"{executions:>7,} x  {what}", indent=5, hanging=hanging, tone=tone)


def _path(origin: Origin) -> str:
    return " > ".join(printable(name) for name in origin.path)


def _function(origin: Origin) -> str:
    caller = origin.caller
    return f"{printable(caller.function, 100)}:{caller.line}" if caller.function else ""


def place(origin: Origin) -> str:
    """The spans around a call, and the function that calls."""
    return " | ".join(part for part in (_path(origin), _function(origin)) if part) or "?"
