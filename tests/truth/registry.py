"""The programs, what they are run with, and what is asked of their runs: a row of a list for each program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Tuple

from truth import own_cost
from truth.questions import (
    Question,
    aimed,
    counts,
    drift,
    injected,
    parent_of_calls,
    percentile,
    said_of,
    self_time,
    slower,
    statement,
    total_time,
    worst_self_time,
)


@dataclass(frozen=True)
class Program:
    """A program of the laboratory.

    Attributes
    ----------
    name:
        Its file in ``programs/``, without ending.
    title:
        What it is, for the table.
    setups:
        The arguments of its runs in a round, by a name.
    questions:
        The rows of the table.
    tools:
        The tools that it is asked of; empty for all.
    """

    name: str
    title: str
    setups: Mapping[str, Tuple[str, ...]]
    questions: Tuple[Question, ...]
    tools: Tuple[str, ...] = ()


_CHILDREN = (
    "What a probe does outside of its two clock readings is taken out of its parent's self time at a price "
    "that is measured at the start: too little where caches are colder than is foreseen, or the machine has "
    "become busier."
)
_RAISED = (
    "Noting an exception is clocked and taken out. What is around that is taken out at a price that follows "
    "from a call's."
)
_WAITS = "A thread whose queue is full waits for the writer in the span that is open."
_AT_STEPS_END = (
    "When a queue is half full, the thread waits for the writer after the step's span has ended: the "
    "program's own clock sees that, the span does not. Steps as short as these come upon it often."
)
_MERGED = "Times are kept to 5 %, and what a probe takes between its two readings is in them."
_ESTIMATE = "Prices are those of warm caches, and of an event among others of its kind."
_NOISE = "All of these events cost less than what two starts of one program differ by, some 20 ms."

_KINDS: Mapping[str, Tuple[str, int, int]] = {
    # what an event is, warm events, cold events
    "calls": ("two function calls", 100_000, 200),
    "values": ("a value of a generator", 200_000, 200),
    "exceptions": ("an exception", 10_000, 200),
    "rows": ("a row", 200_000, 200),
    "statements": ("a statement", 20_000, 200),
    "connects": ("a connection", 3_000, 200),
    "copies": ("a deep copy", 10_000, 200),
    "api": ("a span of the OpenTelemetry API", 10_000, 200),
}
_OWN_SETUPS = {own_cost.NOTHING: ("nothing", "warm", "1")}
for _kind, (_, _warm, _cold) in _KINDS.items():
    _OWN_SETUPS[own_cost.warm(_kind)] = (_kind, "warm", str(_warm))
    _OWN_SETUPS[own_cost.cold(_kind)] = (_kind, "cold", str(_cold))
_OWN_QUESTIONS = (
    *(own_cost.event_cost(kind, f"{text}: own cost") for kind, (text, _, _) in _KINDS.items()),
    own_cost.start_and_exit("start and exit"),
    *(
        aimed(
            own_cost.measured_by_said(kind, f"{text}: own cost by what is said, warm"),
            1.5,
            _NOISE if kind in ("connects", "copies", "api") else _ESTIMATE,
        )
        for kind, (text, _, _) in _KINDS.items()
    ),
    *(
        own_cost.measured_by_said_cold(kind, f"{text}: own cost by what is said, cold")
        for kind, (text, _, _) in _KINDS.items()
    ),
    aimed(
        own_cost.start_and_exit_by_said("start and exit: own cost by what is said"),
        1.5,
        "The estimate does not count joining the file, nor what the interpreter does at its end.",
    ),
)

_ONE = "one"

PROGRAMS: Tuple[Program, ...] = (
    Program(
        "nested",
        "nested functions",
        {_ONE: ("60",)},
        (
            aimed(self_time(_ONE, "tens", "10 us: self time"), 5, _CHILDREN),
            aimed(self_time(_ONE, "hundreds", "100 us with 10 children of 10 us: self time"), 2, _CHILDREN),
            aimed(self_time(_ONE, "thousands", "1 ms with 5 children: self time"), 2, _CHILDREN),
            aimed(self_time(_ONE, "step", "10 ms with 2 children: self time"), 2, _CHILDREN),
            counts(_ONE),
            slower(_ONE, "main_ns", "the program is slower by"),
        ),
    ),
    Program(
        "split",
        "the same 5 ms of work in ever more calls",
        {"1": ("1", "100"), "100": ("100", "100"), "5000": ("5000", "25")},
        (
            self_time("1", "whole", "without calls: self time"),
            *(
                aimed(
                    parent_of_calls(calls, f"{calls} calls: the parent's self time, of the work"),
                    10,
                    _CHILDREN,
                )
                for calls in ("1", "100", "5000")
            ),
            self_time("5000", "whole", "beside 5000 calls: self time of the other function"),
            *(
                slower(calls, "main_ns", f"{calls} calls: the program is slower by")
                for calls in ("1", "100", "5000")
            ),
        ),
    ),
    Program(
        "injected",
        "30 functions of 30 us, one of which does more",
        {"0": ("0", "700"), "20": ("20", "700"), "100": ("100", "700")},
        (
            aimed(worst_self_time("0", "nothing injected: the self time that is most wrong"), 5, _CHILDREN),
            aimed(injected("0", "20", "part_17", "20 us injected: error of what is seen"), 2, _CHILDREN),
            aimed(
                drift("0", "20", "part_17", "20 us injected: largest change of another function"), 5, _WAITS
            ),
            aimed(injected("0", "100", "part_17", "100 us injected: error of what is seen"), 2, _CHILDREN),
            aimed(
                drift("0", "100", "part_17", "100 us injected: largest change of another function"), 5, _WAITS
            ),
        ),
    ),
    Program(
        "generators",
        "generators of 50 values of 10 us",
        {_ONE: ("300",)},
        (
            self_time(_ONE, "rows", "a generator: self time"),
            aimed(self_time(_ONE, "looping", "the loop over it: self time"), 5, _CHILDREN),
            self_time(_ONE, "inner", "a generator below `yield from`: self time"),
            aimed(self_time(_ONE, "outer", "a generator with `yield from`: self time"), 5, _CHILDREN),
            aimed(self_time(_ONE, "delegating", "the loop over that: self time"), 5, _CHILDREN),
            counts(_ONE),
        ),
    ),
    Program(
        "exceptions",
        "exceptions",
        {_ONE: ("2500",)},
        (
            aimed(self_time(_ONE, "raises", "the function that raises: self time"), 5, _RAISED),
            aimed(self_time(_ONE, "passes", "one that it passes through: self time"), 5, _RAISED),
            aimed(self_time(_ONE, "handles", "one that handles it: self time"), 5, _RAISED),
            self_time(_ONE, "usual", "the same without an exception: self time"),
        ),
    ),
    Program(
        "recursion",
        "recursion, 40 levels of 20 us",
        {_ONE: ("600",)},
        (
            aimed(self_time(_ONE, "descend", "the recursive function: self time"), 5, _CHILDREN),
            self_time(_ONE, "begin", "its caller: self time"),
        ),
    ),
    Program(
        "contexts",
        "context managers",
        {_ONE: ("2000",)},
        (
            self_time(_ONE, "opened", "the context manager: self time"),
            self_time(_ONE, "within", "a function in its block: self time"),
            self_time(_ONE, "uses", "the function with the block: self time"),
        ),
    ),
    Program(
        "two_threads",
        "two threads",
        {_ONE: ("700",)},
        (
            self_time(_ONE, "first", "on the main thread: self time"),
            self_time(_ONE, "second", "on the other: self time"),
        ),
    ),
    Program(
        "tasks",
        "two tasks of asyncio that work in turn",
        {_ONE: ("200",)},
        (
            self_time(_ONE, "longer", "100 us a turn: self time"),
            self_time(_ONE, "shorter", "50 us a turn: self time"),
        ),
    ),
    Program(
        "native",
        "C code",
        {_ONE: ("250",)},
        (
            self_time(_ONE, "holding", "with the interpreter's lock: self time of its caller"),
            self_time(_ONE, "releasing", "without the lock: self time of its caller"),
        ),
    ),
    Program(
        "statements",
        "SQLite",
        {_ONE: ("300",)},
        (
            statement(_ONE, "slow_execute", "a statement whose execute is slow: its time"),
            statement(_ONE, "slow_fetch", "a statement whose rows are slow: its time"),
        ),
    ),
    Program(
        "copies",
        "deep copies",
        {_ONE: ("2000",)},
        (
            total_time(_ONE, "deepcopy", "time in copies, by that beside nothing"),
            slower(_ONE, "main_ns", "the program is slower by"),
        ),
    ),
    Program(
        "tails",
        "steps of 97 calls",
        {_ONE: ("1200",)},
        (
            *(
                aimed(slower(_ONE, f"{p}_ns", f"{p} of the steps, by the program's clock"), 10, _AT_STEPS_END)
                for p in ("p50", "p95", "p99")
            ),
            slower(_ONE, "longest_ns", "the longest step, by the program's clock"),
            said_of(_ONE, "step_mean_ns", "mean_ns", "mean of the steps, as the tool says"),
            aimed(
                said_of(_ONE, "step_p99_ns", "p99_ns", "p99 of the steps, as the tool says"), 10, _CHILDREN
            ),
            counts(_ONE),
        ),
    ),
    Program(
        "mixed_calls",
        "calls of 5 us, one in ten of 100 us",
        {_ONE: ("20000",)},
        (
            aimed(percentile(_ONE, "p50_ns", "p50 of the calls"), 5, _MERGED),
            aimed(percentile(_ONE, "p95_ns", "p95 of the calls"), 5, _MERGED),
        ),
    ),
    Program(
        "own_cost",
        "what the tool itself costs",
        _OWN_SETUPS,
        _OWN_QUESTIONS,
        ("nutrace", "cprofile", "viztracer", "opentelemetry"),
    ),
)
