"""The speedups that are switched on in this process."""

from __future__ import annotations

import contextlib
from typing import Iterable, Iterator, List

from nutrace import semconv
from nutrace._running import started
from nutrace.errors import NutraceError
from nutrace.forks import LockOrder, fork_safe_lock
from nutrace.recording.faults import say
from nutrace.recording.resource import contribute
from nutrace.speedups.installation import Installation, as_json
from nutrace.speedups.metrics import Metrics
from nutrace.speedups.own_faults import note_unrecorded
from nutrace.speedups.registry import Chosen, chosen

_installations: List[Installation] = []
_lock = fork_safe_lock(LockOrder.SPEEDUPS)  # one thread at a time switches on or off
_metrics = Metrics(lambda: _installations)


def switch_on(wanted: Iterable[Chosen]) -> None:
    """Install speedups. To be called before tracing begins, so that spans are put around what they do.

    A speedup that is on already stays as it is. Any thread may call this.

    Raises
    ------
    NutraceError
        If one cannot be made because a package is missing; none of `wanted` is on then.
    """
    note_unrecorded()
    with _lock:
        known = {each.name for each in _installations}
        made = [Installation(each) for each in wanted if each.speedup.name not in known]
        try:
            for installation in made:
                installation.install()
        except BaseException:
            for installation in made:
                installation.uninstall()
            raise
        _installations.extend(made)
        _metrics.update()
    contribute(semconv.SPEEDUP_FIGURES, figures)
    started(switch_off)


def switch_off() -> None:
    """Switch all speedups off, and free what they hold."""
    with _lock:
        while _installations:
            _installations.pop().uninstall()


@contextlib.contextmanager
def speedups(names: str) -> Iterator[List[Installation]]:
    """Speedups for a block, named as in ``NUTRACE_SPEEDUPS``.

    Raises
    ------
    SettingsError
        For an unknown name or a bad option.
    """
    switch_on(chosen(names))
    try:
        yield list(_installations)
    finally:
        switch_off()


def figures() -> str:
    """What the run file says about them, as JSON; empty if no speedup is on."""
    return as_json(_installations)


def start(text: str) -> None:
    """Switch on the speedups that ``NUTRACE_SPEEDUPS`` names; print one line for each that cannot be."""
    try:
        wanted = chosen(text)
    except NutraceError as error:
        _say(error, "the program runs as stock")
        return
    for each in wanted:
        try:
            switch_on([each])
        except Exception as error:  # whatever is wrong with a speedup, the program starts
            _say(error, f"the program runs without {each.speedup.name}")


def _say(error: Exception, consequence: str) -> None:
    kind = "" if isinstance(error, NutraceError) else f"{type(error).__name__}: "
    say(f"{kind}{' '.join(str(error).split())}; {consequence}")
