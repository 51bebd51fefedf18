"""Where py-spy is not installed, or may not look in, a line says what to do, and a thread samples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.programs import TIMEOUT_S, Ended, environment, write
from fakes.sampled import BURN, inside, stacks_of, wait_until_nothing_is_left

from nutrace.sampling import permission, pyspy

# CAP_SYS_PTRACE, which root has, would let py-spy look into any process.
_PR_CAPBSET_DROP, _CAP_SYS_PTRACE = 24, 19

WORK = (
    BURN
    + """
import ctypes, json, os, sys, nutrace
if "hidden" in sys.argv:
    ctypes.CDLL(None).prctl(4, 0)  # PR_SET_DUMPABLE: nobody of this user may look in
session = nutrace.instrument(nutrace.Settings(sample=200))
@nutrace.probe
def work():
    for _ in range(20):
        half(); third(); fifth()
work()
print(json.dumps(spent))
"""
)


def _run(folder: Path, *words: str, **options: object) -> Ended:
    (folder / "tmp").mkdir()
    write(folder, WORK)
    done = subprocess.run(
        [*words],
        cwd=folder,
        env=environment(TMPDIR=str(folder / "tmp"), **options.pop("variables", {})),  # type: ignore[arg-type]
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        **options,  # type: ignore[call-overload]
    )
    wait_until_nothing_is_left(folder)
    return Ended(folder, done.returncode, done.stdout, done.stderr)


def _agree(ended: Ended) -> None:
    assert ended.code == 0, ended.err
    assert "fault" not in ended.err
    (seen,) = stacks_of(ended.trace).values()
    assert seen.sampler == "a thread of nutrace"
    counts, spent = inside(seen), json.loads(ended.out)
    total = sum(counts[name] for name in spent)
    assert total > 40
    for name, time_s in spent.items():
        share = time_s / sum(spent.values())
        assert counts[name] / total == pytest.approx(
            share, abs=4 * (share * (1 - share) / total) ** 0.5 + 0.03
        )
    assert total <= counts["work"] <= total + 2  # a sample between two of its calls lies in `work` itself
    assert not counts["_write_in_background"]
    assert not counts["finish"]
    assert seen.modules[str(ended.folder / "program.py")] == "__main__"


def test_it_is_not_installed(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    python = folder / "python"
    python.symlink_to(os.path.realpath(sys.executable))  # not in this environment, which has py-spy
    variables = {"PATH": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = _run(tmp_path, str(python), "program.py", variables=variables)
    assert ended.err.count("py-spy is not installed: pip install 'py-spy>=0.4'; a thread samples") == 1
    _agree(ended)


def _drop_capability() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_SYS_PTRACE, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux to hide a process")
@pytest.mark.usefixtures("pyspy_works")
def test_it_may_not_look_in(tmp_path: Path) -> None:
    ended = _run(tmp_path, sys.executable, "program.py", "hidden", preexec_fn=_drop_capability)
    assert ended.err.count("py-spy may not look into this process: ") == 1
    assert "docker run --cap-add SYS_PTRACE" in ended.err or "ptrace_scope=0" in ended.err
    _agree(ended)


@pytest.mark.parametrize(
    ("setting", "allowed", "remedy"),
    [
        ("0", False, "--cap-add SYS_PTRACE"),
        ("1", True, "sudo sysctl kernel.yama.ptrace_scope=0"),
        ("2", False, "sudo sysctl kernel.yama.ptrace_scope=0"),
        ("", False, "--cap-add SYS_PTRACE"),
    ],
)
def test_permission_is_given_where_it_has_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, allowed: bool, remedy: str
) -> None:
    import ctypes

    calls = []

    class System:
        def __init__(self, name: object) -> None:
            pass

        def prctl(self, *arguments: object) -> int:
            calls.append(arguments)
            return 0

    monkeypatch.setattr(ctypes, "CDLL", System)
    monkeypatch.setattr(sys, "platform", "linux")
    file = tmp_path / "ptrace_scope"
    file.write_text(setting)
    assert permission.allow(4321, str(file)) is allowed
    assert len(calls) == allowed
    assert remedy in permission.why_not("Permission Denied: Try running again", str(file))


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_the_real_call_does_no_harm(tmp_path: Path) -> None:
    """A kernel without Yama refuses it."""
    (tmp_path / "ptrace_scope").write_text("1")
    assert permission.allow(os.getpid(), str(tmp_path / "ptrace_scope")) in (True, False)


def test_other_failures_are_told_as_py_spy_tells_them(tmp_path: Path) -> None:
    log = "Error: Unsupported version of Python\n\nCaused by: 3.99\nStack backtrace:\n 0: x"
    said = permission.why_not(pyspy.failure(1, log), str(tmp_path / "none"))
    assert said == "py-spy does not sample: Unsupported version of Python Caused by: 3.99"
