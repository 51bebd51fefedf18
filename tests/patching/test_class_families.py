"""Families with plain replacements; tests/probes/test_families.py has what spans show of them."""

from __future__ import annotations

import sys
import types
from abc import ABC, abstractmethod
from typing import Any, Iterator, List

import pytest

from nutrace.patching import MissingTarget, Patches, Replacement, Switch
from nutrace.patching.families import Families


class Root(ABC):
    """A base class with an abstract method."""

    @abstractmethod
    def run(self) -> str: ...


HERE = types.ModuleType("nutrace_family")
HERE.Root = Root  # type: ignore[attr-defined]


def marked(original: Any, switch: Switch) -> Any:
    if not callable(original):
        raise MissingTarget("is not a function")
    return lambda self: f"[{original(self)}]"


@pytest.fixture
def faults() -> Iterator[List[str]]:
    noted: List[str] = []
    sys.modules["nutrace_family"] = HERE
    patches = Patches([Replacement("nutrace_family:Root.run", marked, subclasses=True)], noted.append)
    patches.install()
    yield noted
    patches.undo()
    del sys.modules["nutrace_family"]
    assert "__init_subclass__" not in vars(Root)


def test_classes_of_later(faults: List[str]) -> None:
    class One(Root):
        def run(self) -> str:
            return "one"

    class Two(One):
        def run(self) -> str:
            return "two" + super().run()

    class Odd(One):
        run = 5  # type: ignore[assignment]

    assert (One().run(), Two().run(), Odd.run) == ("[one]", "[two[one]]", 5)
    assert faults == []


def test_a_class_statement_survives_a_fault(faults: List[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Families, "_adopt_class", lambda *args: 1 / 0)

    class One(Root):
        def run(self) -> str:
            return "one"

    assert One().run() == "one"
    assert faults == [f"patching {One.__qualname__}"]
