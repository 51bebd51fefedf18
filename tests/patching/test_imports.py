"""The table of what waits for an import, and wrapt's table behind it."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import threading
import warnings
import weakref
from pathlib import Path
from types import ModuleType
from typing import Any, List

import pytest
from fakes.programs import counts, run, write
from wrapt import importer

import nutrace
from nutrace.patching import Patches, Replacement
from nutrace.patching.imports import forget, on_import
from nutrace.patching.lock import lock


def _hooks() -> int:
    return sum(len(hooks) for hooks in importer._post_import_hooks.values())


def _patches(name: str) -> Patches:
    return Patches([Replacement(f"{name}:f", lambda original, switch: lambda: "new")], print)


def test_wrapt_has_one_hook_for_each_module(tmp_path: Path) -> None:
    before = _hooks()
    for _ in range(20):
        several = [_patches("nutrace_waited_for") for _ in range(3)]
        for patches in several:
            patches.install()
        for patches in several:
            patches.undo()
    assert _hooks() == before + 1


def test_tracing_again_and_again_leaves_nothing_behind(tmp_path: Path) -> None:
    settings = nutrace.Settings(output=str(tmp_path / "run.json"), summary=False)
    counts = []
    for _ in range(4):
        session = weakref.ref(nutrace.instrument(settings))
        nutrace.uninstrument()
        gc.collect()
        assert session() is None
        counts.append(_hooks())
    assert len(set(counts)) == 1


def test_called_once_and_not_if_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    calls: List[str] = []

    def first(module: ModuleType) -> None:
        calls.append(f"first {module.__name__}")

    def second(module: ModuleType) -> None:
        calls.append(f"second {module.__name__}")

    (tmp_path / "nutrace_once.py").write_text("value = 1\n")
    try:
        for expected in (["first nutrace_once"], []):
            on_import("nutrace_once", first)
            on_import("nutrace_once", second)
            forget("nutrace_once", second)
            if not expected:
                forget("nutrace_once", first)
            importlib.import_module("nutrace_once")
            assert calls == expected
            calls.clear()
            del sys.modules["nutrace_once"]
    finally:
        sys.modules.pop("nutrace_once", None)


def test_a_child_that_was_forked_while_another_thread_patches(tmp_path: Path, monkeypatch: Any) -> None:
    """The lock that the other thread holds is free in the child, where an import is patched."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "nutrace_forked.py").write_text("def f():\n    return 'old'\n")
    patches = _patches("nutrace_forked")
    patches.install()
    holding, release = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            holding.set()
            release.wait(0.2)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forking beside other threads, which is what is tested
        child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if importlib.import_module("nutrace_forked").f() == "new" else 2
        finally:
            os._exit(code)
    release.set()
    thread.join()
    try:
        assert os.waitpid(child, 0)[1] == 0
    finally:
        patches.undo()


def test_a_module_that_imports_when_it_is_asked_for_a_name(tmp_path: Path) -> None:
    """Another thread imports the same, and then waits for the lock that is held while modules are patched."""
    write(
        tmp_path,
        """
        import time
        def __getattr__(name):
            if name != "Lazy":
                raise AttributeError(name)
            import lazy_part
            return lazy_part.Lazy
        """,
        "lazy.py",
    )
    write(tmp_path, "import time\ntime.sleep(0.5)\nclass Lazy:\n    def work(self): pass\n", "lazy_part.py")
    write(
        tmp_path,
        """
        [[probe]]
        target = "lazy:Lazy.work"
        [[probe]]
        target = "lazy_part:Lazy.work"
        """,
        "probes.toml",
    )
    ended = run(
        tmp_path,
        """
        import threading, time
        thread = threading.Thread(target=__import__, args=("lazy_part",), daemon=True)
        thread.start()
        time.sleep(0.1)
        import lazy
        thread.join()
        lazy.Lazy().work()
        """,
        variables={"NUTRACE_PROBES": "probes.toml"},
    )
    assert ended.code == 0, ended.err
    assert counts(ended.trace) == {"Lazy.work": 1}
