"""Tools of Python's that look at functions, or change them."""

from __future__ import annotations

import bdb
import cProfile
import doctest
import functools
import importlib
import io
import pdb
import pstats
import sys
import tempfile
import trace
import tracemalloc
import types
import unittest
from pathlib import Path
from typing import Any, Callable
from unittest import mock

from common import probe, tell


@probe
def add(x: int, y: int = 1) -> int:
    """Add.

    >>> add(1, 2)
    3
    >>> add(1)
    2
    """
    total = x
    total += y
    return total


class Planner:
    """A class.

    >>> Planner().plan(3)
    4
    """

    @probe
    def plan(self, x: int) -> int:
        """Plan.

        >>> Planner().plan(1)
        2
        """
        return add(x)

    @staticmethod
    @probe
    def static(x: int) -> int:
        return x

    @classmethod
    @probe
    def klass(cls, x: int) -> str:
        return f"{cls.__name__} {x}"


def program_mocks() -> None:
    here = sys.modules[__name__]
    before = add
    with mock.patch.object(here, "add", return_value=9) as mocked:
        print(Planner().plan(5), mocked.call_args, add is mocked)
    print(add is before, Planner().plan(5))
    with mock.patch(f"{__name__}.add", autospec=True) as mocked:
        mocked.return_value = 7
        print(Planner().plan(5), mocked.call_args)
        tell(lambda: add(1, 2, 3))  # type: ignore[call-arg]
    with mock.patch.object(Planner, "plan", autospec=True, side_effect=lambda self, x: x * 2):
        print(Planner().plan(5))
        tell(lambda: Planner().plan(1, 2))  # type: ignore[call-arg]
    with mock.patch.object(Planner, "static", autospec=True, return_value="s"):
        print(Planner.static(1), Planner().static(2))
    with mock.patch.object(Planner, "klass", return_value="k"):
        print(Planner.klass(1))
    print(Planner().plan(5), Planner.static(1), Planner.klass(1))
    spec = mock.create_autospec(Planner, instance=True)
    spec.plan(3)
    tell(lambda: spec.plan())
    print(mock.Mock(spec=add)(1) is not None, mock.Mock(wraps=add)(1, 5), spec.plan.call_count)
    print(isinstance(mock.create_autospec(add), types.FunctionType))


def program_doctest() -> None:
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(verbose=False)
    for test in finder.find(sys.modules[__name__], globs={"add": add, "Planner": Planner}):
        print(test.name.partition(".")[2], test.lineno, runner.run(test))


def program_unittest() -> None:
    class Case(unittest.TestCase):
        @probe
        def setUp(self) -> None:
            self.x = 1

        @probe
        def test_right(self) -> None:
            """Is right."""
            self.assertEqual(add(self.x), 2)  # noqa: PT009

        @unittest.skip("not now")
        @probe
        def test_skipped(self) -> None: ...

        @probe
        def test_wrong(self) -> None:
            self.assertEqual(add(self.x), 3)  # noqa: PT009

        @mock.patch(f"{__name__}.add")
        @probe
        def test_mocked(self, mocked: Any) -> None:
            self.assertIs(add, mocked)  # noqa: PT009

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Case)
    result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    print(result, [str(case) for case, _ in result.failures], [str(test) for test in suite])


def calls(profile: Any, function: Callable[..., Any]) -> Any:
    stats: Any = pstats.Stats(profile, stream=io.StringIO())
    code = function.__code__
    return stats.stats.get((code.co_filename, code.co_firstlineno, code.co_name), ())[:2]


def program_profilers() -> None:
    profile = cProfile.Profile()
    profile.runcall(lambda: [Planner().plan(3) for _ in range(5)])
    print(calls(profile, add), calls(profile, Planner.plan))
    tracemalloc.start()
    print(len(bytes(Planner().plan(1000))), tracemalloc.get_traced_memory()[1] > 1000)
    tracemalloc.stop()
    counted = trace.Trace(count=True, trace=False)
    print(counted.runfunc(Planner().plan, 3))
    lines = {line for file, line in counted.results().counts if file == __file__}
    first = add.__code__.co_firstlineno
    print(sorted(line - first for line in lines if first <= line < first + 20))


