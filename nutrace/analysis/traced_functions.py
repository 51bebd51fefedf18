"""The functions of a trace, by where their code stands: what another profiler's rows are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from nutrace import semconv
from nutrace.trace import Trace

#: Spans of these names say where they were called from, not where their own code stands.
_CALLERS = ("copy.", "pickle.", "sqlite3.", "sqlalchemy.")
#: What they stand for: the file's last part and the name, as cProfile has them.
LIBRARY: Dict[str, Tuple[str, str]] = {
    "copy.deepcopy": ("copy.py", "deepcopy"),
    "copy.copy": ("copy.py", "copy"),
    "pickle.dumps": ("~", "<built-in method _pickle.dumps>"),
    "pickle.loads": ("~", "<built-in method _pickle.loads>"),
}
_OWN = (semconv.CODE_FUNCTION, semconv.CODE_FILE, semconv.CODE_LINE)
_GIVEN = (semconv.GIVEN_FUNCTION, semconv.GIVEN_FILE, semconv.GIVEN_LINE)
Code = Tuple[str, str, int]  # dotted name, file, line


@dataclass
class Traced:
    """One function of a trace.

    Attributes
    ----------
    function, file, line:
        Dotted name with its module, and where the code begins; for the library's functions
        that are traced by caller the last part of the path, and line 0.
    calls:
        From outside: a function that calls itself counts once, a generator once.
    nested:
        Calls from within the function itself.
    yielded:
        Values that it yielded as a generator of its own.
    abandoned:
        Generators that were closed or forgotten before their end.
    elsewhere:
        Of all calls and yields, those in other threads and processes than the first.
    total_ns:
        Time in its outermost spans.
    gave:
        Values that generators of other functions yielded which its calls gave; none if none did.
    given:
        Whether it has calls and yields of generators that other functions gave, whose spans they are.
    """

    function: str
    file: str
    line: int
    calls: int = 0
    nested: int = 0
    yielded: int = 0
    abandoned: int = 0
    elsewhere: int = 0
    total_ns: int = 0
    gave: Optional[int] = None
    given: bool = False

    @property
    def name(self) -> str:
        """As the code itself is called."""
        return self.function.rpartition(".")[2] if self.line else self.function


class _Functions:
    """What has been counted so far."""

    def __init__(self, trace: Trace) -> None:
        self.found: Dict[Code, Traced] = {}
        self._trace = trace
        self._main = trace.thread[trace.roots[0]] if trace.roots else 0
        self._until: Dict[Tuple[Code, int], int] = {}  # the end of the outermost span's subtree

    def add(self, code: Code, span: int, calls: int, yielded: int, abandoned: bool) -> Traced:
        """Add a span to a function's account."""
        trace, thread = self._trace, self._trace.thread[span]
        entry = self.found.get(code)
        if entry is None:
            entry = self.found[code] = Traced(*code)
        if span < self._until.get((code, thread), 0):
            entry.nested += calls
        else:
            self._until[code, thread] = trace.subtree_end[span]
            entry.calls += calls
            entry.total_ns += trace.busy_ns[span]
        entry.yielded += yielded
        if thread != self._main:
            entry.elsewhere += calls + yielded
        entry.abandoned += abandoned
        return entry


def traced_functions(trace: Trace) -> List[Traced]:
    """Every function that has spans; without those opened by one function and closed by another."""
    functions = _Functions(trace)
    resumed = _resumed_elsewhere(trace)
    for span in range(len(trace)):
        name = trace.name[span]
        if name == semconv.STEP_SPAN:
            continue  # from the end of one call to the end of another
        calls, yielded = trace.calls[span], trace.yielded[span]
        if name.startswith(_CALLERS):
            if name in LIBRARY:
                file, function = LIBRARY[name]
                functions.add((function, file, 0), span, calls, 0, False)
            continue
        attributes = trace.attributes(span)
        own, given = _place(attributes, _OWN), _place(attributes, _GIVEN)
        if own is None:
            continue
        abandoned = bool(yielded and attributes.get(semconv.ABANDONED))
        if given is None:
            functions.add(own, span, calls, yielded, abandoned)
            continue
        giving = functions.add(own, span, calls, 0, False)
        giving.gave = (giving.gave or 0) + yielded
        begun = semconv.YIELDED in attributes or trace.span_id(span) in resumed
        functions.add(given, span, calls if begun else 0, yielded, abandoned).given = True
    return list(functions.found.values())


def _resumed_elsewhere(trace: Trace) -> Set[str]:
    """The ids of the calls whose generators went on in other spans than theirs."""
    continuing = (trace.attributes(span) for span in range(len(trace)) if not trace.calls[span])
    return {
        str(attributes[semconv.CONTINUES]) for attributes in continuing if semconv.CONTINUES in attributes
    }


def _place(attributes: Mapping[str, Any], names: Tuple[str, str, str]) -> Optional[Code]:
    function, file, line = (attributes.get(name) for name in names)
    if isinstance(function, str) and isinstance(file, str) and isinstance(line, int) and file and line:
        return function, file, line
    return None
