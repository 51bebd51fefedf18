"""Installing and taking back: each kind of target, all of an installation or none of it."""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
import types
from contextlib import contextmanager
from typing import Any, Callable, Iterator, List

import pytest
from fakes import program
from fakes.clock import FakeClock
from fakes.tracing import Tracing

import nutrace
from nutrace.patching.families import Families
from nutrace.probes.engine import Engine
from nutrace.probes.probe import Probe
from nutrace.recording.span import process_state

Writer = Callable[[str, str], str]


def probe(name: str, **options: Any) -> Probe:
    return Probe(f"fakes.program:{name}", name=options.pop("name", name), **options)


# -- what each kind of target records --------------------------------------------------------


def test_every_kind_records(recorded: Tracing) -> None:
    names = ("function", "Base.method", "Base.class_method", "Base.static_method", "Base.size", "Base.costly")
    with recorded(*(probe(name) for name in names)):
        base = program.Base()
        program.function()
        base.method()
        program.Base.method(base)
        program.Base.class_method()
        base.class_method()
        program.Base.static_method()
        base.static_method()
        _ = base.size
        base.size = 3
        _ = base.costly, base.costly
    calls = {name: recorded.calls(name) for name in names}
    assert calls == {
        "function": 1,
        "Base.method": 2,
        "Base.class_method": 2,
        "Base.static_method": 2,
        "Base.size": 1,  # reading it; setting is not probed
        "Base.costly": 1,
    }
    span = recorded.span("function")
    assert span.function == "fakes.program.function"
    assert span.file == program.__file__
    assert span.line == program.function.__code__.co_firstlineno


def test_recursion_is_one_root(recorded: Tracing) -> None:
    with recorded(probe("fibonacci")):
        assert program.fibonacci(3) == 2
    assert recorded.shape() == [("fibonacci", [("fibonacci", ["fibonacci", "fibonacci"]), "fibonacci"])]
    assert recorded.calls("fibonacci") == 5


def test_super_chain_nests(recorded: Tracing) -> None:
    with recorded(probe("Base.method"), probe("Derived.method"), probe("Base.size"), probe("Derived.size")):
        derived = program.Derived()
        derived.method()
        _ = derived.size
    assert recorded.shape() == [("Derived.method", ["Base.method"]), ("Derived.size", ["Base.size"])]


def test_coroutines_are_busy_only_while_they_run(recorded: Tracing, clock: FakeClock) -> None:
    import asyncio

    @nutrace.probe(name="waits")
    async def waits(ticks: int) -> int:
        clock.advance(ticks)
        await asyncio.sleep(0)
        clock.advance(ticks)
        return ticks

    async def both() -> List[int]:
        return list(await asyncio.gather(waits(10), waits(1000)))

    with recorded():
        assert asyncio.run(both()) == [10, 1000]
    assert sorted(span.total_ns for span in recorded.spans("waits")) == [20, 2000]
    assert [span.calls for span in recorded.spans("waits")] == [1, 1]
    assert [span.yielded for span in recorded.spans("waits")] == [0, 0]


# -- notes -----------------------------------------------------------------------------------


def test_notes_see_the_call_and_the_result(recorded: Tracing) -> None:
    seen: List[Any] = []

    def note(instance: Any, args: Any, kwargs: Any) -> Any:
        seen.append((type(instance).__name__, args, dict(kwargs)))
        return {"note.value": len(args)}

    def note_result(instance: Any, result: Any) -> Any:
        return {"note.result": str(type(instance).__name__)}

    with recorded(
        probe("Base.method", note=note, note_result=note_result),
        probe("Base.size", note=note, note_result=note_result),
        probe("Base.costly", note=note),
        probe("Base.rows", note=note),
        probe("managed", note=note),
    ):
        base = program.Base()
        base.method(5)
        _ = base.size, base.costly
        list(base.rows())
        with program.managed([], swallow=True):
            pass
    assert [entry[0] for entry in seen] == ["Base", "Base", "Base", "Base", "NoneType"]
    assert [entry[1] for entry in seen] == [(5,), (), (), (), (["in", "out"],)]
    assert seen[4][2] == {"swallow": True}
    assert recorded.span("Base.method").attributes["note.value"] == 1
    for name in ("Base.method", "Base.size"):
        assert recorded.span(name).attributes["note.result"] == "Base"
    assert "note.value" in recorded.span("Base.rows").attributes
    assert "note.value" in recorded.span("managed").attributes


