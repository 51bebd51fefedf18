"""What is to be replaced, as data: a patch is a declaration and does nothing by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Optional, Protocol

from nutrace.patching.switch import Switch


class MissingTarget(Exception):
    """The target does not exist in this program, or cannot be replaced; the message says why.

    Forks and other versions of a package differ: a missing target is noted and left alone.
    """


class Patch(Protocol):
    """One name in a program, and what is put in its place."""

    @property
    def target(self) -> str:
        """``"package.module:Class.method"`` or ``"package.module:function"``."""

    @property
    def subclasses(self) -> bool:
        """Whether to replace the methods by which subclasses override the target as well.

        They are replaced as their classes are made, wherever that is. Abstract methods are left alone.
        """

    @property
    def partner(self) -> Optional[Patch]:
        """A patch that is applied together with this one: both of them or neither."""

    def replacement(self, original: Any, owner: Any, name: str, switch: Switch) -> Any:
        """What is put in the place of `original`, which `owner` has as `name`.

        It is called under a lock of the whole process, so it should import nothing: another thread may hold
        that module's import lock, and wait for this one.

        Parameters
        ----------
        original:
            The object as it is kept, so for a class method the ``classmethod``.
        owner:
            A module or a class; with `subclasses` the subclass.
        switch:
            True while the replacement shall act.

        Returns
        -------
        The replacement: a new object that takes attributes. Returning `original` leaves the target alone.

        Raises
        ------
        MissingTarget
            If it cannot be replaced.
        """


@dataclass(frozen=True)
class Replacement:
    """The plain patch.

    Parameters
    ----------
    target, subclasses:
        See :class:`Patch`.
    make:
        ``make(original, switch)`` returns the replacement. It may raise :class:`MissingTarget`.
    distribution:
        Documentation only: which package has the target.
    """

    target: str
    make: Callable[[Any, Switch], Any]
    subclasses: bool = False
    distribution: str = ""
    partner: Optional[Patch] = None

    def replacement(self, original: Any, owner: Any, name: str, switch: Switch) -> Any:
        """See :class:`Patch`."""
        return self.make(original, switch)
