"""How spans are put around a function, as data: it can be done again in another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Optional

from nutrace.patching.switch import Switch
from nutrace.patching.targets import inner
from nutrace.probes.kinds import kind_of, site_of
from nutrace.probes.notes import Noter, ResultNoter, Wrapper, notes_for
from nutrace.probes.wrapped import put_around


@dataclass(frozen=True)
class Recipe:
    """What the spans of a function look like.

    Parameters
    ----------
    name, component, note, note_result:
        See :class:`nutrace.probes.probe.Probe`.
    takes_instance:
        The function's first argument is the object that it is a method of: notes get it as the instance.
    """

    name: str
    component: str
    note: Optional[Noter] = None
    note_result: Optional[ResultNoter] = None
    takes_instance: bool = False


def put(
    original: Any,
    recipe: Recipe,
    switch: Switch,
    *,
    owner: Any = None,
    kind: Optional[Callable[..., Wrapper]] = None,
) -> Any:
    """`original` with spans around its calls while `switch` is on; the same kind of descriptor.

    Parameters
    ----------
    owner:
        The module or class that has it.
    kind:
        The wrapper to use, if it does not follow from `original`.
    """
    function = inner(original)
    site = site_of(function, recipe.name, recipe.component, owner)
    notes = notes_for(site, recipe.note, recipe.note_result, of_method=recipe.takes_instance)
    probed = put_around(original, (kind or kind_of(function))(site, notes), switch)
    inner(probed)._self_recipe = recipe
    return probed