def program_settrace() -> None:
    seen: list[Any] = []

    def tracer(frame: Any, event: str, arg: Any) -> Any:
        if frame.f_code.co_filename == __file__ and frame.f_code.co_name in ("add", "plan"):
            seen.append((frame.f_code.co_name, event))
        return tracer

    def profiler(frame: Any, event: str, arg: Any) -> None:
        if frame.f_code.co_filename == __file__ and event in ("call", "return"):
            seen.append((frame.f_code.co_name, event))

    sys.settrace(tracer)
    try:
        Planner().plan(1)
    finally:
        sys.settrace(None)
    print(seen)
    seen.clear()
    sys.setprofile(profiler)
    try:
        Planner().plan(1)
    finally:
        sys.setprofile(None)
    print(seen)


def program_pdb() -> None:
    out = io.StringIO()
    debugger = pdb.Pdb(
        stdin=io.StringIO("continue\np x\np y\nreturn\np x + y\ncontinue\n"), stdout=out, nosigint=True
    )
    debugger.reset()
    debugger.set_break(__file__, add.__code__.co_firstlineno + 10)
    tell(lambda: debugger.runcall(lambda: Planner().plan(3)))
    debugger.clear_all_breaks()
    print([line for line in out.getvalue().splitlines() if line.startswith("(Pdb)")])

    class Stops(bdb.Bdb):
        def user_line(self, frame: Any) -> None:
            if frame.f_code.co_filename == __file__:
                print(frame.f_code.co_name, frame.f_lineno - add.__code__.co_firstlineno)
            self.set_step()

    Stops().runcall(add, 1)


def program_reloading() -> None:
    folder = tempfile.mkdtemp()
    file = Path(folder) / "reloaded_here.py"
    text = "from common import probe\n@probe\ndef f():\n    return {0!r}\n"
    text += "class C:\n    @probe\n    def m(self):\n        return {0!r}\n"
    sys.path.insert(0, folder)
    file.write_text(text.format("old"))
    module = importlib.import_module("reloaded_here")
    kept, instance = module.f, module.C()
    print(kept(), instance.m())
    file.write_text(text.format("quite new"))
    importlib.invalidate_caches()
    module = importlib.reload(module)
    print(module.f(), module.C().m(), kept(), instance.m())
    instance.__class__ = module.C
    print(instance.m())
    kept.__code__ = module.f.__code__
    print(kept())
    for name, value in list(vars(module.C).items()):
        if callable(value) and hasattr(value, "__code__"):
            value.__code__ = (lambda self: "swapped").__code__
            print(name, instance.m())
    sys.path.remove(folder)


def program_functools() -> None:
    print(functools.update_wrapper(functools.partial(add, 1), add).__name__)
    print(functools.partial(add, y=4)(1), functools.partial(Planner().plan, 3)())
    print(functools.cmp_to_key(add)(1) is not None, functools.WRAPPER_ASSIGNMENTS[0])
    registry: dict[Any, str] = {add: "add", Planner.plan: "plan"}
    print(registry[add], registry[Planner.plan], add in registry, Planner().plan in registry)


def program_line_profiler() -> None:
    try:
        import line_profiler
    except ImportError:
        print("no line_profiler")
        return
    profile = line_profiler.LineProfiler()
    profile.add_function(add)
    wrapped = profile(Planner.plan)
    profile.enable_by_count()
    print(Planner().plan(3), wrapped(Planner(), 4))
    profile.disable_by_count()
    timings = profile.get_stats().timings
    first = add.__code__.co_firstlineno
    for (_, _, name), lines in sorted(timings.items()):
        print(name, [(line - first, hits) for line, hits, _ in lines])
