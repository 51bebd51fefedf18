"""What is freed when the last reference goes, and what the collector finds."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
import types
import weakref
from typing import Any, Iterator

from common import probe


class Thing:
    """Can be referred to weakly."""


class Base:
    @probe
    def method(self) -> int:
        return 1

    @probe
    def rows(self) -> Iterator[Any]:
        yield self


@probe
def hands_back(thing: Any, **more: Any) -> Any:
    return thing


@probe
def fails(thing: Any) -> None:
    raise ValueError(thing)


@probe
def generates(thing: Any) -> Iterator[Any]:
    yield thing
    yield thing


@probe
async def waits(thing: Any) -> Any:
    await asyncio.sleep(0)
    return thing


def gone(reference: Any) -> str:
    """At once, when the collector has run, or not."""
    if reference() is None:
        return "at once"
    gc.collect()
    return "collected" if reference() is None else "alive"


def made(make: Any) -> Any:
    thing = make()
    return weakref.ref(thing)


def program_arguments_and_results() -> None:
    thing = Thing()
    reference = weakref.ref(thing)
    hands_back(thing, key=thing)
    del thing
    print(gone(reference))
    print(gone(made(lambda: hands_back(Thing()))))
    thing = Thing()
    reference = weakref.ref(thing)
    print(asyncio.run(waits(thing)) is thing)
    del thing
    print(gone(reference))


def program_errors() -> None:
    thing = Thing()
    reference = weakref.ref(thing)
    try:
        fails(thing)
    except ValueError as error:
        print(error.args[0] is thing)
    del thing
    print(gone(reference))
    thing = Thing()
    reference = weakref.ref(thing)
    try:
        fails(thing)
    except ValueError as error:
        kept = error
    del thing
    print(gone(reference))
    del kept
    print(gone(reference))


def program_generators() -> None:
    for steps in (0, 1, 3):
        thing = Thing()
        reference = weakref.ref(thing)
        generator = generates(thing)
        for _ in range(steps):
            next(generator, None)
        ended = weakref.ref(generator)
        del thing, generator
        print(steps, gone(ended), gone(reference))
    thing = Thing()
    reference = weakref.ref(thing)
    generator = generates(thing)
    next(generator)
    try:
        generator.throw(KeyError)  # type: ignore[attr-defined]
    except KeyError:
        pass
    del thing, generator
    print(gone(reference))
    coroutine = waits(Thing())
    coroutine.close()  # type: ignore[attr-defined]
    del coroutine


def program_instances_and_classes() -> None:
    instance = Base()
    instance.method()
    list(instance.rows())
    reference = weakref.ref(instance)
    del instance
    print("instance", gone(reference))

    def cell() -> Any:
        weights = Thing()

        class Local(Base):
            @probe
            def method(self) -> int:
                return 2 if weights else super().method()

            @property
            @probe
            def size(self) -> Any:
                return weights

        Local().method()
        _ = Local().size
        return weakref.ref(Local), weakref.ref(weights)

    for reference in cell():
        print("class", gone(reference))
    print(len(Base.__subclasses__()))


def program_functions_and_closures() -> None:
    def make() -> Any:
        held = Thing()

        @probe
        def closure() -> Any:
            return held

        closure()
        return weakref.ref(closure), weakref.ref(held)

    for reference in make():
        print(gone(reference))

    def in_a_cycle() -> Any:
        held = Thing()

        @probe
        def recursive(n: int) -> Any:
            return recursive(n - 1) if n else held

        recursive(3)
        return weakref.ref(recursive), weakref.ref(held)

    for reference in in_a_cycle():
        print(gone(reference))


def program_modules() -> None:
    module = types.ModuleType("made_here")
    exec("from common import probe\n@probe\ndef f():\n    return THING\n", vars(module))
    module.THING = Thing()  # type: ignore[attr-defined]
    reference = weakref.ref(module.THING)
    print(module.f() is module.THING)
    del module
    print("module", gone(reference))
    import common_reloaded

    before = weakref.ref(common_reloaded.Held)
    cls = weakref.ref(common_reloaded.Planner)
    print(common_reloaded.Planner().compute())
    importlib.reload(common_reloaded)
    print(common_reloaded.Planner().compute(), gone(before), gone(cls))
    del sys.modules["common_reloaded"], common_reloaded


def program_threads() -> None:
    import threading

    thing = Thing()
    reference = weakref.ref(thing)
    thread = threading.Thread(target=hands_back, args=(thing,))
    thread.start()
    thread.join()
    del thing, thread
    print(gone(reference))
    print(gc.garbage)
