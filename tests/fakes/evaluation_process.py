"""A process of a made-up evaluation, which appends spans to its file as nutrace's writer does."""

from __future__ import annotations

import json
import random
from typing import Any, BinaryIO, Dict, List, Optional

from fakes.evaluation_shapes import Call, Kind
from fakes.otlp import attributes as key_values

RUN_ID, TRACE_ID = "5ca1ab1e5ca1ab1e", "5ca1ab1e" * 4
_LINE = 100  # spans, as nutrace writes them
_PRICES = {
    "statement": [11874.77, 450.94, 0.0],
    "row": [781.63, 390.82, 0.0],
    "connection": [8116.93, 751.57, 0.0],
    "copy": [4810.03, 601.25, 0.0],
    "collection": [1503.13, 901.88, 0.0],
    "error": [2480.17, 405.85, 0.0],
    "call": [1550.74, 191.22, 1.1],
    "merged": [2353.62, 220.31, 1.07],
}


def attributes(items: Dict[str, Any]) -> str:
    """The inside of a list of KeyValue."""
    return json.dumps(key_values(items), separators=(",", ":"))[1:-1]


_THREAD = ',{"key":"thread.id","value":{"intValue":"%d"}}'
_COLLECTION = attributes({"nutrace.component": "gc"})
_COLLECTED = (
    ',{"key":"nutrace.gc.generation","value":{"intValue":"%d"}},'
    '{"key":"nutrace.gc.collected","value":{"intValue":"%d"}}'
)
_ASKED = (
    ',{"key":"db.response.returned_rows","value":{"intValue":"%d"}},'
    '{"key":"nutrace.sql.execute_ns","value":{"intValue":"%d"}},'
    '{"key":"nutrace.sql.fetch_ns","value":{"intValue":"%d"}},'
    '{"key":"nutrace.sql.parameters","value":{"arrayValue":{"values":[{"stringValue":"%016x"}]}}},'
    '{"key":"nutrace.sql.took_ns","value":{"arrayValue":{"values":[{"intValue":"%d"}]}}},'
    '{"key":"nutrace.busy_ns","value":{"intValue":"%d"}}'
)
_OPEN = {"sqlite3.connect": 1, "sqlite3.close": 0}
_CONNECTIONS = ',{"key":"nutrace.sql.open_connections","value":{"arrayValue":{"values":[{"intValue":"%d"}]}}}'
_COPIED = (
    ',{"key":"nutrace.deepcopy.root_type","value":{"stringValue":"nuplan.common.actor_state.ego_state.EgoState"}},'
    '{"key":"nutrace.copy.through","value":{"stringValue":"__reduce_ex__"}},'
    '{"key":"nutrace.deepcopy.objects","value":{"intValue":"%d"}}'
)


def hash_of(text: str) -> int:
    """A number that stands for a text, the same in every process."""
    return random.Random(text).getrandbits(64)


