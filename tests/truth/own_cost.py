"""Questions about a tool's own cost: what it is, and what the tool says that it is.

What the event costs by itself, and what starting and ending the tool cost, is measured in runs beside nothing
and in runs with no event, and taken out.
"""

from __future__ import annotations

from typing import Optional

from truth.questions import Question, Runs

NOTHING = "nothing"


def warm(kind: str) -> str:
    """The setup with warm events of a kind."""
    return f"{kind}, warm"


def cold(kind: str) -> str:
    """The setup with cold events of a kind."""
    return f"{kind}, cold"


def event_cost(kind: str, text: str) -> Question:
    """Microseconds of processor time that a tool takes for an event, on all threads, up to its file."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        return _warm_ns(kind, runs, bare) / runs[warm(kind)].facts["events"] / 1000

    return Question(text, "us", answer)


def measured_by_said(kind: str, text: str) -> Question:
    """What warm events cost, as a multiple of what the tool says."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        said = _said_ns(warm(kind), runs)
        return None if said is None else _warm_ns(kind, runs, bare) / said

    return Question(text, "times", answer)


def measured_by_said_cold(kind: str, text: str) -> Question:
    """The same of cold events, by the program's clock around each of them and the time of other threads."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        setup = cold(kind)
        said = _said_ns(setup, runs)
        if said is None:
            return None
        facts = "events_ns", "other_threads_ns"
        return sum(runs[setup].facts[fact] - bare[setup].facts[fact] for fact in facts) / said

    return Question(text, "times", answer)


def start_and_exit(text: str) -> Question:
    """Milliseconds of processor time that starting and ending the tool take."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        return (runs[NOTHING].processor_ns - bare[NOTHING].processor_ns) / 1e6

    return Question(text, "ms", answer)


def start_and_exit_by_said(text: str) -> Question:
    """The same as a multiple of what the tool says."""

    def answer(runs: Runs, bare: Runs) -> Optional[float]:
        said = runs[NOTHING].said.facts.get("own_ns")
        return (runs[NOTHING].processor_ns - bare[NOTHING].processor_ns) / said if said else None

    return Question(text, "times", answer)


def _warm_ns(kind: str, runs: Runs, bare: Runs) -> float:
    with_events = runs[warm(kind)].processor_ns - bare[warm(kind)].processor_ns
    return with_events - (runs[NOTHING].processor_ns - bare[NOTHING].processor_ns)


def _said_ns(setup: str, runs: Runs) -> Optional[float]:
    of_events, of_none = (_of_events_ns(runs, each) for each in (setup, NOTHING))
    if of_events is None or of_none is None or of_events <= of_none:
        return None
    return of_events - of_none


def _of_events_ns(runs: Runs, setup: str) -> Optional[float]:
    """What is said without starting and ending, which never take quite the same time."""
    said = runs[setup].said.facts
    return said["own_ns"] - said.get("start_and_exit_ns", 0) if "own_ns" in said else None