def test_coroutines_are_noted(recorded: Tracing) -> None:
    import asyncio

    with recorded(probe("waits", note=lambda instance, args, kwargs: {"value": args[0]})):
        asyncio.run(program.waits(8))
    assert recorded.span("waits").attributes["value"] == 8


@pytest.mark.parametrize("name", ["function", "numbers", "managed"])
def test_a_note_that_fails_is_counted_and_said_once(
    recorded: Tracing, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    def note(instance: Any, args: Any, kwargs: Any) -> Any:
        raise LookupError("no such attribute")

    with recorded(probe(name, note=note)) as session:
        for _ in range(3):
            if name == "managed":
                with program.managed([]):
                    pass
            else:
                list(getattr(program, name)([]) if name == "function" else program.numbers(1))
        assert session.recorder.diagnostics.faults == 3
    assert recorded.calls(name) == 3
    said = capsys.readouterr().err
    assert said.count("no such attribute") == 1
    assert f"reading attributes for {name}" in said


def test_a_result_note_that_fails_does_not_lose_the_result(recorded: Tracing) -> None:
    def note_result(instance: Any, result: Any) -> Any:
        raise LookupError("no")

    with recorded(probe("function", note_result=note_result)) as session:
        assert program.function(4) == 4
        assert session.recorder.diagnostics.faults == 1


def test_a_note_cannot_change_the_call(recorded: Tracing) -> None:
    def note(instance: Any, args: Any, kwargs: Any) -> Any:
        kwargs["more"] = "spoiled"
        return {}

    received: List[Any] = []

    def takes(**kwargs: Any) -> None:
        received.append(kwargs)

    module = types.ModuleType("nutrace_takes")
    module.takes = takes  # type: ignore[attr-defined]
    sys.modules["nutrace_takes"] = module
    try:
        with recorded(Probe("nutrace_takes:takes", note=note)) as session:
            module.takes(a=1)  # type: ignore[attr-defined]
            assert session.recorder.diagnostics.faults == 1
    finally:
        del sys.modules["nutrace_takes"]
    assert received == [{"a": 1}]


def test_a_note_that_gives_nonsense(recorded: Tracing) -> None:
    with recorded(
        probe("function", note=lambda *call: None),
        probe("fibonacci", note=lambda *call: 5),
    ) as session:
        assert program.function(1) == 1
        assert program.fibonacci(1) == 1
        assert session.recorder.diagnostics.faults == 1
    assert recorded.calls("function") == recorded.calls("fibonacci") == 1


# -- missing and impossible targets ----------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("fakes.program:no_such", "fakes.program has no no_such"),
        ("fakes.program:Base.no_such", "Base has no no_such"),
        ("fakes.program:NoClass.method", "NoClass"),
        ("fakes.program:Base", "is a class"),
        ("fakes.program:THING", "is not a function"),
        ("fakes.program:stream", "asynchronous generator"),
        ("fakes.program:managed_later", "asynchronous generator"),
        ("builtins:list.append", "list"),
    ],
)
def test_what_cannot_be_wrapped_is_missing_and_hurts_nobody(
    recorded: Tracing, target: str, reason: str
) -> None:
    with recorded(Probe(target), probe("function")) as session:
        assert reason in recorded.missing[target]
        assert session.engine.applied == ["fakes.program:function"]
        program.function()
    assert recorded.calls("function") == 1


def test_a_module_that_never_comes(recorded: Tracing) -> None:
    with recorded(Probe("nutrace_never_there:f"), Probe("nutrace_never_there.sub:f")):
        pass
    assert "nutrace_never_there" not in sys.modules


def test_odd_properties(recorded: Tracing, module: Writer) -> None:
    name = module(
        "nutrace_odd_properties",
        """
import operator

class Special(property):
    "A property of its own kind."

class Holder:
    def __init__(self):
        self._x = 5
    def _set(self, value):
        self.__dict__["x"] = value
    write_only = property(None, _set)
    getter = property(operator.attrgetter("_x"))
    @Special
    def special(self):
        return self._x
""",
    )
    targets = [f"{name}:Holder.{part}" for part in ("write_only", "getter", "special")]
    loaded = importlib.import_module(name)
    with recorded(*map(Probe, targets)):
        assert "cannot be read" in recorded.missing[targets[0]]
        holder = loaded.Holder()
        assert (holder.getter, holder.special) == (5, 5)
        assert type(vars(loaded.Holder)["special"]) is loaded.Special
    assert recorded.calls("Holder.getter") == recorded.calls("Holder.special") == 1


