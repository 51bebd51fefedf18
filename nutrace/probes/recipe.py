"""How spans are put around a function, as data: it can be done again in another process."""

from __future__ import annotations

from dataclasses import dataclass
from types import MethodType
from typing import Any, Callable, Optional

from nutrace.patching.switch import Switch
from nutrace.patching.targets import inner
from nutrace.probes.kinds import kind_of, site_of
from nutrace.probes.notes import Args, Kwargs, Noter, ResultNoter, Wrapped, Wrapper
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
    wrapper = (kind or kind_of(function))(site, recipe.note, recipe.note_result)
    if recipe.takes_instance and (recipe.note or recipe.note_result):
        wrapper = with_instance(wrapper)
    probed = put_around(original, wrapper, switch)
    inner(probed)._self_recipe = recipe
    return probed


def with_instance(wrapper: Wrapper) -> Wrapper:
    """`wrapper`, for functions whose first argument is the object: notes get it as the instance."""

    def bound(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        if not args:  # the object was given by keyword, or forgotten
            return wrapper(wrapped, instance, args, kwargs)
        return wrapper(MethodType(wrapped, args[0]), args[0], args[1:], kwargs)

    return bound
