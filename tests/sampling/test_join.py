"""Each sample is placed in the span that was current when it was taken."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import functools
import gc
import pickle
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest
import sqlalchemy
from fakes.tracing import Tracing
from fakes.witness import Witness
from opentelemetry import trace as otel

import nutrace
from nutrace.analysis.traced_functions import is_placed_at_caller
from nutrace.probes.catalogue import copies, garbage, sqlite
from nutrace.probes.catalogue import sqlalchemy as alchemy
from nutrace.probes.catalogue.registry import CATALOGUES
from nutrace.probes.probe import Probe
from nutrace.sampling.join import OUTSIDE, join
from nutrace.sampling.own_frames import SPANS, WRAPPER_OF
from nutrace.sampling.stacks import Stacks


@pytest.fixture
def witness() -> Witness:
    return Witness()


def burn(witness: Witness) -> None:
    witness()


def test_functions_below_a_span(recorded: Tracing, witness: Witness) -> None:
    @nutrace.probe(name="outer")
    def outer() -> None:
        witness()
        burn(witness)
        between()

    def between() -> None:
        inner()

    @nutrace.probe(name="inner")
    def inner() -> None:
        burn(witness)

    with recorded():
        outer()
    assert witness.joined(recorded.trace) == [
        ("outer", "outer", []),
        ("outer", "outer", ["burn"]),
        ("inner", "inner", ["burn"]),
    ]


def test_a_block_is_in_the_function_around_it(recorded: Tracing, witness: Witness) -> None:
    @nutrace.probe(name="outer")
    def outer() -> None:
        with nutrace.span("block"):
            burn(witness)
            inner()

    @nutrace.probe(name="inner")
    def inner() -> None:
        witness()

    with recorded():
        outer()
    assert witness.joined(recorded.trace) == [("block", "block", ["burn"]), ("inner", "inner", [])]


def test_a_span_that_the_program_gives_a_place(recorded: Tracing, witness: Witness) -> None:
    def foreign() -> None:
        code = foreign.__code__
        place = {
            "code.function.name": "foreign",
            "code.file.path": code.co_filename,
            "code.line.number": code.co_firstlineno,
        }
        with otel.get_tracer("other").start_as_current_span("block", attributes=place):
            burn(witness)
            inner()

    @nutrace.probe(name="inner")
    def inner() -> None:
        witness()

    @nutrace.probe(name="outer")
    def outer() -> None:
        foreign()

    with recorded():
        outer()
    assert witness.joined(recorded.trace) == [
        ("block", "block", ["foreign", "burn"]),
        ("inner", "inner", []),
    ]


def test_a_context_manager_has_no_frame_while_it_lasts(recorded: Tracing, witness: Witness) -> None:
    @nutrace.probe(name="manager")
    @contextlib.contextmanager
    def manager() -> Iterator[None]:
        witness()
        yield
        witness()

    @nutrace.probe(name="outer")
    def outer() -> None:
        with manager():
            burn(witness)
            inner()

    @nutrace.probe(name="inner")
    def inner() -> None:
        witness()

    with recorded():
        outer()
    spans = [(there, placed) for there, placed, _ in witness.joined(recorded.trace)]
    assert spans == [
        ("manager", "manager"),
        ("manager", "manager"),
        ("inner", "inner"),
        ("manager", "manager"),
    ]


BRACKETED = """
class Loop:
    def run(self, steps, witness):
        for step in range(steps):
            self.begin(witness)
            self.work(witness)
            self.end()
    def begin(self, witness):
        witness()
    def work(self, witness):
        witness()
    def end(self):
        pass
