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
        Values that it yielded as a generator.
    abandoned:
        Generators that were closed or forgotten before their end.
    elsewhere:
        Of all calls and yields, those in other threads and processes than the first.
    total_ns:
        Time in its outermost spans.
    gives:
        Whose generators its calls gave, if another function's, which has its calls and yields too.
    given:
        Whether it is such a function: its calls and yields are those of the functions that gave it.
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
    gives: str = ""
    given: bool = False

    @property
    def name(self) -> str:
        """As the code itself is called."""
        return self.function.rpartition(".")[2] if self.line else self.function


def traced_functions(trace: Trace) -> List[Traced]:
    """Every function that has spans; without those opened by one function and closed by another."""
    found: Dict[Code, Traced] = {}
    until: Dict[Tuple[str, str, int, int], int] = {}  # the end of the outermost span's subtree
    main = trace.thread[trace.roots[0]] if trace.roots else 0
    givers = _givers(trace)
    for span in range(len(trace)):
        key = _code(trace, span)
        if key is None:
            continue
        entry = found.get(key)
        if entry is None:
            entry = found[key] = Traced(*key)
        calls, yielded, thread = trace.calls[span], trace.yielded[span], trace.thread[span]
        if span < until.get((*key, thread), 0):
            entry.nested += calls
        else:
            until[(*key, thread)] = trace.subtree_end[span]
            entry.calls += calls
            entry.total_ns += trace.busy_ns[span]
        if thread != main:
            entry.elsewhere += calls
        if key in givers:
            entry.gives = " or ".join(sorted(function for function, _, _ in givers[key]))
            if len(givers[key]) > 1 or semconv.YIELDED not in trace.attributes(span):
                continue
            (other,) = givers[key]
            entry = found.setdefault(other, Traced(*other, given=True))
            entry.calls += calls
            entry.total_ns += trace.busy_ns[span]
            if thread != main:
                entry.elsewhere += calls
        entry.yielded += yielded
        if thread != main:
            entry.elsewhere += yielded
        if yielded and trace.attributes(span).get(semconv.ABANDONED):
            entry.abandoned += 1
    return list(found.values())


def _givers(trace: Trace) -> Dict[Code, Set[Code]]:
    """The functions whose calls gave generators of others, and which those are."""
    found: Dict[Code, Set[Code]] = {}
    for span in range(len(trace)):
        attributes = trace.attributes(span)
        if semconv.GIVEN_FUNCTION in attributes:
            key, other = _code(trace, span), _place(attributes, _GIVEN)
            if key is not None and other is not None:
                found.setdefault(key, set()).add(other)
    return found


def _code(trace: Trace, span: int) -> Optional[Code]:
    name = trace.name[span]
    if name.startswith(_CALLERS):
        library = LIBRARY.get(name)
        return None if library is None else (library[1], library[0], 0)
    if name == semconv.STEP_SPAN:
        return None  # from the end of one call to the end of another
    return _place(trace.attributes(span), _OWN)


def _place(attributes: Mapping[str, Any], names: Tuple[str, str, str]) -> Optional[Code]:
    function, file, line = (attributes.get(name) for name in names)
    if isinstance(function, str) and isinstance(file, str) and isinstance(line, int) and file and line:
        return function, file, line
    return None
