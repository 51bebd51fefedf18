"""Which spans hold executions of statements, and how many.

A span of nutrace's sqlite3 probe stands for one or more executions. A span of another instrumentation counts
if it has a statement's text, under the names of the semantic conventions of today or of before, unless spans
with statements lie inside it: they are the same executions, one level down.
"""

from __future__ import annotations

from typing import List

from nutrace import semconv
from nutrace.trace.bounds import text, whole
from nutrace.trace.trace import Trace

_TEXTS = (semconv.DB_TEXT, semconv.OLD_DB_TEXT, semconv.SQL_STATEMENT)


def statement_spans(trace: Trace) -> List[int]:
    """The spans that hold executions, and those of SQLAlchemy's fetches, which have rows of executions."""
    holders = [span for span, component in enumerate(trace.component) if _holds_text(trace, span, component)]
    ends = (*holders[1:], len(trace))
    inner = {span for span, following in zip(holders, ends) if following >= trace.subtree_end[span]}
    driver = semconv.STATEMENT_SPAN, semconv.ALCHEMY_FETCH_SPAN
    return [span for span, name in enumerate(trace.name) if name in driver or span in inner]


def executions(trace: Trace, span: int) -> int:
    """How many executions begin in such a span; an executemany counts once for each set of parameters."""
    if trace.name[span] == semconv.ALCHEMY_FETCH_SPAN:
        return 0
    key = semconv.SQL_RUNS if trace.name[span] == semconv.STATEMENT_SPAN else semconv.DB_BATCH
    return trace.calls[span] * max(whole(trace.attributes(span).get(key)), 1)


def _holds_text(trace: Trace, span: int, component: str) -> bool:
    name = trace.name[span]
    if name == semconv.STATEMENT_SPAN:
        return True
    if component != "database" or name.startswith("sqlite3.") or name == semconv.ALCHEMY_FETCH_SPAN:
        return False
    attributes = trace.attributes(span)
    return any(text(attributes.get(key)) for key in _TEXTS)
