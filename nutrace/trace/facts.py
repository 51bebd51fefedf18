"""Read what the tree needs from the attributes of spans; they stay bytes apart from that."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

import msgspec

from nutrace import semconv
from nutrace.trace.values import key_values, loose_json

_COUNT_LIMIT = 2**62
#: Bound of the caches of parsed attributes, as some spans (generators) all have different ones.
_CACHE_LIMIT = 20_000

_COMPONENTS = frozenset(semconv.COMPONENTS)

# The attributes of one function's spans are equal up to the thread's id; those of the call follow. Inside a
# JSON string, the quote after the brace would be escaped; and a cut inside a nested value does not decode.
_THREAD = f'{{"key":"{semconv.THREAD_ID}","value":{{"intValue":"'.encode()
_THREAD_END = b"}}"


class Facts(NamedTuple):
    """What the tree needs of one span."""

    raw: bytes
    component: str
    thread: int  # index into FactsReader.threads
    busy_ns: int  # -1: unknown, it is the span's duration
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
    """Reads attributes; a text that occurs again is looked up."""

    def __init__(self) -> None:
        #: (resource, thread id or None if the span does not say, thread name)
        self.threads: List[Tuple[int, Optional[int], str]] = []
        self._thread_of: Dict[Tuple[int, Optional[int]], int] = {}
        self._known: Dict[int, Dict[bytes, Facts]] = {}  # by resource
        self._heads: Dict[int, Dict[bytes, Optional[Facts]]] = {}

    def read(self, resource: int, raws: List[bytes]) -> List[Facts]:
        """The facts of several spans of one resource, from their attributes as JSON."""
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
        # With a backslash, a name that matters may be escaped.
        if b"nutrace." not in tail and b"thread." not in tail and b"\\" not in tail:
            return Facts(raw, *base[1:])
        pairs = _strict_pairs(b"[" + tail[1:])
        return None if pairs is None else self._facts(resource, raw, pairs, base)

    def _facts(self, resource: int, raw: bytes, pairs: _Pairs, base: Optional[Facts] = None) -> Facts:
        """The facts in key-value pairs, added to those of `base`."""
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
