"""A speedup and a probe on the same method."""

from __future__ import annotations

import functools
import importlib
from types import SimpleNamespace
from typing import Any, Callable, List, Mapping

from fakes.tracing import Tracing

from nutrace import Probe
from nutrace.patching import Replacement, Switch
from nutrace.speedups.installation import Installation

SHAPES = """
import abc

class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...
"""
SQUARES = """
from shapes import Shape

class Square(Shape):
    def area(self):
        return 4
"""


class Counting:
    """A speedup that stands around ``Square.area`` as soon as the class is made, and names it as well."""

    def __init__(self) -> None:
        self.calls: List[Any] = []
        self.replacements = (
            Replacement("shapes:Shape.area", self._make, subclasses=True),
            Replacement("squares:Square.area", self._make),
        )

    def stats(self) -> Mapping[str, int]:
        return {}

    def close(self) -> None:
        pass

    def _make(self, original: Any, switch: Switch) -> Any:
        @functools.wraps(original)
        def area(self: Any) -> Any:
            part.calls.append(self)
            return original(self)

        part = self
        return area


def test_a_method_that_is_replaced_and_then_probed_is_replaced_once(
    recorded: Tracing, module: Callable[[str, str], str]
) -> None:
    module("shapes", SHAPES)
    module("squares", SQUARES)
    part = Counting()
    speedup = SimpleNamespace(name="counting", build=lambda options: part)
    installation = Installation(SimpleNamespace(speedup=speedup, options=SimpleNamespace()))  # type: ignore[arg-type]
    installation.install()
    try:
        with recorded(Probe("shapes:Shape.area", "map", "area", subclasses=True)):
            squares = importlib.import_module("squares")
            assert [squares.Square().area() for _ in range(3)] == [4, 4, 4]
    finally:
        installation.uninstall()
    assert installation.refused == ""
    assert len(part.calls) == 3
    # The span is around the replacement.
    assert sum(span.calls for span in recorded.trace if span.name == "area") == 3