def test_levels(recorded: Tracing) -> None:
    probes = [
        probe("function", level="coarse"),
        probe("numbers", level="normal"),
        probe("fibonacci", level="fine"),
    ]
    for level, applied in (("coarse", 1), ("normal", 2), ("fine", 3)):
        with recorded(*probes, level=level) as session:
            assert len(session.engine.applied) == applied


# -- when ------------------------------------------------------------------------------------


def test_a_later_import_is_hooked(recorded: Tracing, module: Writer) -> None:
    name = module(
        "nutrace_comes_later", "def f():\n    return 1\n\nclass C:\n    def m(self):\n        return 2\n"
    )
    with recorded(Probe(f"{name}:f"), Probe(f"{name}:C.m"), Probe(f"{name}:gone")) as session:
        assert session.engine.applied == []
        loaded = importlib.import_module(name)
        assert (loaded.f(), loaded.C().m()) == (1, 2)
        assert f"{name}:gone" in session.engine.missing
        original = loaded.f._self_function
    assert loaded.f is original
    assert [recorded.calls(part) for part in ("f", "C.m")] == [1, 1]


def test_a_later_import_after_the_end_is_left_alone(recorded: Tracing, module: Writer) -> None:
    name = module("nutrace_comes_too_late", "def f():\n    return 1\n")
    with recorded(Probe(f"{name}:f")):
        pass
    assert type(importlib.import_module(name).f) is types.FunctionType


def test_a_failing_import_fails_as_ever(recorded: Tracing, module: Writer) -> None:
    name = module("nutrace_fails", "def f():\n    pass\n\nraise LookupError('on import')\n")
    with recorded(Probe(f"{name}:f")):
        with pytest.raises(LookupError, match="on import") as raised:
            importlib.import_module(name)
        assert raised.value.__context__ is None
        assert name not in sys.modules


def test_names_bound_before(recorded: Tracing, module: Writer) -> None:
    source = importlib.import_module(module("nutrace_source", "def f():\n    return 1\n"))
    user = importlib.import_module(
        module("nutrace_user", "from nutrace_source import f, f as other\nkept = [f]\n")
    )
    original = source.f
    with recorded(Probe("nutrace_source:f")):
        assert user.f is user.other is source.f is not original
        user.f()
        user.other()
        user.kept[0]()  # inside other objects nobody looks
    assert user.f is user.other is source.f is original
    assert recorded.calls("f") == 2


# -- taking back -----------------------------------------------------------------------------


def test_a_failing_installation_leaves_nothing() -> None:
    class Trap(types.ModuleType):
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "boom":
                raise RuntimeError("a module with a mind of its own")
            super().__setattr__(name, value)

    before = program.function
    sys.modules["nutrace_trap"] = Trap("nutrace_trap")
    vars(sys.modules["nutrace_trap"])["boom"] = lambda: None
    engine = Engine([probe("function"), probe("Base.method"), Probe("nutrace_trap:boom")])
    try:
        with pytest.raises(RuntimeError, match="mind of its own"):
            engine.install()
    finally:
        del sys.modules["nutrace_trap"]
    assert program.function is before
    assert type(vars(program.Base)["method"]) is types.FunctionType
    assert engine.applied == []
    assert not engine.switch


def test_an_instrument_that_fails_leaves_nothing(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Families, "adopt", lambda *args: 1 / 0)
    before = program.function
    with pytest.raises(ZeroDivisionError):
        nutrace.instrument(
            nutrace.Settings(output=str(tmp_path / "run.json"), summary=False),
            probes=[probe("function"), probe("Abstract.compute", subclasses=True)],
        )
    assert program.function is before
    assert list(tmp_path.iterdir()) == []
    assert nutrace.uninstrument() is None


def test_one_target_that_resists_does_not_keep_the_others(recorded: Tracing) -> None:
    class Stubborn(type):
        closed = False

        def __setattr__(cls, name: str, value: Any) -> None:
            if cls.closed:
                raise LookupError("closed")
            super().__setattr__(name, value)

    class Owner(metaclass=Stubborn):
        def method(self) -> int:
            return 1

    module = types.ModuleType("nutrace_stubborn")
    module.Owner = Owner  # type: ignore[attr-defined]
    sys.modules["nutrace_stubborn"] = module
    before = program.function
    try:
        with recorded(probe("function"), Probe("nutrace_stubborn:Owner.method")) as session:
            program.function()
            Stubborn.closed = True
        assert session.recorder.diagnostics.faults == 1
    finally:
        del sys.modules["nutrace_stubborn"]
    assert program.function is before
    assert Owner().method() == 1


