"""Whether a process is to be traced, and what is on in it, so that it can be switched off."""

from __future__ import annotations

from typing import Callable, List, Mapping

_stops: List[Callable[[], object]] = []

#: Values of NUTRACE, in any case, with which a process is not traced; the start-up file lists them as well.
OFF = ("", "0", "no", "off", "false")


def asked_for(environ: Mapping[str, str]) -> bool:
    """Whether NUTRACE switches tracing on."""
    return environ.get("NUTRACE", "").lower() not in OFF


def started(stop: Callable[[], object]) -> None:
    """Note that something is on, and that `stop` switches it off; noting it twice is noting it once."""
    if stop not in _stops:
        _stops.append(stop)


def stop_all() -> None:
    """Switch everything off, newest first."""
    while _stops:
        _stops.pop()()
