"""Traces, a browser and the npm package of speedscope for the tests of exporters."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from browsing import Opened, Shown, visit
from fakes.otlp import trace_of
from made_up import group, with_samples

from nutrace.trace import Trace
from nutrace.trace.sampled import SampledFunction
from nutrace_exporters import html

SPEEDSCOPE = "speedscope@1.25.0"
CACHE = Path.home() / ".cache" / "nutrace-tests"

STEP = {"nutrace.component": "simulation", "nutrace.step.simulated_interval_s": 0.1}
QUERY = {
    "nutrace.component": "database",
    "code.function.name": "execute_many",
    "code.file.path": "query_session.py",
    "code.line.number": 20,
}
LEAF = {"nutrace.component": "map", "nutrace.composite.min_ns": 2_000, "nutrace.composite.max_ns": 9_000}


@pytest.fixture
def sample(tmp_path: Path) -> Trace:
    """Two steps (us): a generator open for longer than it costs, a composite span, a worker."""
    return trace_of(
        tmp_path,
        (
            "simulation.run",
            0,
            1000,
            [
                (
                    "simulation.step",
                    100,
                    300,
                    [
                        (
                            "db.rows",
                            110,
                            210,
                            {**QUERY, "nutrace.busy_ns": 40_000, "nutrace.generator.yielded": 23},
                        ),
                        (
                            "map.distance",
                            220,
                            280,
                            {**LEAF, "nutrace.composite.count": 10, "nutrace.busy_ns": 50_000},
                        ),
                    ],
                    {**STEP, "nutrace.step.index": 0},
                ),
                (
                    "simulation.step",
                    300,
                    700,
                    [
                        ("db.rows", 310, 410, QUERY),
                        ("worker.map", 420, 680, {"nutrace.component": "worker", "thread.id": 2}),
                    ],
                    {**STEP, "nutrace.step.index": 1},
                ),
            ],
            {"nutrace.component": "simulation", "nuplan.planner.name": "SimplePlanner"},
        ),
        ("metrics; all", 1000, 1500, {"nutrace.component": "metrics", "metric": "jerk"}),
    )


@pytest.fixture
def two_scenarios(tmp_path: Path) -> Trace:
    """Step 5 of two scenarios."""

    def run(token: str, start: int) -> Any:
        step = ("simulation.step", start + 100, start + 300, {**STEP, "nutrace.step.index": 5})
        return ("simulation.run", start, start + 1000, [step], {"nuplan.scenario.token": token})

    return trace_of(tmp_path, run("5f", 0), run("3a", 2000))


@pytest.fixture
def sampled(sample: Trace) -> Trace:
    """``sample`` with samples in its run and steps, in its statements, and too few in its metrics."""
    functions = [
        SampledFunction("plan", "/home/me/planner.py", 10),
        SampledFunction("score", "/home/me/scorer.py", 20),
        SampledFunction("norm", "/home/me/work/planner/scorer.py", 90),
        SampledFunction("rarely"),
        SampledFunction("seldom"),
    ]
    groups = [
        group(20, (-1, 0, 30), (0, 1, 100), (1, 2, 40), (0, 3, 4), (0, 4, 6)),
        group(60, (-1, 2, 20)),
        group(1, (-1, 0, 8)),
    ]
    of = {"simulation.run": 0, "simulation.step": 0, "db.rows": 1, "metrics; all": 2}
    return with_samples(sample, [of.get(name, -1) for name in sample.name], groups, functions)


@pytest.fixture(scope="session")
def speedscope_package() -> Path:
    """The unpacked npm package, fetched once into a cache."""
    npm = shutil.which("npm")
    folder = CACHE / SPEEDSCOPE.replace("@", "-")
    if not (folder / "package" / "package.json").exists():
        if npm is None:
            pytest.skip("npm is not installed: it brings speedscope's schema and app")
        folder.mkdir(parents=True, exist_ok=True)
        fetched = subprocess.run(
            [npm, "pack", SPEEDSCOPE, "--silent"], cwd=folder, capture_output=True, text=True, timeout=100
        )
        if fetched.returncode:
            pytest.skip(f"npm pack {SPEEDSCOPE} failed: {fetched.stderr.strip()[-200:]}")
        with tarfile.open(folder / fetched.stdout.split()[-1]) as archive:
            for member in archive.getmembers():
                if member.isfile() and ".." not in member.name:
                    content = archive.extractfile(member)
                    target = folder / member.name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read() if content else b"")
    return folder / "package"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium; one for all tests, each loads its own page."""
    webdriver = pytest.importorskip("selenium.webdriver")
    service = pytest.importorskip("selenium.webdriver.chrome.service")
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("Chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    profile = tempfile.mkdtemp()
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1400,900",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=service.Service(driver))
    yield browser
    browser.quit()
    shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture
def shown(chromium: Any, rendered: Callable[..., bytes], tmp_path: Path) -> Iterator[Shown]:
    """Opens a page that a module makes and waits until it is drawn; in the end the console must be clean."""

    def show(module: Any, drawn: Any, address: str = "", **options: Any) -> Any:
        page = tmp_path / "page.html"
        page.write_bytes(rendered(module, drawn, **options))
        visit(chromium, page.as_uri() + address)
        return chromium

    chromium.get_log("browser")
    yield show
    # The tests read pixels back; the page does not.
    assert [entry for entry in chromium.get_log("browser") if "getImageData" not in entry["message"]] == []


@pytest.fixture
def opened(shown: Shown) -> Opened:
    """Opens a trace's page."""
    return partial(shown, html)


@pytest.fixture
def rendered() -> Callable[..., bytes]:
    """Bytes that a format's module writes for a trace, or for a difference."""

    def render(module: Any, drawn: Any, **options: Any) -> bytes:
        out = io.BytesIO()
        module.export(drawn, out, module.Options(**options))
        return out.getvalue()

    return render
