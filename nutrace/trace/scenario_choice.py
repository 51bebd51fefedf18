"""Choose scenarios by what a user types: a token, a type or a number."""

from __future__ import annotations

import re
from operator import index as as_int
from typing import TYPE_CHECKING, Iterable, Iterator, List, Tuple, Union

from nutrace.errors import UsageError, did_you_mean
from nutrace.trace.addresses import Scenario

if TYPE_CHECKING:
    from nutrace.trace.trace import Trace

_NUMBER = re.compile(r"[0-9]{1,9}\Z")
_LISTED = 6  # scenarios or types in an error, which is one line
_LONGEST = 40


def choose_scenarios(trace: Trace, wanted: Union[str, int]) -> Tuple[Tuple[Scenario, ...], str]:
    """The scenarios that `wanted` stands for, and words for them.

    An integer stands for the scenario of that number, and text for the first of these that there is: a token,
    of all its simulations; a name with the attempt (``5f3a#2``, and ``5f3a#1`` for the first one); a type, of
    all its scenarios; a number; the beginning of one token.

    Raises
    ------
    UsageError
        If there is no such scenario, or several tokens begin like this. It says which ones there are.
    """
    if not isinstance(wanted, str):
        scenario = _of_number(trace, wanted)
        return (scenario,), _one(scenario)
    text = wanted.strip()
    scenarios = trace.simulations
    if not text:
        raise UsageError("bad --scenario '': write a token or its beginning, a type, or a number")
    token, _, attempt = text.rpartition("#")
    found = [each for each in scenarios if each.token == text]
    if not found:
        found = [each for each in scenarios if each.token == token != "" and str(each.attempt) == attempt]
    found = found or [each for each in scenarios if each.name == text]
    if not found:
        found = [each for each in scenarios if each.type == text]
        if len(found) > 1:
            return tuple(found), f"{len(found):,} scenarios of type {_short(text)}"
    if not found and _NUMBER.match(text):
        found = [each for each in scenarios if each.number == int(text)]
    if not found:
        found = [each for each in scenarios if each.token.startswith(text)]
        tokens = {each.token for each in found}
        if len(tokens) > 1:
            begin = f"{len(tokens):,} tokens begin with {text[:_LONGEST]!r}"
            raise UsageError(f"{begin}: write more of one of {_listed(map(_short, sorted(tokens)))}")
    if not found:
        near = did_you_mean(text, _words_for(scenarios))
        raise UsageError(
            f"no scenario {text[:_LONGEST]!r} in {trace.path}: {_what_there_is(scenarios)}{near}"
        )
    return tuple(found), _one(found[0]) if len(found) == 1 else _of_token(found)


def _of_number(trace: Trace, wanted: int) -> Scenario:
    """The scenario of a number, whatever tokens read like it: where spans lie is said in numbers."""
    try:
        number = as_int(wanted)  # numpy's integers too
    except TypeError:
        raise UsageError(
            f"a scenario is a token, a type, or a number, and not {str(wanted)[:_LONGEST]}"
        ) from None
    scenario = trace.addresses.by_number.get(number)
    if scenario is None:
        shown = str(number)[:_LONGEST]
        raise UsageError(f"no scenario {shown} in {trace.path}: {_what_there_is(trace.simulations)}")
    return scenario


def _words_for(scenarios: Iterable[Scenario]) -> Iterator[str]:
    """Names and types, shortened as they are shown."""
    for each in scenarios:
        yield from (_short(word) for word in (each.name, each.type) if word)


def _one(scenario: Scenario) -> str:
    """Words for one scenario."""
    name = _short(scenario.name) if scenario.token else str(scenario.number)
    return f"scenario {name} ({_short(scenario.type)})" if scenario.type else f"scenario {name}"


def _of_token(scenarios: List[Scenario]) -> str:
    """Words for several simulations of one token: it was retried, or several planners drove it."""
    return f"{len(scenarios):,} simulations of scenario {_short(scenarios[0].token)}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _what_there_is(scenarios: Tuple[Scenario, ...]) -> str:
    if not scenarios:
        return "it has no scenarios"
    if len(scenarios) <= _LISTED:
        return "it has " + _listed(f"{each.number}: {_one(each)[len('scenario ') :]}" for each in scenarios)
    numbers = f"it has {len(scenarios):,} scenarios, numbers {scenarios[0].number} to {scenarios[-1].number}"
    types = sorted({_short(each.type) for each in scenarios if each.type})
    first = next((_short(each.token) for each in scenarios if each.token), "")
    of_types = f", of the types {_listed(types)}" if types else ""
    return numbers + of_types + (f"; the first token is {first}" if first else "")


def _listed(items: Iterable[str]) -> str:
    texts = list(items)
    return ", ".join(texts[:_LISTED]) + (", ..." if len(texts) > _LISTED else "")