def test_an_inherited_target_is_taken_back_by_deletion(recorded: Tracing) -> None:
    assert "static_method" not in vars(program.Derived)
    with recorded(probe("Derived.static_method"), probe("Derived.rows")):
        assert "static_method" in vars(program.Derived)
        program.Derived().static_method()
        program.Base().static_method()
        list(program.Derived().rows())
        list(program.Base().rows())
    assert "static_method" not in vars(program.Derived)
    assert "rows" not in vars(program.Derived)
    assert recorded.calls("Derived.static_method") == 1
    rows = recorded.span("Derived.rows")
    assert (rows.calls, rows.yielded) == (1, 1)


def test_an_inherited_target_keeps_the_order_of_classes(recorded: Tracing, module: Writer) -> None:
    """In a diamond the wrapper must not shadow the class that comes next."""
    name = module(
        "nutrace_diamond",
        """
class Root:
    def who(self): return ["Root"]
class Left(Root): pass
class Right(Root):
    def who(self): return ["Right", *super().who()]
class Bottom(Left, Right): pass
""",
    )
    loaded = importlib.import_module(name)
    with recorded(Probe(f"{name}:Left.who")):
        assert loaded.Bottom().who() == ["Right", "Root"]
        assert loaded.Left().who() == ["Root"]
        assert loaded.Right().who() == ["Right", "Root"]
        assert loaded.Left.who.__doc__ is None
    assert recorded.calls("Left.who") == 2


