"""Probed functions that a program treats as functions: new code, attributes, implicit class methods."""

from __future__ import annotations

import functools
import inspect
import os
from pathlib import Path
from typing import Any, Callable

import pytest
from fakes.programs import run
from fakes.tracing import Tracing

import nutrace


def old(value: int = 1, *, key: str = "old") -> Any:
    """The function before it is edited."""
    return "old", value, key


def new(value: int = 2, *, key: str = "new") -> Any:
    """The function afterwards."""
    return "new", value, key


@pytest.fixture
def edited() -> Any:
    def copy(function: Any) -> Any:
        return type(function)(function.__code__, globals(), "edited", function.__defaults__)

    made = copy(old)
    made.__kwdefaults__ = dict(old.__kwdefaults__)
    return made


@pytest.mark.parametrize("on", [False, True])
def test_edited_code_runs(recorded: Tracing, edited: Any, on: bool) -> None:
    """What %autoreload and debuggers set: the program's own function must have it, traced or not."""
    probed = nutrace.probe(edited, name="edited") if not on else None
    with recorded():
        if probed is None:
            probed = nutrace.probe(name="edited")(edited)
        assert probed() == ("old", 1, "old")
        if on:
            _edit(probed)
            assert probed() == ("new", 2, "new")
    if not on:
        _edit(probed)
    assert probed() == edited() == ("new", 2, "new")
    assert probed.__code__ is edited.__code__ is new.__code__
    with recorded():
        assert probed() == ("new", 2, "new")
    assert recorded.calls("edited") == 1


def _edit(probed: Any) -> None:
    for name in ("__code__", "__defaults__", "__kwdefaults__"):
        setattr(probed, name, getattr(new, name))


def test_what_cannot_be_set_on_a_function(edited: Any) -> None:
    probed = nutrace.probe(edited)
    for name in ("__globals__", "__closure__"):
        with pytest.raises(AttributeError):
            setattr(edited, name, None)
        with pytest.raises(AttributeError):
            setattr(probed, name, None)


def test_attributes_stay_when_tracing_goes_on_and_off(recorded: Tracing, edited: Any) -> None:
    probed = nutrace.probe(edited)
    probed.before = 1
    with recorded():
        assert probed.before == 1
        probed.during = 2
        del probed.before
        probed()
    assert (probed.during, hasattr(probed, "before")) == (2, False)
    assert vars(probed) is vars(edited)


def test_a_function_stays_the_same_key(recorded: Tracing, edited: Any) -> None:
    probed: Any = nutrace.probe(edited)
    handlers = {edited: "before", new: "another"}
    with recorded():
        assert handlers[probed] == "before"
        assert (probed == edited, edited != probed, probed == new) == (True, False, False)
        handlers[probed] = "during"
    assert handlers == {edited: "during", new: "another"}
    assert handlers[probed] == "during"


def test_a_decorator_that_updates_a_probed_function(recorded: Tracing, edited: Any) -> None:
    probed: Any = nutrace.probe(edited)
    functools.update_wrapper(probed, new)
    assert inspect.unwrap(probed) is new
    with recorded():
        assert probed()[0] == "old"
    del probed.__dict__["__wrapped__"]


@pytest.mark.parametrize("decorate", [lambda function: function, nutrace.probe], ids=["plain", "probed"])
def test_implicit_class_methods(recorded: Tracing, decorate: Callable[[Any], Any]) -> None:
    with recorded():

        class Base:
            @decorate
            def __init_subclass__(cls, **kwargs: Any) -> None:
                super().__init_subclass__()
                cls.options = kwargs  # type: ignore[attr-defined]

            @decorate
            def __class_getitem__(cls, item: Any) -> Any:
                return cls.__name__, item

        class Child(Base, tag=1):
            pass

        assert Child.options == {"tag": 1}  # type: ignore[attr-defined]
        assert Child[int] == ("Child", int)  # type: ignore[comparison-overlap]
        with nutrace.span("something"):
            pass
    if decorate is nutrace.probe:
        assert {span.name.rpartition(".")[2] for span in recorded.trace} == {
            "__init_subclass__",
            "__class_getitem__",
            "something",
        }


AUTORELOAD = """
import os, sys, time
sys.path.insert(0, os.getcwd())
sys.dont_write_bytecode = True
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()

def write(answer, seconds):
    with open("edited_module.py", "w") as file:
        file.write(f'''
import nutrace

class Planner:
    @nutrace.probe
    def compute(self):
        return "{answer}"

@nutrace.probe
def score():
    return "{answer}"
''')
    os.utime("edited_module.py", (seconds, seconds))

write("old", time.time())
shell.run_cell("%load_ext autoreload\\n%autoreload 2")
shell.run_cell("from edited_module import Planner, score\\np = Planner()")
shell.run_cell("print(p.compute(), score(), Planner().compute())")
write("new", time.time() + 10)
shell.run_cell("print(p.compute(), score(), Planner().compute())")
"""


@pytest.mark.parametrize("traced", [False, True])
def test_autoreload(tmp_path: Path, traced: bool) -> None:
    pytest.importorskip("IPython")
    ended = run(
        tmp_path, AUTORELOAD, traced=traced, variables={"IPYTHONDIR": str(tmp_path), "HOME": os.devnull}
    )
    assert ended.out.splitlines()[-2:] == ["old old old", "new new new"], ended.err
