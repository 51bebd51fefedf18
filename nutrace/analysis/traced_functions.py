"""The functions of a trace, by the place of their code, to compare with the rows of a profiler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number, text
from nutrace.trace import Trace

#: Spans whose names begin so have the place of their caller, not that of their own code.
_CALLERS = ("copy.", "pickle.", "sqlite3.", "sqlalchemy.")
#: The functions behind such spans: file name and name as in cProfile.
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
        Dotted name with its module, and where the code begins; for functions of the standard library that
        are traced at their callers, the file's name and line 0.
    calls:
        Calls from outside the function: recursion counts once, and a generator counts once.
    nested:
        Calls from within the function itself.
    yielded:
        Values that the function yielded as a generator.
    abandoned:
        Generators that were closed or dropped before their end.
    elsewhere:
        The calls and yields in threads and processes other than the first.
    total_ns:
        Time in its outermost spans.
    gave:
        Values that generators of other functions yielded, which this function returned; None if it never
        returned one.
    given:
        Whether calls and yields are from the spans of functions that returned its generators.
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
        """The name in the code object."""
        return self.function.rpartition(".")[2] if self.line else self.function


class _Functions:
    """The functions counted so far."""

    def __init__(self, trace: Trace) -> None:
        self.by_code: Dict[Code, Traced] = {}
        self._trace = trace
        self._main = trace.thread[trace.roots[0]] if trace.roots else 0
        self._until: Dict[Tuple[Code, int], int] = {}  # the end of the outermost span's subtree

    def add(self, code: Code, span: int, calls: int, yielded: int, abandoned: bool) -> Traced:
        """Add a span to its function, and return that."""
        trace, thread = self._trace, self._trace.thread[span]
        entry = self.by_code.get(code)
        if entry is None:
            entry = self.by_code[code] = Traced(*code)
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


def is_placed_at_caller(name: str) -> bool:
    """Whether the spans of this name have the place of their caller, not that of their own code."""
    return name.startswith(_CALLERS)


def traced_functions(trace: Trace) -> List[Traced]:
    """All functions with spans, except for spans that one function opens and another closes."""
    functions = _Functions(trace)
    resumed = _resumed_elsewhere(trace)
    for span in range(len(trace)):
        name = trace.name[span]
        if name == semconv.STEP_SPAN:
            continue  # a step is no function: it lies between two calls
        calls, yielded = trace.calls[span], trace.yielded[span]
        if is_placed_at_caller(name):
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
    return list(functions.by_code.values())


def _resumed_elsewhere(trace: Trace) -> Set[str]:
    """The ids of spans whose generators went on in other spans."""
    continuing = (trace.attributes(span) for span in range(len(trace)) if not trace.calls[span])
    return {text(attributes, semconv.CONTINUES) for attributes in continuing}


def _place(attributes: Mapping[str, Any], names: Tuple[str, str, str]) -> Optional[Code]:
    function, file, line = (
        text(attributes, names[0]),
        text(attributes, names[1]),
        number(attributes, names[2]),
    )
    return (function, file, line) if file and line else None
