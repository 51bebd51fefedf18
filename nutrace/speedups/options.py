"""Options of speedups: each declares its default, bounds and help in one place."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Dict, Optional

from nutrace.errors import SettingsError

DAY_S = 86_400.0
MOST_MEGABYTES = 1e6

_LONGEST = 60  # characters of a number


def option(
    default: Any,
    help: str,
    *,
    least: Optional[float] = None,
    above: Optional[float] = None,
    most: Optional[float] = None,
) -> Any:
    """A field of :class:`Options`.

    Parameters
    ----------
    default:
        Its type is that of the option.
    help:
        Shown by ``nutrace speedups``.
    least, above, most:
        The value must be at least, above, or at most this.
    """
    bounds = {"least": least, "above": above, "most": most}
    return field(default=default, metadata={"help": help, **bounds})


@dataclass(frozen=True)
class Options:
    """Base of each speedup's options, which checks their bounds.

    Raises
    ------
    SettingsError
        If a value is out of bounds, or not a number.
    """

    #: The speedup's name, for messages.
    speedup: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for each in fields(self):
            value, bounds = getattr(self, each.name), each.metadata
            least, above, most = (bounds.get(name) for name in ("least", "above", "most"))
            # Not written the other way round: all comparisons with nan are false.
            if least is not None and not value >= least:
                self._refuse(each.name, value, f"at least {least:g}")
            if above is not None and not value > above:
                self._refuse(each.name, value, f"above {above:g}")
            if most is not None and not value <= most:
                self._refuse(each.name, value, f"at most {most:g}")

    def _refuse(self, name: str, value: Any, bound: str) -> None:
        shown = f"{value:g}" if isinstance(value, float) else str(value)[:_LONGEST]
        raise SettingsError(f"{self.speedup}: {name} is {shown}, and must be {bound}")

    @classmethod
    def help(cls) -> Dict[str, str]:
        """What each option does and its bounds, by name."""
        texts = {}
        for each in fields(cls):
            words = {"least": "at least", "above": "above", "most": "at most"}
            bounds = [
                f"{word} {each.metadata[name]:g}"
                for name, word in words.items()
                if each.metadata.get(name) is not None
            ]
            texts[each.name] = each.metadata["help"] + (f" ({', '.join(bounds)})" if bounds else "")
        return texts