def test_a_wrapper_that_came_later_stays_and_ours_is_silent(
    recorded: Tracing, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = program.function
    log: List[str] = []
    with recorded(probe("function")):
        ours = program.function

        def theirs(*args: Any, **kwargs: Any) -> Any:
            log.append("theirs")
            return ours(*args, **kwargs)

        program.function = theirs  # type: ignore[assignment]
    try:
        assert program.function is theirs  # type: ignore[comparison-overlap]
        assert program.function(3) == 3
        # Ours, below theirs, must not record beside the next installation's.
        with recorded(probe("function")):
            assert program.function(4) == 4
        assert recorded.calls("function") == 1
        assert program.function is theirs  # type: ignore[comparison-overlap]
        assert log == ["theirs", "theirs"]
    finally:
        program.function = original


def test_twice_is_once(recorded: Tracing) -> None:
    original = program.function
    with recorded(probe("function"), probe("function")) as session:
        assert nutrace.instrument() is session
        session.engine.install()
        program.function()
        assert session.engine.applied == ["fakes.program:function"] * 2
    assert program.function is original
    assert recorded.calls("function") == 1
    assert nutrace.uninstrument() is None


def test_installed_again_and_again(recorded: Tracing, module: Writer) -> None:
    name = module("nutrace_again", "def f():\n    return 1\n")
    for _ in range(3):
        with recorded(Probe(f"{name}:f"), probe("Base.size")):
            importlib.import_module(name).f()
            _ = program.Base().size
        assert recorded.calls("f") == recorded.calls("Base.size") == 1


def test_one_engine_installed_again_hooks_once(module: Writer) -> None:
    name = module("nutrace_hooked", "def f():\n    return 1\n\ndef g():\n    return 2\n")
    engine = Engine([Probe(f"{name}:f", until=f"{name}:g")])
    engine.install()
    engine.switch.on()
    engine.uninstall()
    assert not engine.switch
    engine.install()
    loaded = importlib.import_module(name)
    try:
        assert type(loaded.f._self_function) is types.FunctionType
        assert engine.applied == [f"{name}:f"]
    finally:
        engine.uninstall()
    assert type(loaded.f) is types.FunctionType


def test_a_decorated_function_is_not_wrapped_again(recorded: Tracing, module: Writer) -> None:
    name = module(
        "nutrace_decorated", "import nutrace\n\n@nutrace.probe(name='by hand')\ndef f():\n    return 1\n"
    )
    loaded = importlib.import_module(name)
    before = loaded.f
    with recorded(Probe(f"{name}:f")):
        assert loaded.f is before
        loaded.f()
    assert loaded.f is before
    assert recorded.shape() == ["by hand"]


def test_errors_of_a_probed_call(recorded: Tracing) -> None:
    """Status on each span that the error leaves; its stack once, where it began."""
    with recorded(probe("chained"), probe("deeper")):
        for _ in range(2):
            with pytest.raises(program.Problem):
                program.chained()
    assert recorded.shape() == [("chained", ["deeper"])] * 2
    for span in recorded.spans("deeper"):
        assert span.status.code == 2
        assert span.status.message.startswith("KeyError")
        assert "exception.stacktrace" in span.events[0].attributes
    for span in recorded.spans("chained"):
        assert span.status.message == "fakes.program.Problem: chained"


def test_the_same_error_passing_two_spans_has_one_stack(recorded: Tracing) -> None:
    with recorded(probe("failing")), pytest.raises(program.Problem), nutrace.span("outer"):
        program.failing()
    assert "exception.stacktrace" in recorded.span("failing").events[0].attributes
    assert "exception.stacktrace" not in recorded.span("outer").events[0].attributes
    assert recorded.span("outer").status.code == 2


def test_an_error_after_another_that_was_caught_has_its_own_stack(recorded: Tracing) -> None:
    @nutrace.probe(name="failing")
    def failing() -> None:
        raise ValueError("first")

    @nutrace.probe(name="outer")
    def outer() -> None:
        with contextlib.suppress(ValueError):
            failing()
        raise ValueError("second")  # most often in the memory, and so with the id, of the first

    with recorded(), pytest.raises(ValueError, match="second"):
        outer()
    events = [recorded.span(name).events[0] for name in ("failing", "outer")]
    stacks = [event.attributes["exception.stacktrace"] for event in events]
    assert ["failing" in stack for stack in stacks] == [True, False]


# -- context managers ------------------------------------------------------------------------


def test_context_managers_span_their_block(recorded: Tracing) -> None:
    with recorded(probe("managed"), probe("function")):
        with program.managed([]):
            program.function()

        @program.managed([])
        def decorated() -> None:
            program.function()

        decorated()
        decorated()
    decorated()  # and no span after the end
    assert recorded.shape() == [("managed", ["function"])] * 3


def test_a_swallowed_error_did_not_leave_the_block(recorded: Tracing) -> None:
    with recorded(probe("managed"), probe("cannot_enter"), probe("fails_leaving")):
        with program.managed([], swallow=True):
            raise program.PROBLEM
        with pytest.raises(program.Problem), program.managed([]):
            raise program.PROBLEM
        with pytest.raises(program.Problem), program.cannot_enter():
            pass
        with pytest.raises(program.Problem), program.fails_leaving():
            pass
    assert [span.status.code for span in recorded.spans("managed")] == [0, 2]
    assert recorded.span("cannot_enter").status.code == 2
    assert recorded.span("fails_leaving").status.code == 2


def test_decorated_while_on_and_called_while_off(recorded: Tracing) -> None:
    handed: List[Any] = []

    @contextmanager
    def manager() -> Iterator[None]:
        yield

    probed = nutrace.probe(manager)
    with recorded():

        @probed()
        def decorated() -> int:
            return 5

        with nutrace.span("something"):
            pass
    emit = process_state.emit
    process_state.emit = handed.append
    try:
        assert decorated() == 5
    finally:
        process_state.emit = emit
    assert handed == []


def test_threads_and_probes(recorded: Tracing) -> None:
    with recorded(probe("fibonacci")):
        threads = [threading.Thread(target=program.fibonacci, args=(6,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert recorded.calls("fibonacci") == 75
    assert len(recorded.trace.roots) == 3


def test_partial_objects_and_callables_of_a_class(recorded: Tracing, module: Writer) -> None:
    name = module(
        "nutrace_callables",
        """
import functools

class Callable:
    def __call__(self, value=1): return value

class Holder:
    partial = staticmethod(functools.partial(int, "7"))
    instance = Callable()
    limited = functools.lru_cache(maxsize=None)(lambda self: 3)
    builtin = len
""",
    )
    loaded = importlib.import_module(name)
    expected = [call(loaded) for call in (_partial, _instance, _limited, _builtin)]
    with recorded(
        *(Probe(f"{name}:Holder.{part}") for part in ("partial", "instance", "limited", "builtin"))
    ):
        assert recorded.missing == {}
        assert [call(loaded) for call in (_partial, _instance, _limited, _builtin)] == expected
    for part in ("partial", "instance", "limited", "builtin"):
        assert recorded.calls(f"Holder.{part}") == 1


def _partial(loaded: Any) -> Any:
    return loaded.Holder().partial()


def _instance(loaded: Any) -> Any:
    return loaded.Holder().instance(4)


def _limited(loaded: Any) -> Any:
    return loaded.Holder().limited()


def _builtin(loaded: Any) -> Any:
    return loaded.Holder().builtin([1])
