"""Run nutrace's commands in this process, and check that a file does nothing to them that it must not.

A command prints its answer, or one line that says what is wrong; it does not raise, hang, take memory
without bound, print control characters, or change a file or a setting of the process.
"""

from __future__ import annotations

import faulthandler
import gc
import io
import json
import locale
import os
import resource
import signal
import sqlite3
import sys
import traceback
import warnings
import xml.etree.ElementTree
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import nutrace
from nutrace.cli.main import main
from nutrace.errors import NutraceError

#: What one command may take: time of this process, and time on a busy machine. A file of a fuzzer has less
#: than a megabyte.
SECONDS = 20
WAITING_SECONDS = 120
MEMORY_BYTES = 2_000_000_000

#: The commands that read a run file; FILE stands for its path, PROFILE for that of a profile, OTHER for a run
#: file that nobody has changed.
COMMANDS: Tuple[Tuple[str, ...], ...] = (
    ("report", "FILE"),
    ("report", "FILE", "--json"),
    ("report", "FILE", "--markdown", "--limit", "0"),
    ("report", "FILE", "--steps", "1:3"),
    ("scenarios", "FILE", "--sort", "gain"),
    ("scenarios", "FILE", "--json"),
    ("workers", "FILE"),
    ("workers", "FILE", "--json"),
    ("workers", "FILE"),
    ("workers", "FILE", "--json"),
    ("whatif", "FILE", "--workers", "3"),
    ("overhead", "FILE"),
    ("overhead", "FILE", "--json"),
    ("overhead", "FILE", "--markdown", "--steps", "1:3"),
    ("sql", "FILE"),
    ("sql", "FILE", "--json", "--steps", "0:"),
    ("sql", "FILE", "--full", "--explain"),
    ("deepcopy", "FILE"),
    ("deepcopy", "FILE", "--json"),
    ("deepcopy", "FILE", "--by", "type", "--limit", "0"),
    ("deepcopy", "FILE", "--flamegraph", "-"),
    ("speedups", "FILE"),
    ("speedups", "FILE", "--json"),
    ("suggest", "FILE"),
    ("suggest", "FILE", "--json", "--limit", "0", "--min-share", "0"),
    ("cprofile", "PROFILE", "FILE"),
    ("cprofile", "PROFILE", "FILE", "--json"),
    ("index", "LOG", "--run", "FILE"),
    ("compare", "OTHER", "--against", "FILE", "--anyway", "--limit", "0"),
    ("compare", "FILE", "--against", "OTHER", "--anyway", "--json"),
    ("compare", "FILE", "--against", "OTHER", "--anyway", "--markdown"),
    ("flamegraph", "FILE", "-o", "-", "-f", "speedscope"),
    ("flamegraph", "FILE", "-o", "-", "-f", "speedscope", "--min-us", "50"),
    ("flamegraph", "FILE", "-o", "-", "-f", "html"),
    ("flamegraph", "FILE", "-o", "-", "-f", "svg"),
    ("flamegraph", "FILE", "-o", "-", "-f", "collapsed"),
    ("flamegraph", "FILE", "-o", "-", "-f", "chrome", "--component", "database"),
    ("flamegraph", "FILE", "-o", "-", "-f", "chrome"),
    ("join", "FILE", "-o", "-"),
)


class Fault(Exception):
    """What a command did that it must not; the message says what, and where."""


class _Hang(BaseException):
    """Raised in a command that takes too long; no command catches it."""


