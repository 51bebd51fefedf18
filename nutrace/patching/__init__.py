"""Replace names in a program, and put back the very objects that were there. Knows no spans."""

from nutrace.patching.patches import Patches
from nutrace.patching.replacement import MissingTarget, Patch, Replacement
from nutrace.patching.switch import Switch

__all__ = ["MissingTarget", "Patch", "Patches", "Replacement", "Switch"]
