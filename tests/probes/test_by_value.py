"""Probed functions of ``__main__`` that travel by value run anywhere, and are recorded where they run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fakes.programs import counts, environment, losses, run, write

from nutrace.trace import load

pytest.importorskip("cloudpickle")

WORKER = """
import pickle, sys
{prelude}
with open(sys.argv[1], "rb") as file:
    work = pickle.load(file)
print(work())
"""

PROGRAM = """
import asyncio, contextlib, functools, subprocess, sys
import cloudpickle, nutrace

probe = nutrace.probe(component="planner")

@probe
def leaf(number):
    return number

@probe
def factorial(number):
    return 1 if number < 2 else number * factorial(number - 1)

@probe
def even(number):
    return number == 0 or odd(number - 1)

@probe
def odd(number):
    return number != 0 and even(number - 1)

@probe
def numbers(most):
    yield from range(most)

@probe
async def later():
    return 1

@probe
@contextlib.contextmanager
def block():
    yield 1

def make(bound):
    @probe
    def closure(number):
        return number + bound + leaf(1)
    return closure

anonymous = probe(lambda: 7)
closure = make(10)
partial = functools.partial(leaf, 5)

class Base:
    @probe
    def __init__(self, value):
        self.value = value

    @probe
    def method(self):
        return self.value

    @staticmethod
    @probe
    def static():
        return 2

    @classmethod
    @probe
    def klass(cls):
        return cls.__name__

    @property
    @probe
    def doubled(self):
        return 2 * self.value

class Derived(Base):
    @probe
    def method(self):
        return super().method() + 1

made = Derived(1)
bound = made.method

def work():
    with block() as entered:
        pass
    return (
        leaf(1), factorial(4), even(3), list(numbers(3)), asyncio.run(later()), entered, anonymous(),
        closure(1), partial(), made.method(), Derived.static(), Derived.klass(), made.doubled, bound(),
        leaf.__name__, leaf.__module__,
    )

if __name__ == "__main__":
    with open("work.pickle", "wb") as file:
        file.write(cloudpickle.dumps(work))
    if len(sys.argv) > 1:
        expected = str(work())
        done = subprocess.run([sys.executable, "worker.py", "work.pickle"], capture_output=True, text=True)
        assert not done.stderr, done.stderr
        print(done.stdout.strip() == expected, expected)
"""

CALLS = {
    "leaf": 3,  # by itself, in the closure, and as a partial
    "factorial": 4,
    "even": 2,
    "odd": 2,
    "numbers": 1,
    "later": 1,
    "block": 1,
    "<lambda>": 1,
    "make.<locals>.closure": 1,
    "Base.method": 2,
    "Derived.method": 2,
    "Base.static": 1,
    "Base.klass": 1,
    "Base.doubled": 1,
}


def test_everything_that_can_be_probed_travels_with_its_spans(tmp_path: Path) -> None:
    write(tmp_path, WORKER.format(prelude=""), "worker.py")
    write(tmp_path, PROGRAM)
    done = subprocess.run(
        [sys.executable, "program.py", "both"],
        cwd=tmp_path,
        env=environment(NUTRACE="1"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.startswith("True "), done.stdout + done.stderr
    assert "fault" not in done.stderr
    trace = load(tmp_path / "run.json")
    assert not losses(trace)
    # Both processes have called everything once; __init__ ran in the first only.
    expected = {name: 2 * calls for name, calls in CALLS.items()}
    assert counts(trace) == {**expected, "Base.__init__": 1}
    workers = {span.thread.resource for span in trace if span.name == "leaf"}
    assert len(workers) == 2


@pytest.mark.parametrize(
    "prelude", ["", "sys.modules['nutrace'] = None"], ids=["nutrace is there", "it is not"]
)
def test_a_worker_that_is_not_traced_runs_the_functions(tmp_path: Path, prelude: str) -> None:
    write(tmp_path, PROGRAM.replace('if __name__ == "__main__":', "if True:"), "program.py")
    dump = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env=environment(NUTRACE="1"), capture_output=True
    )
    assert dump.returncode == 0, dump.stderr
    write(
        tmp_path,
        WORKER.format(prelude=prelude) + "print(sorted(name for name in sys.modules if 'nutrace.' in name))",
        "worker.py",
    )
    done = subprocess.run(
        [sys.executable, "worker.py", "work.pickle"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("(1, 24, False, [0, 1, 2], 1, 1, 7, 12, 5, 2, 2, 'Derived', 2, 2, 'leaf'")
    assert done.stdout.endswith("\n[]\n")


PLANNERS = """
class Base:
    def plan(self):
        raise NotImplementedError
