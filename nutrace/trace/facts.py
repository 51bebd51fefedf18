"""Read what the tree needs from the attributes of spans; they stay bytes apart from that."""

from __future__ import annotations

from array import array
from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple

from nutrace import semconv
from nutrace.trace.bounds import LARGEST_COUNT, whole
from nutrace.trace.typed import typed_attributes

#: Bound of the cache of parsed attributes, as some spans (generators) all have different ones.
_CACHE_LIMIT = 20_000

_COMPONENTS = frozenset(semconv.COMPONENTS)
#: Spans of other instrumentations that have one of these are a client's calls of a database.
_OF_DATABASES = frozenset((semconv.DB_SYSTEM, semconv.OLD_DB_SYSTEM, semconv.DB_TEXT, semconv.OLD_DB_TEXT))


class Facts(NamedTuple):
    """What the tree needs of one span."""

    raw: bytes
    component: str
    thread: int  # index into FactsReader.threads
    busy_ns: int  # -1: unknown, it is the span's duration
    calls: int
    yielded: int
    unfinished: bool
    own_ns: int
    single_rows: int  # of a statement, without those that came with others
    clocked_ns: int


#: Attributes that begin so count something.
_COUNTING = ("nutrace.", "db.response.")
#: Attributes that are read here; all others are passed over.
_READ = frozenset(
    (
        semconv.BUSY_NS,
        semconv.YIELDED,
        semconv.COMPOSITE_COUNT,
        semconv.CONTINUES,
        semconv.OWN_NS,
        semconv.CLOCKED_NS,
        semconv.DB_ROWS,
        semconv.SQL_ROWS_AT_ONCE,
        semconv.UNFINISHED,
        semconv.COMPONENT,
        semconv.THREAD_ID,
        semconv.THREAD_NAME,
        *_OF_DATABASES,
    )
)


class FactsReader:
    """Reads attributes; a text that occurs again is looked up."""

    def __init__(self) -> None:
        #: (resource, thread id or None if the span does not say, thread name)
        self.threads: List[Tuple[int, Optional[int], str]] = []
        self._thread_of: Dict[Tuple[int, Optional[int]], int] = {}
        self._known: Dict[int, Dict[bytes, Facts]] = {}  # by resource
        #: Different sets of attributes with a number that is left out.
        self.out_of_bounds = 0

    def read(self, resource: int, raws: List[bytes]) -> List[Facts]:
        """The facts of several spans of one resource, from their attributes as JSON."""
        known = self._known.setdefault(resource, {})
        return [known.get(raw) or self._learn(known, resource, raw) for raw in raws]

    def _learn(self, known: Dict[bytes, Facts], resource: int, raw: bytes) -> Facts:
        if len(known) >= _CACHE_LIMIT:
            known.clear()
        facts = known[raw] = self._facts(resource, raw)
        return facts

    def _facts(self, resource: int, raw: bytes) -> Facts:
        component, busy, calls, yielded, unfinished = "other", -1, 1, 0, False
        own = returned_rows = at_once = clocked = 0
        thread_id, thread_name = None, ""
        continues = calls_database = beyond = False
        for attribute in typed_attributes(raw):
            key, value = attribute.key, attribute.value
            number = value.intValue
            if number is not None and abs(number) > LARGEST_COUNT and key.startswith(_COUNTING):
                beyond = True
            elif key not in _READ:
                continue
            elif key == semconv.BUSY_NS:
                busy = whole(number)
            elif key == semconv.YIELDED:
                yielded = max(whole(number), 0)
            elif key == semconv.COMPOSITE_COUNT:
                calls = max(whole(number), 1)
            elif key == semconv.CONTINUES:
                continues = bool(value.stringValue)
            elif key == semconv.OWN_NS:
                own = max(whole(number), 0)
            elif key == semconv.CLOCKED_NS:
                clocked = max(whole(number), 0)
            elif key == semconv.DB_ROWS:
                returned_rows = max(whole(number), 0)
            elif key == semconv.SQL_ROWS_AT_ONCE:
                at_once = max(whole(number), 0)
            elif key == semconv.UNFINISHED:
                unfinished = bool(value.boolValue)
            elif key == semconv.COMPONENT:
                component = value.stringValue if value.stringValue in _COMPONENTS else "other"
            elif key in _OF_DATABASES:
                calls_database = calls_database or bool(value.stringValue)
            elif key == semconv.THREAD_ID:
                thread_id = value.intValue
            elif key == semconv.THREAD_NAME:
                thread_name = value.stringValue or ""
        self.out_of_bounds += beyond
        if calls_database and component == "other":
            component = "database"
        thread = self._thread(resource, thread_id, thread_name)
        calls = 0 if continues else calls
        single_rows = max(returned_rows - at_once, 0)
        return Facts(raw, component, thread, busy, calls, yielded, unfinished, own, single_rows, clocked)

    def _thread(self, resource: int, thread_id: Optional[int], name: str) -> int:
        index = self._thread_of.get((resource, thread_id))
        if index is None:
            index = self._thread_of[resource, thread_id] = len(self.threads)
            self.threads.append((resource, thread_id, name))
        elif name and (not self.threads[index][2] or name < self.threads[index][2]):
            self.threads[index] = (resource, thread_id, name)
        return index


def of_events(raws: Iterable[bytes]) -> Tuple[array[int], array[int]]:
    """Of spans with these attributes: the rows that came one by one, and the own time that was clocked."""
    reader, rows, clocked = FactsReader(), array("q"), array("q")
    for raw in raws:
        facts = reader.read(0, [raw])[0]
        rows.append(facts.single_rows)
        clocked.append(facts.clocked_ns)
    return rows, clocked