def bound_memory() -> None:
    """Let an allocation fail, instead of the machine."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES + 1_000_000_000, hard))


def watch(
    folder: Path, file: Path, profile: Path, log: Path, commands: int, choose: Callable[[int], int]
) -> None:
    """Run some commands on a file, and look at the trace as a notebook does.

    Parameters
    ----------
    folder:
        The folder with the files. Nothing in it may change.
    file, profile, log:
        The run file, a profile of cProfile's, and a database.
    commands:
        How many of the commands to run.
    choose:
        Gives a number below the one that it is given.
    """
    other = folder / "other.json"
    places = {"FILE": str(file), "PROFILE": str(profile), "LOG": str(log), "OTHER": str(other)}
    before = _state(folder)
    for _ in range(commands):
        words = [places.get(word, word) for word in COMMANDS[choose(len(COMMANDS))]]
        with _bounded(words):
            code, out, err = run_command(words)
        check_output(words, code, out, err)
    if choose(3) == 0:
        with _bounded(["notebook"]):
            look(file)
    after = _state(folder)
    for name, value in before.items():
        if after[name] != value:
            raise Fault(f"changed: {name}: {str(value)[:300]} became {str(after[name])[:300]}")


@contextmanager
def _bounded(words: List[str]) -> Iterator[None]:
    def stop(_signal: int, frame: Any) -> None:
        raise _Hang("".join(traceback.format_stack(frame)[-6:]))

    peak = _peak_bytes()  # of the whole process so far
    earlier = [signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WAITING_SECONDS)
    faulthandler.dump_traceback_later(WAITING_SECONDS * 2, exit=True)  # for what no signal interrupts
    try:
        yield
    except _Hang as hang:
        raise Fault(f"{words}: no end after {SECONDS} s of work, or {WAITING_SECONDS} s\n{hang}") from None
    except Fault:
        raise
    except BaseException:
        raise Fault(f"{words}: raised\n{traceback.format_exc(limit=-8)}") from None
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in zip((signal.SIGPROF, signal.SIGALRM), earlier):
            signal.signal(number, handler)
    if _peak_bytes() > max(peak, MEMORY_BYTES):
        raise Fault(f"{words}: {_peak_bytes() / 1e9:.1f} GB of memory")


def _peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def run_command(words: List[str]) -> Tuple[int, bytes, str]:
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True), io.StringIO()
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = out, err
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            code = main(words)
    finally:
        sys.stdout, sys.stderr = streams
    content: bytes = out.buffer.getvalue()  # type: ignore[attr-defined]
    return code, content, err.getvalue()


def check_output(words: List[str], code: int, out: bytes, err: str) -> None:
    if code not in range(10) or "Traceback" in err or "memory" in err:
        raise Fault(f"{words}: exit code {code}: {err[-2000:]}")
    errors = [line for line in err.split("\n") if line.startswith("nutrace: error: ")]
    if len(errors) != (code != 0) or (code and out):
        raise Fault(f"{words}: exit code {code} with {len(out)} bytes and {len(errors)} lines: {err!r}")
    try:
        _check_text(err)
        if code:
            return
        form = words[words.index("-f") + 1] if "-f" in words else "html" if "-" in words else ""
        if "--json" in words or form in ("speedscope", "chrome"):
            json.loads(out, parse_constant=_no_constant)
        elif form == "svg":
            xml.etree.ElementTree.fromstring(out.decode("utf-8"))
        elif form == "html":
            _check_page(out.decode("utf-8"))
        else:
            _check_text(out.decode("utf-8"))
    except Fault:
        raise
    except Exception as error:
        raise Fault(f"{words}: bad output: {error!r}: {out[:300]!r}") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _check_text(text: str) -> None:
    for line in text.split("\n"):
        if not line.isprintable():
            odd = sorted({char for char in line if not char.isprintable()})
            raise Fault(f"unprintable {odd} in {line[:300]!r}")


def _check_page(page: str) -> None:
    head, _, rest = page.partition('type="application/json"')
    data = rest[rest.index(">") + 1 : rest.index("</script>")]
    json.loads(data, parse_constant=_no_constant)
    if "<script" not in head + rest:
        raise ValueError("no script")


def look(file: Path) -> None:
    """What a notebook does."""
    try:
        trace = nutrace.load(file)
    except NutraceError:
        return
    for markup in (trace._repr_html_(), trace.flamegraph()._repr_html_()):
        assert markup is not None
        markup.encode("utf-8")
    repr(trace)
    try:
        trace.spans(attributes=["db.query.text", "nutrace.step.index", "code.line.number"]).to_string()
        trace.steps().to_string()
    except nutrace.errors.MissingDependencyError:
        pass
    for span in trace:
        repr((span.status, span.events, span.attributes, span.function, span.file, span.line, span.thread))


def _state(folder: Path) -> Dict[str, Any]:
    """What no command may change."""
    connection = sqlite3.connect(":memory:")
    try:
        settings = {
            name: connection.execute(f"PRAGMA {name}").fetchall()
            for name in (
                "hard_heap_limit",
                "soft_heap_limit",
                "cache_size",
                "temp_store",
                "case_sensitive_like",
            )
        }
    finally:
        connection.close()
    files = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        files[str(path)] = (status.st_size, status.st_mtime_ns, status.st_mode, content)
    return {
        "files": files,
        "environment": dict(os.environ),
        "directory": os.getcwd(),
        "sqlite": settings,
        "recursion limit": sys.getrecursionlimit(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)],
        "collector": (gc.isenabled(), gc.get_threshold()),
        "locale": locale.setlocale(locale.LC_ALL),
        "memory": resource.getrlimit(resource.RLIMIT_AS),
    }
