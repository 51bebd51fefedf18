"""What a step would take if parts of it took less: by subtraction, and by the longest way through threads."""

from __future__ import annotations

from nutrace.analysis.whatif.rescaled import Rescaling
from nutrace.analysis.whatif.result import Change, Times, WhatIf, whatif
from nutrace.analysis.whatif.targets import Target, parse_target

__all__ = ["Change", "Rescaling", "Target", "Times", "WhatIf", "parse_target", "whatif"]
