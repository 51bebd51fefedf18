"""Call sites: found by place, bounded in number, and without keeping anything of the program alive."""

from __future__ import annotations

import contextlib
import copy
import gc
import sqlite3
import sys
import weakref
from typing import Any, Callable, Dict, Set

import pytest
from fakes.tracing import Tracing

from nutrace import semconv
from nutrace.probes import callers
from nutrace.probes.callers import CallSites
from nutrace.probes.catalogue import copies, sqlite
from nutrace.probes.sqlite import connections

assert connections  # imported before a program has odd modules
PROBES = (*sqlite.PROBES, *copies.PROBES)

SOURCE = """
def {name}(copy, sqlite3):
    connection = sqlite3.connect(":memory:")
    connection.execute("SELECT 1").fetchall()
    connection.close()
    return copy.deepcopy([1])
"""


def function(name: str, module: Any = "made_up") -> Callable[..., Any]:
    """A function of a module that nothing else refers to."""
    names: Dict[str, Any] = {"__name__": module}
    exec(compile(SOURCE.format(name=name), f"{name}.py", "exec"), names)
    made: Callable[..., Any] = names[name]
    return made


def test_the_programs_code_is_not_kept_alive(recorded: Tracing) -> None:
    with recorded(*PROBES):
        made = function("passing")
        made(copy, sqlite3)
        code = weakref.ref(made.__code__)
        del made
        gc.collect()
        assert code() is None
    assert {recorded.span(name).function for name in (semconv.STATEMENT_SPAN, semconv.DEEPCOPY_SPAN)} == {
        "made_up.passing"
    }


def test_code_that_takes_the_place_of_other_code_has_its_own_call_sites(recorded: Tracing) -> None:
    ids: Set[int] = set()
    count = 0
    with recorded(*PROBES):
        while count < 50 or (len(ids) == count and count < 1_000):  # till an id was seen twice
            made = function(f"made_{count}")
            made(copy, sqlite3)
            ids.add(id(made.__code__))
            del made
            gc.collect(1)  # it is young, and a whole collection takes long
            count += 1
    assert len(ids) < count
    for name in (semconv.CONNECT_SPAN, semconv.STATEMENT_SPAN, semconv.DEEPCOPY_SPAN):
        assert {span.function for span in recorded.spans(name)} == {f"made_up.made_{n}" for n in range(count)}


def test_odd_module_names_do_no_harm(recorded: Tracing) -> None:
    class Refusing(str):
        def startswith(self, *args: Any) -> bool:
            raise RuntimeError("no")

    for module in ([], None, 5, Refusing("odd")):
        made = function("odd", module)
        with recorded(*PROBES):
            assert made(copy, sqlite3) == [1]
        for name in (semconv.CONNECT_SPAN, semconv.STATEMENT_SPAN, semconv.DEEPCOPY_SPAN):
            assert recorded.calls(name) == 1


def test_beyond_the_bound_call_sites_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "_MOST", 3)
    sites = CallSites("some.span", "database", attributes={"a": "b"})
    frame = sys._getframe()
    made = [sites.find(frame, key) or sites.add(frame, key, {}) for key in range(5)]
    assert len(set(made[:3])) == 3
    assert made[3] is made[4] is sites.others
    assert (sites.others.name, sites.others.attributes) == ("some.span", {"a": "b"})
    assert len(sites._known) <= 3


def test_frames_between_the_program_and_sqlite3_are_no_callers(recorded: Tracing) -> None:
    sqlalchemy: Any = pytest.importorskip("sqlalchemy")
    with recorded(*PROBES):
        engine = sqlalchemy.create_engine("sqlite://")
        with contextlib.closing(engine.connect()) as connection:
            connection.execute(sqlalchemy.text("SELECT 5")).fetchall()
        engine.dispose()
    here = f"{__name__}.test_frames_between_the_program_and_sqlite3_are_no_callers"
    spans = recorded.spans(semconv.STATEMENT_SPAN)
    assert {span.function for span in spans} == {here}
    assert "SELECT ?" in {span.attributes[semconv.DB_TEXT] for span in spans}
