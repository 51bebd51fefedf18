"""What the tree needs to know of a span's attributes; the rest stays bytes until somebody asks."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

import msgspec

from nutrace import semconv
from nutrace.trace.values import key_values, loose_json

_COUNT_LIMIT = 2**62
#: Bound on the caches of parsed attributes: those of generators, say, are all different.
_CACHE_LIMIT = 20_000

_COMPONENTS = frozenset(semconv.COMPONENTS)

# Spans of one function have the same attributes up to their thread's id; what is a call's own
# follows. The quote after the brace would be escaped inside a JSON string; and a cut inside a
# nested value does not decode.
_THREAD = f'{{"key":"{semconv.THREAD_ID}","value":{{"intValue":"'.encode()
_THREAD_END = b"}}"


class Facts(NamedTuple):
    """One span's."""

    raw: bytes
    component: str
    thread: int  # index into FactsReader.threads
    busy_ns: int  # -1: not said, the span's duration
    calls: int
    yielded: int
    unfinished: bool


class _Value(msgspec.Struct, gc=False):
    stringValue: Optional[str] = None
    intValue: Optional[int] = None
    boolValue: Optional[bool] = None


class _KeyValue(msgspec.Struct, gc=False):
    key: str
    value: Optional[_Value] = None


_attributes = msgspec.json.Decoder(List[_KeyValue], strict=False)

_Pairs = Iterable[Tuple[str, Optional[_Value]]]


class FactsReader:
    """Reads attributes, each distinct text once if there are not too many."""

    def __init__(self) -> None:
        #: (resource, thread id or None if the span does not say, thread name)
        self.threads: List[Tuple[int, Optional[int], str]] = []
        self._thread_of: Dict[Tuple[int, Optional[int]], int] = {}
        self._known: Dict[int, Dict[bytes, Facts]] = {}  # by resource
        self._heads: Dict[int, Dict[bytes, Optional[Facts]]] = {}

    def read(self, resource: int, raws: List[bytes]) -> List[Facts]:
        """The facts of spans of one resource, from their attributes as JSON."""
        known = self._known.setdefault(resource, {})
        heads = self._heads.setdefault(resource, {})
        learn = self._learn
        return [known.get(raw) or learn(known, heads, resource, raw) for raw in raws]

    def _learn(
        self, known: Dict[bytes, Facts], heads: Dict[bytes, Optional[Facts]], resource: int, raw: bytes
    ) -> Facts:
        facts = self._from_head(heads, resource, raw)
        if facts is None:
            facts = self._facts(resource, raw, _pairs(raw))
        if len(known) >= _CACHE_LIMIT:
            known.clear()
        known[raw] = facts
        return facts

    def _from_head(self, heads: Dict[bytes, Optional[Facts]], resource: int, raw: bytes) -> Optional[Facts]:
        at = raw.find(_THREAD)
        if at < 0:
            return None
        end = raw.find(_THREAD_END, at) + len(_THREAD_END)
        head, tail = raw[:end], raw[end:]
        if head in heads:
            base = heads[head]
        else:
            if len(heads) >= _CACHE_LIMIT:
                heads.clear()
            pairs = _strict_pairs(head + b"]")
            base = heads[head] = None if pairs is None else self._facts(resource, head, pairs)
        if base is None:
            return None
        # A backslash may hide a name that matters.
        if b"nutrace." not in tail and b"thread." not in tail and b"\\" not in tail:
            return Facts(raw, *base[1:])
        pairs = _strict_pairs(b"[" + tail[1:])
        return None if pairs is None else self._facts(resource, raw, pairs, base)

    def _facts(self, resource: int, raw: bytes, pairs: _Pairs, base: Optional[Facts] = None) -> Facts:
        """From key-value pairs, which come after those that `base` was made of."""
        component, thread, busy, calls, yielded, unfinished = "other", -1, -1, 1, 0, False
        if base is not None:
            _, component, thread, busy, calls, yielded, unfinished = base
        thread_id, thread_name = None, ""
        for key, value in pairs:
            if value is None:
                continue
            if key == semconv.BUSY_NS:
                busy = min(max(value.intValue or 0, 0), _COUNT_LIMIT)
            elif key == semconv.YIELDED:
                yielded = min(max(value.intValue or 0, 0), _COUNT_LIMIT)
            elif key == semconv.COMPOSITE_COUNT:
                calls = min(max(value.intValue or 0, 0), _COUNT_LIMIT)
            elif key == semconv.CONTINUES:
                calls = 0
            elif key == semconv.UNFINISHED:
                unfinished = bool(value.boolValue)
            elif key == semconv.COMPONENT:
                component = value.stringValue if value.stringValue in _COMPONENTS else "other"
            elif key == semconv.THREAD_ID:
                thread_id = value.intValue
            elif key == semconv.THREAD_NAME:
                thread_name = value.stringValue or ""
        if thread < 0 or thread_id is not None or thread_name:
            if thread >= 0 and thread_id is None:
                thread_id = self.threads[thread][1]
            thread = self._thread(resource, thread_id, thread_name)
        return Facts(raw, component, thread, busy, calls, yielded, unfinished)

    def _thread(self, resource: int, thread_id: Optional[int], name: str) -> int:
        index = self._thread_of.get((resource, thread_id))
        if index is None:
            index = self._thread_of[resource, thread_id] = len(self.threads)
            self.threads.append((resource, thread_id, name))
        elif name and (not self.threads[index][2] or name < self.threads[index][2]):
            self.threads[index] = (resource, thread_id, name)
        return index


def _strict_pairs(raw: bytes) -> Optional[_Pairs]:
    try:
        return [(item.key, item.value) for item in _attributes.decode(raw)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _pairs(raw: bytes) -> _Pairs:
    if not raw:
        return ()
    strict = _strict_pairs(raw)
    if strict is not None:
        return strict
    try:
        attributes = key_values(loose_json(raw))
    except (ValueError, RecursionError):
        return ()
    return [(key, _loose_value(value)) for key, value in attributes.items()]


def _loose_value(value: Any) -> _Value:
    return _Value(
        stringValue=value if isinstance(value, str) else None,
        intValue=value if isinstance(value, int) and not isinstance(value, bool) else None,
        boolValue=value if isinstance(value, bool) else None,
    )