"""


def test_a_step_has_no_frame(recorded: Tracing, witness: Witness, module: Callable[[str, str], str]) -> None:
    name = module("bracketed", BRACKETED)
    probes = [
        Probe(f"{name}:Loop.run", "simulation", "run"),
        Probe(f"{name}:Loop.begin", "simulation", "step", until=f"{name}:Loop.end"),
        Probe(f"{name}:Loop.work", "simulation", "work"),
    ]
    with recorded(*probes):
        __import__(name).Loop().run(2, witness)
    step, work = ("step", "step", ["begin"]), ("work", "work", [])
    assert witness.joined(recorded.trace) == [step, work, step, work]


def test_a_garbage_collection_is_not_divided(recorded: Tracing, witness: Witness) -> None:
    @nutrace.probe(name="outer")
    def outer() -> None:
        gc.collect()
        burn(witness)

    with recorded(*garbage.PROBES):
        outer()
    assert recorded.calls("gc.collect") >= 1
    assert witness.joined(recorded.trace) == [("outer", "outer", ["burn"])]


def test_recursion(recorded: Tracing, witness: Witness) -> None:
    @nutrace.probe(name="walk")
    def walk(depth: int) -> None:
        burn(witness)
        if depth:
            walk(depth - 1)
        burn(witness)

    with recorded():
        walk(3)
    trace = recorded.trace
    assert [function for _, _, function in witness.joined(trace)] == [["burn"]] * 8
    depths = [trace.depth[span] for span in witness.spans_with_sample(trace)]
    assert depths == [0, 1, 2, 3, 3, 2, 1, 0]


def test_generators_resumed_elsewhere(recorded: Tracing, witness: Witness) -> None:
    @nutrace.probe(name="numbers")
    def numbers() -> Iterator[int]:
        burn(witness)
        yield 1
        burn(witness)

    @nutrace.probe(name="first")
    def first(numbers: Iterator[int]) -> None:
        next(numbers)
        witness()

    @nutrace.probe(name="second")
    def second(numbers: Iterator[int]) -> None:
        list(numbers)

    with recorded():
        given = numbers()
        first(given)
        second(given)
    assert witness.joined(recorded.trace) == [
        ("numbers", "numbers", ["burn"]),
        ("first", "first", []),
        ("numbers", "numbers", ["burn"]),
    ]


def test_a_generator_that_a_call_returned(recorded: Tracing, witness: Witness) -> None:
    def rows() -> Iterator[int]:
        burn(witness)
        yield 1

    @nutrace.probe(name="query")
    def query() -> Iterator[int]:
        witness()
        return rows()

    @nutrace.probe(name="outer")
    def outer() -> None:
        list(query())

    with recorded():
        outer()
    assert [placed for _, placed, _ in witness.joined(recorded.trace)] == ["query", "query"]
    assert witness.joined(recorded.trace)[1] == ("query", "query", ["burn"])


def test_threads(recorded: Tracing, witness: Witness) -> None:
    @nutrace.probe(name="job")
    def job(_: int) -> None:
        burn(witness)

    def untraced() -> None:
        burn(witness)

    @nutrace.probe(name="outer")
    def outer() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(job, range(3)))
        thread = threading.Thread(target=job, args=(1,))
        thread.start()
        thread.join()
        other = threading.Thread(target=untraced)
        other.start()
        other.join()

    with recorded():
        outer()
    assert witness.joined(recorded.trace) == [("job", "job", ["burn"])] * 4 + [("", "", [])]


def test_asyncio(recorded: Tracing, witness: Witness) -> None:
    @nutrace.probe(name="main")
    async def main() -> None:
        burn(witness)
        await asyncio.gather(task(), task())
        await nested()
        burn(witness)

    @nutrace.probe(name="task")
    async def task() -> None:
        burn(witness)
        await asyncio.sleep(0.02)
        burn(witness)

    @nutrace.probe(name="nested")
    async def nested() -> None:
        burn(witness)

    with recorded():
        asyncio.run(main())
    joined = witness.joined(recorded.trace)
    assert {(there, tuple(functions)) for there, _, functions in joined} == {
        ("main", ("burn",)),
        ("task", ("burn",)),
        ("nested", ("burn",)),
    }
    assert [there for there, _, _ in joined] == [placed for _, placed, _ in joined]


def test_composite_spans(recorded: Tracing) -> None:
    stacks = Stacks()
    seen: List[Any] = []

    @nutrace.probe(name="outer")
    def outer() -> None:
        for _ in range(100):
            leaf()

    @nutrace.probe(name="leaf")
    def leaf() -> None:
        if not seen:
            seen.append(Witness.stack_of_caller())

    with recorded(compress_us=10**9):
        outer()
    stacks.add(seen[0], 1)
    sampled = join(recorded.trace, [(stacks, None)]).sampled
    (composite,) = [span.index for span in recorded.trace if span.name == "leaf" and span.calls > 1]
    assert sampled is not None
    assert sampled.group_of[composite] == 0


class Probed:
    @nutrace.probe(name="begin")
    def begin(self) -> None: ...

    @nutrace.probe(name="end")
    def end(self) -> None: ...


class NotProbed:
    def begin(self, witness: Witness) -> None:
        self.end(witness)

    def end(self, witness: Witness) -> None:
        witness()


def test_functions_without_probes_keep_their_lines(recorded: Tracing, witness: Witness) -> None:
    @nutrace.probe(name="outer")
    def outer() -> None:
        Probed().begin()
        Probed().end()
        NotProbed().begin(witness)

    with recorded():
        outer()
    stacks = Stacks()  # before Python 3.11, code has no qualified name
    stacks.add([(name.rpartition(".")[2], file, line) for name, file, line in witness.stacks[0]], 1)
    sampled = join(recorded.trace, [(stacks, None)]).sampled
    assert sampled is not None
    lines = [function.__code__.co_firstlineno for function in (NotProbed.begin, NotProbed.end)]
    assert [function.line for function in sampled.functions] == lines


class Base:
    @nutrace.probe(name="base")
    def compute(self, witness: Witness) -> None:
        burn(witness)


class Derived(Base):
    @nutrace.probe(name="derived")
    def compute(self, witness: Witness) -> None:
        burn(witness)
        super().compute(witness)
        burn(witness)


def test_a_method_calls_that_of_its_base_class(recorded: Tracing, witness: Witness) -> None:
    with recorded():
        Derived().compute(witness)
    assert witness.joined(recorded.trace) == [
        ("derived", "derived", ["burn"]),
        ("base", "base", ["burn"]),
        ("derived", "derived", ["burn"]),
    ]


INHERITED = """
class Base:
    def compute(self, witness):
        witness()
