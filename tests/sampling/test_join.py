"""Each sample is placed in the span that was current when it was taken."""

from __future__ import annotations

from typing import Iterator

from fakes.tracing import Tracing
from fakes.witness import Witness

import nutrace
from nutrace.sampling.join import OUTSIDE, join
from nutrace.sampling.stacks import Stacks


def burn(witness: Witness) -> None:
    witness()


def test_functions_below_a_span(recorded: Tracing) -> None:
    witness = Witness()

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
    trace = recorded.trace
    assert witness.joined(trace, 0) == ("outer", "outer", [])
    assert witness.joined(trace, 1) == ("outer", "outer", ["burn"])
    assert witness.joined(trace, 2) == ("inner", "inner", ["burn"])


def test_a_block_is_in_the_function_around_it(recorded: Tracing) -> None:
    witness = Witness()

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
    assert witness.joined(recorded.trace, 0) == ("block", "block", ["burn"])
    assert witness.joined(recorded.trace, 1) == ("inner", "inner", [])


def test_generators(recorded: Tracing) -> None:
    witness = Witness()

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
    trace = recorded.trace
    assert witness.joined(trace, 0) == ("numbers", "numbers", ["burn"])
    assert witness.joined(trace, 1) == ("first", "first", [])
    assert witness.joined(trace, 2) == ("numbers", "numbers", ["burn"])


def test_outside(recorded: Tracing) -> None:
    stacks = Stacks(sampler="a sampler", rate_hz=100)
    stacks.add([("main", "/p.py", 1), ("burn", "/p.py", 5)], 3)
    with recorded(), nutrace.span("block"):
        pass
    sampled = join(recorded.trace, [(stacks, None)]).sampled
    assert sampled is not None
    assert (sampled.taken, sampled.placed, sampled.unplaced) == (3, 0, {OUTSIDE: 3})
    assert (sampled.samplers, sampled.rate_hz, set(sampled.group_of)) == (("a sampler",), 100, {-1})
