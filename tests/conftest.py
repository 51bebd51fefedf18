"""Fixtures of all tests. pytest puts this folder on the path: ``from fakes.otlp import document`` works."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Callable, Iterator, List

import pytest
from devkit import synthesize
from fakes.clock import FakeClock, fake_clock
from fakes.tracing import Tracing
from hypothesis import HealthCheck, settings


def pytest_configure() -> None:
    """Let SIGINT through: tests interrupt programs, and a shell starts background jobs with it ignored.

    Commands print plain text in tests, also where the user wants colours in pipes. The ``nutrace`` of this
    interpreter is on the PATH, as in an activated environment, and plots open no windows.
    """
    os.environ["PATH"] = os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", "")))
    os.environ.pop("FORCE_COLOR", None)
    os.environ["MPLBACKEND"] = "agg"
    # How long an example takes says what else the machine does.
    settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("tests")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for the groups
def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    """Keep the tests that share costly runs, or a browser, in one worker, which starts with them."""
    for item in items:
        for mark in ("devkit", "browser"):
            if item.get_closest_marker(mark):
                item.add_marker(pytest.mark.xdist_group(mark))


@pytest.fixture(scope="session", autouse=True)
def _own_ipython(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Kernels of two workers would write one history, and complain if it is locked."""
    os.environ["IPYTHONDIR"] = str(tmp_path_factory.mktemp("ipython"))


@pytest.fixture
def recorded(tmp_path: Path) -> Tracing:
    """``with recorded(probe, ...): run()`` traces the block; afterwards ``recorded.trace`` is its trace."""
    return Tracing(tmp_path)


@pytest.fixture(scope="session")
def devkit_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log and maps for the devkit."""
    directory = tmp_path_factory.mktemp("synth") / "data"
    synthesize(directory)
    return directory


@pytest.fixture
def clock() -> Iterator[FakeClock]:
    """The recorder's clock, which stands still until a test advances it."""
    with fake_clock() as standing:
        yield standing


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], str]]:
    """A function that writes a module, which can be imported during the test, and returns its name."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)

    def write(name: str, source: str) -> str:
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
        return name

    yield write
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file and file.startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def nothing_stays_wrapped() -> Iterator[None]:
    """Fail a test that leaves the process traced."""
    yield
    session = sys.modules.get("nutrace.session")
    if session is None:
        return
    from nutrace.probes.switch import switch
    from nutrace.recording.context import RuntimeContext, current

    if session._session is not None:  # type: ignore[attr-defined]
        session.cancel()  # type: ignore[attr-defined]
        pytest.fail("the test left a session running")
    from opentelemetry import context

    assert not switch, "the test left probes switched on"
    assert not isinstance(context._RUNTIME_CONTEXT, RuntimeContext), "our runtime context stayed"
    left = current.get()
    current.set(None)
    assert left is None, f"{left!r} stayed current"
