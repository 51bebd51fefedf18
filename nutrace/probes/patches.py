"""Probes as patches: what is put in a target's place, by what the target is."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Callable, Iterable, List, Optional, cast

from nutrace.patching import MissingTarget, Patch, Replacement, Switch
from nutrace.patching.families import super_of
from nutrace.patching.targets import inner
from nutrace.probes.blocks import Bracket
from nutrace.probes.kinds import does_nothing, kind_of, site_of, unsupported
from nutrace.probes.notes import Wrapper, notes_for
from nutrace.probes.probe import Probe
from nutrace.probes.recipe import Recipe, put
from nutrace.probes.wrapped import is_probed, put_around


def patches(probes: Iterable[Probe]) -> List[Patch]:
    """The patches of `probes`."""
    # Brackets last: the two calls that open and close a bracket's span lie inside it, with their own spans.
    ordered = sorted(probes, key=lambda probe: probe.until is not None)
    return [_bracket(probe) if probe.until is not None else SpanPatch(probe) for probe in ordered]


@dataclass(frozen=True)
class SpanPatch:
    """Puts a span around each call of a probe's target."""

    probe: Probe
    partner: Optional[Patch] = None

    @property
    def target(self) -> str:
        """The probe's target."""
        return self.probe.target

    @property
    def subclasses(self) -> bool:
        """Whether the probe is on the overriding methods as well."""
        return self.probe.subclasses

    def replacement(self, original: Any, owner: Any, name: str, switch: Switch) -> Any:
        """`original`, which `owner` has as `name`, with a span around it while `switch` is on.

        Raises
        ------
        MissingTarget
            If no span can be put around it.
        """
        if is_probed(original) or self._is_left_out(original, owner):
            return original
        if self.probe.make is not None:
            return self.probe.make(original, switch)
        return _traced(original, owner, name, self.probe, switch)

    def _is_left_out(self, original: Any, owner: Any) -> bool:
        if not self.probe.subclasses:
            return False
        return does_nothing(original) or f"{owner.__module__}:{owner.__qualname__}" in self.probe.without


def _traced(original: Any, owner: Any, name: str, probe: Probe, switch: Switch) -> Any:
    if isinstance(original, property):
        if original.fget is None:
            raise MissingTarget(f"{probe.qualname} is a property that cannot be read")
        return original.getter(_probed(original.fget, owner, probe, switch, takes_instance=True))
    if isinstance(original, functools.cached_property):
        cached = copy.copy(original)
        cached.func = _probed(original.func, owner, probe, switch, takes_instance=True)
        return cached
    is_method = isinstance(owner, type) and isinstance(original, (FunctionType, classmethod))
    if isinstance(owner, type) and name not in vars(owner) and isinstance(original, FunctionType):
        kind = kind_of(original)
        return _probed(_inherited(owner, name, original), owner, probe, switch, kind, takes_instance=True)
    return _probed(original, owner, probe, switch, takes_instance=is_method)


def _probed(
    original: Any,
    owner: Any,
    probe: Probe,
    switch: Switch,
    kind: Optional[Callable[..., Wrapper]] = None,
    *,
    takes_instance: bool,
) -> Any:
    reason = unsupported(inner(original))
    if reason:
        raise MissingTarget(f"{probe.qualname} {reason}")
    recipe = Recipe(probe.span_name, probe.component, probe.note, probe.note_result, takes_instance)
    return put(original, recipe, switch, owner=owner, kind=kind)


def _inherited(owner: type, name: str, original: FunctionType) -> FunctionType:
    """A method that `owner` inherits, as its own: it calls whichever class comes next for the instance."""

    @functools.wraps(original)
    def inherited(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(super_of(owner, self), name)(*args, **kwargs)

    return cast(FunctionType, inherited)


def _bracket(probe: Probe) -> Patch:
    """The patch of a probe with `until`: one call opens the span, and the other closes it."""
    assert probe.until is not None
    brackets: List[Bracket] = []

    def opening(original: Any, owner: Any, name: str, switch: Switch) -> Any:
        site = site_of(original, probe.span_name, probe.component, owner, block=True)
        takes_instance = isinstance(owner, type) and isinstance(original, (FunctionType, classmethod))
        bracket = Bracket(site, notes_for(site, probe.note, probe.note_result, of_method=takes_instance))
        brackets[:] = [bracket]
        return put_around(original, bracket.open, switch)

    def closing(original: Any, switch: Switch) -> Any:
        return put_around(original, brackets[0].close, switch)

    return _Opening(probe.target, opening, Replacement(probe.until, closing))


@dataclass(frozen=True)
class _Opening:
    """The patch of the call that opens a bracket; its partner is the call that closes it."""

    target: str
    replacement: Callable[[Any, Any, str, Switch], Any]
    partner: Patch
    subclasses: bool = False