class Process:
    """A process of the run: it appends spans to its file as nutrace's writer does."""

    def __init__(self, file: BinaryIO, pid: int, parent: int, log: str, chance: random.Random) -> None:
        self.pid = pid
        self.spans = 0
        self.frame = 0  # the hash of the parameters of what is asked now
        self._file = file
        self._log = log
        self._chance = chance
        self._waiting: List[str] = []
        self._fronts: Dict[Kind, str] = {}
        self._ids = pid << 32
        self.identity = {"service.name": "nutrace", "nutrace.run.id": RUN_ID, "process.pid": pid}
        command = ["python", "run_simulation.py", "worker=ray_distributed", "scenario_filter=val14"]
        about = {
            "nutrace.version": "0.1.0",
            "host.name": "testhost",
            "process.parent_pid": parent,
            "process.command_args": command if parent < 1000 else ["ray::wrapped_fn"],
            "process.runtime.version": "3.9.18",
            "nuplan.devkit.version": "1.2.2",
            "nutrace.own.prices": json.dumps(_PRICES),
        }
        self._about = {**self.identity, **about}
        self._describe(self._about, [])

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    def add(
        self,
        kind: Optional[Kind],
        own: int,
        parent: int,
        begin: int,
        end: int,
        more: str = "",
        rest: str = "",
    ) -> None:
        """Add one span; `more` are attributes, `rest` further members of the object."""
        front = self._fronts.get(kind) if kind else _COLLECTION
        if front is None:
            assert kind is not None
            front = self._fronts[kind] = self._front(kind)
        name = kind.name if kind else "gc.collect"
        above = f'"parentSpanId":"{parent:016x}",' if parent else ""
        self._waiting.append(
            f'{{"traceId":"{TRACE_ID}",{above}"spanId":"{own:016x}","name":"{name}","kind":1,'
            f'"startTimeUnixNano":"{begin}","endTimeUnixNano":"{end}",'
            f'"attributes":[{front}{more}{_THREAD % self.pid}]{rest}}}'
        )
        self.spans += 1
        if len(self._waiting) == _LINE:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._describe(self.identity, self._waiting)
            self._waiting = []

    def announce(self, kind: Kind, own: int, parent: int, begin: int, now: int, more: str) -> None:
        """Say that a span is open, as the file of a killed process does."""
        self.flush()
        self.add(kind, own, parent, begin, now, more)
        self._describe(self.identity, self._waiting, "nutrace.open")
        self._waiting = []

    def end(self, peak: int) -> None:
        """The last line of a process that ends in order."""
        self.flush()
        more = {
            "nutrace.run.complete": True,
            "nutrace.spans.recorded": self.spans,
            "nutrace.spans.dropped": 0,
        }
        self._describe({**self._about, **more, "nutrace.memory.peak": peak}, [], "nutrace.open")

    def calls(self, call: Call, parent: int, begin: int, end: int, own: int = 0, more: str = "") -> None:
        """Add a span of the time [begin, end) and those below it, which come first, as they end first."""
        own = own or self.next_id()
        length, chance = end - begin, self._chance
        for below in call.below:
            if below.chance == 1.0 or chance.random() < below.chance:
                start = begin + int(length * below.begin)
                self.calls(
                    below, own, start, start + int(length * below.share * (0.7 + 0.3 * chance.random()))
                )
        kind = call.kind
        if kind is None:
            more = _COLLECTED % (0 if chance.random() < 0.9 else 2, chance.randrange(900))
        elif kind.query:
            took = length - length // 20
            more = _ASKED % (chance.randrange(1, 40), took - took // 10, took // 10, self.frame, took, took)
        elif kind.name in _OPEN:
            more = _CONNECTIONS % _OPEN[kind.name]
        elif kind.name == "copy.deepcopy":
            more = _COPIED % chance.randrange(2, 60)
        self.add(kind, own, parent, begin, end, more)

    def _front(self, kind: Kind) -> str:
        items: Dict[str, Any] = {
            "nutrace.component": kind.component,
            "code.function.name": kind.function,
            "code.file.path": kind.file,
            "code.line.number": kind.line,
        }
        if kind.name.startswith("sqlite3"):
            items.update(
                {"db.system.name": "sqlite", "db.namespace": f"/data/nuplan/splits/val/{self._log}.db"}
            )
        if kind.query:
            statement = f"{hash_of(kind.query):016x}"
            items.update(
                {
                    "db.query.text": kind.query,
                    "db.operation.name": "SELECT",
                    "nutrace.sql.statement": statement,
                }
            )
        return attributes(items)

    def _describe(self, resource: Dict[str, Any], spans: List[str], scope: str = "nutrace") -> None:
        scope = scope if spans else "nutrace.open"
        self._file.write(
            f'{{"resourceSpans":[{{"resource":{{"attributes":[{attributes(resource)}]}},"scopeSpans":[{{"scope":'
            f'{{"name":"{scope}","version":"0.1.0"}},"spans":[{",".join(spans)}]}}]}}]}}\n'.encode()
        )