"""

SUBCLASS = """
import cloudpickle, subprocess, sys
from planners import Base

class Mixin:
    def plan(self):
        return "mixin"

class Mine(Base):
    known = []

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.known.append(cls.__name__)

    def plan(self):
        return "mine"

class Inherits(Mixin, Base):
    pass

def work():
    class Later(Mine):
        def plan(self):
            return super().plan() + " later"
    return Mine().plan(), Inherits().plan(), Later().plan(), Mine.known

with open("work.pickle", "wb") as file:
    file.write(cloudpickle.dumps(work))
subprocess.run([sys.executable, "worker.py", "work.pickle"], check=True)
"""


def test_planners_of_main_are_recorded_once(tmp_path: Path) -> None:
    """Classes travel with what nutrace has put into them: spans, and the hook that finds subclasses."""
    write(tmp_path, PLANNERS, "planners.py")
    write(tmp_path, WORKER.format(prelude=""), "worker.py")
    write(
        tmp_path,
        '[[probe]]\ntarget = "planners:Base.plan"\nname = "plan"\nsubclasses = true\ncomponent = "planner"\n',
        "probes.toml",
    )
    ended = run(tmp_path, SUBCLASS, variables={"NUTRACE_PROBES": "probes.toml"})
    assert ended.code == 0, ended.err
    assert ended.out == "('mine', 'mixin', 'mine later', ['Later'])\n"
    assert "fault" not in ended.err
    assert counts(ended.trace) == {"plan": 4}


def test_notes_travel_too(tmp_path: Path) -> None:
    write(
        tmp_path,
        "def note(instance, args, kwargs):\n    return {'number': args[0]}\n",
        "notes.py",
    )
    ended = run(
        tmp_path,
        """
        import pickle, sys
        import cloudpickle
        import nutrace
        from notes import note
        from nutrace.probes.recipe import Recipe, put
        from nutrace.probes.switch import switch
        def work(number):
            return number
        for name, noter in ("known", note), ("lambda", lambda *call: note(*call)):
            function = put(work, Recipe(name, "planner", noter), switch)
            data = cloudpickle.dumps(function)
            if name == "known":
                gone = data.replace(b"notes", b"toens")
                nutrace.span("gone").__enter__()
                pickle.loads(gone)(6)
            pickle.loads(data)(5)
        """,
    )
    assert ended.code == 0, ended.err
    assert "fault" not in ended.err
    noted = [(span.name, span.attributes.get("number")) for span in ended.trace]
    assert set(noted) >= {("known", 5), ("known", None), ("lambda", None)}


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_joblib(tmp_path: Path, backend: str) -> None:
    pytest.importorskip("joblib")
    ended = run(
        tmp_path,
        f"""
        import nutrace
        from joblib import Parallel, delayed
        @nutrace.probe(component="planner")
        def score(number):
            return number * number
        @nutrace.probe(component="planner")
        def outer(number):
            return score(number) + 1
        if __name__ == "__main__":
            print(Parallel(n_jobs=2, backend="{backend}")(delayed(outer)(number) for number in range(6)))
        """,
    )
    assert (ended.code, ended.out) == (0, "[1, 2, 5, 10, 17, 26]\n"), ended.err
    assert counts(ended.trace) == {"outer": 6, "score": 6}
    assert not losses(ended.trace)


def test_callables_that_are_no_functions_travel_as_they_are(tmp_path: Path) -> None:
    source = """
        import functools, pickle
        import nutrace
        def add(one, other):
            return one + other
        @nutrace.probe
        @functools.lru_cache
        def cached(number):
            return number
        class Adder:
            def __init__(self, value):
                self.value = value
            def add(self, other):
                return self.value + other
            __call__ = add
        partial = nutrace.probe(functools.partial(add, 1))
        bound = nutrace.probe(Adder(2).add)
        instance = nutrace.probe(Adder(3))
        for function in (partial, bound, instance, cached, len):
            travelled = pickle.loads(pickle.dumps(function))
            print(travelled("x") if function is len else travelled(10))
    """
    plain, traced = run(tmp_path, source, traced=False), run(tmp_path, source)
    assert (traced.code, traced.out) == (plain.code, plain.out) == (0, "11\n12\n13\n10\n1\n"), traced.err