class Planner:
    pass
class Derived(Planner, Base):
    pass
"""


def test_an_inherited_method_with_a_probe_of_its_own(
    recorded: Tracing, witness: Witness, module: Callable[[str, str], str]
) -> None:
    name = module("inheriting", INHERITED)
    probes = [
        Probe(f"{name}:Base.compute", "planner", "base"),
        Probe(f"{name}:Derived.compute", "planner", "own"),
    ]
    with recorded(*probes):
        __import__(name).Derived().compute(witness)
    ((there, placed, functions),) = witness.joined(recorded.trace)
    assert (there, functions) == (placed, [])


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(witness: Witness) -> Any:
        burn(witness)
        return function(witness)

    return wrapper


def test_a_decorator_is_in_the_span(recorded: Tracing, witness: Witness) -> None:
    @nutrace.probe(name="decorated")
    @decorated
    def work(witness: Witness) -> None:
        burn(witness)

    @nutrace.probe(name="outer")
    def outer() -> None:
        work(witness)

    with recorded():
        outer()
    assert witness.joined(recorded.trace) == [
        ("decorated", "decorated", ["wrapper", "burn"]),
        ("decorated", "decorated", ["burn"]),
    ]


def test_one_decorator_of_two_functions(recorded: Tracing, witness: Witness) -> None:
    @nutrace.probe(name="first")
    @decorated
    def first(witness: Witness) -> None:
        witness()

    @nutrace.probe(name="second")
    @decorated
    def second(witness: Witness) -> None:
        witness()

    @nutrace.probe(name="outer")
    def outer() -> None:
        first(witness)
        second(witness)

    with recorded():
        outer()
    joined = witness.joined(recorded.trace)
    assert [joined[0][1], joined[2][1]] == ["", ""]  # nothing is guessed
    assert [joined[1], joined[3]] == [("first", "first", []), ("second", "second", [])]


def test_an_original_that_is_called_without_its_probe(recorded: Tracing, witness: Witness) -> None:
    def work() -> None:
        burn(witness)

    probed = nutrace.probe(name="work")(work)

    @nutrace.probe(name="outer")
    def outer() -> None:
        probed()
        work()

    with recorded():
        outer()
    assert witness.joined(recorded.trace) == [
        ("work", "work", ["burn"]),
        ("outer", "outer", ["work", "burn"]),
    ]


def test_lambdas_and_functions_of_one_name(recorded: Tracing, witness: Witness) -> None:
    first, second = (
        nutrace.probe(name="first")(lambda: burn(witness)),
        nutrace.probe(name="second")(lambda: burn(witness)),
    )

    @nutrace.probe(name="outer")
    def outer() -> None:
        first()
        second()

    with recorded():
        outer()
    assert witness.joined(recorded.trace) == [("first", "first", ["burn"]), ("second", "second", ["burn"])]


def test_a_function_with_another_name(recorded: Tracing, witness: Witness) -> None:
    def work() -> None:
        burn(witness)

    work.__name__ = work.__qualname__ = "renamed"
    probed = nutrace.probe(name="work")(work)
    with recorded():
        probed()
    assert witness.joined(recorded.trace) == [("work", "work", ["burn"])]


class Copied:
    def __init__(self, witness: Witness) -> None:
        self.witness = witness

    def __deepcopy__(self, memo: Any) -> Copied:
        burn(self.witness)
        return self

    def __copy__(self) -> Copied:
        burn(self.witness)
        return self

    def __reduce__(self) -> Any:
        burn(self.witness)
        return int, ()


def test_copies(recorded: Tracing, witness: Witness) -> None:
    @nutrace.probe(name="outer")
    def outer() -> None:
        copy.deepcopy([Copied(witness)])
        copy.copy(Copied(witness))
        pickle.dumps(Copied(witness))
        burn(witness)

    with recorded(*copies.PROBES):
        outer()
    joined = witness.joined(recorded.trace)
    spans = [(there, placed) for there, placed, _ in joined]
    assert spans[0] == ("copy.deepcopy", "copy.deepcopy")
    # One module of ours stands around both.
    assert spans[1:3] == [("copy.copy", "copy.copy/pickle.dumps"), ("pickle.dumps", "copy.copy/pickle.dumps")]
    assert joined[3] == ("outer", "outer", ["burn"])
    last = [functions[-2:] for _, _, functions in joined[:3]]
    assert last == [["__deepcopy__", "burn"], ["__copy__", "burn"], ["__reduce__", "burn"]]


class Part:
    def __init__(self, witness: Witness) -> None:
        self.inner = Copied(witness)

    def __deepcopy__(self, memo: Any) -> Part:
        copy.deepcopy(self.inner, memo)
        return self


class ProbedPart(Part):
    @nutrace.probe(name="part")
    def __deepcopy__(self, memo: Any) -> Part:
        return super().__deepcopy__(memo)


def test_a_copy_inside_a_copy(recorded: Tracing, witness: Witness) -> None:
    @nutrace.probe(name="outer")
    def outer() -> None:
        copy.deepcopy(Part(witness))
        copy.deepcopy(ProbedPart(witness))

    with recorded(*copies.PROBES):
        outer()
    nested = ["deepcopy", "__deepcopy__", "burn"]
    assert witness.joined(recorded.trace) == [
        ("copy.deepcopy", "copy.deepcopy", ["deepcopy", "__deepcopy__", *nested]),
        ("part", "part", ["__deepcopy__", *nested]),
    ]


def test_statements(recorded: Tracing, witness: Witness) -> None:
    def parameters() -> Iterator[Any]:
        for number in range(2):
            burn(witness)
            yield (number,)

    @nutrace.probe(name="outer")
    def outer() -> None:
        connection = sqlite3.connect(":memory:")
        connection.execute("create table t (a)")
        connection.executemany("insert into t values (?)", parameters())
        connection.create_function("called", 1, witness)
        connection.execute("select called(a) from t").fetchall()
        for _ in connection.execute("select called(a) from t limit 1"):
            burn(witness)
        connection.close()

    with recorded(*sqlite.PROBES):
        outer()
    placed = [placed for _, placed, _ in witness.joined(recorded.trace)]
    statement = "sqlite3.statement"
    assert placed == [statement] * 5 + ["outer"]


def test_sqlalchemy(recorded: Tracing, witness: Witness, tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'a.db'}", poolclass=sqlalchemy.pool.NullPool)
    sqlalchemy.event.listen(engine, "connect", lambda connection, record: burn(witness))
    sqlalchemy.event.listen(engine, "before_cursor_execute", lambda *args: burn(witness))

    @nutrace.probe(name="outer")
    def outer() -> None:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("select 1")).fetchall()
            burn(witness)

    with recorded(*sqlite.PROBES, *alchemy.PROBES):
        outer()
    engine.dispose()
    connected, executed, after = [placed for _, placed, _ in witness.joined(recorded.trace)]
    assert set(connected.split("/")) <= {"sqlalchemy.checkin", "sqlalchemy.checkout", "sqlalchemy.connect"}
    assert connected
    assert "sqlalchemy.execute" in executed
    assert after == "outer"


def test_statements_by_sqlalchemy(recorded: Tracing, witness: Witness, tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'a.db'}", poolclass=sqlalchemy.pool.NullPool)

    @sqlalchemy.event.listens_for(engine, "connect")
    def add_function(connection: Any, record: Any) -> None:
        connection.create_function("called", 1, witness)

    @nutrace.probe(name="outer")
    def outer() -> None:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("select called(1)")).fetchall()

    with recorded(*sqlite.PROBES, *alchemy.PROBES):
        outer()
    engine.dispose()
    assert [row[:2] for row in witness.joined(recorded.trace)] == [("sqlite3.statement", "sqlite3.statement")]


def _declared() -> Iterator[str]:
    for catalogue in CATALOGUES:
        for probe in catalogue.load():
            if probe.make is not None:
                yield probe.span_name


def test_there_is_a_wrapper_for_each_span_that_is_placed_at_its_caller() -> None:
    recorded_elsewhere = {"sqlite3.close", "sqlite3.commit", "sqlite3.rollback"}
    names = {name for name in _declared() if is_placed_at_caller(name)} | recorded_elsewhere
    # Their spans are those of the stock instrumentation, which names no place.
    assert names - {"sqlalchemy.statement"} == set(WRAPPER_OF)
    for file in SPANS:
        assert (Path(nutrace.__file__).parent / file).is_file()
    assert {name for name in WRAPPER_OF if not is_placed_at_caller(name)} == set()


def test_outside(recorded: Tracing) -> None:
    stacks = Stacks(sampler="a sampler", rate_hz=100)
    stacks.add([("main", "/p.py", 1), ("burn", "/p.py", 5)], 3)
    with recorded(), nutrace.span("block"):
        pass
    sampled = join(recorded.trace, [(stacks, None)]).sampled
    assert sampled is not None
    assert (sampled.taken, sampled.placed, sampled.unplaced) == (3, 0, {OUTSIDE: 3})
    assert (sampled.samplers, sampled.rate_hz, set(sampled.group_of)) == (("a sampler",), 100, {-1})
