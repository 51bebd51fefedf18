"""How far a share of samples may be off."""

from __future__ import annotations

import math
from typing import Tuple

_Z = 1.96  # 95 %


def interval(samples: float, of: float) -> Tuple[float, float]:
    """Wilson's 95 % interval of the share `samples` / `of`."""
    if of <= 0:
        return 0.0, 1.0
    share = min(samples / of, 1.0)
    middle = share + _Z * _Z / (2 * of)
    spread = _Z * math.sqrt(share * (1 - share) / of + _Z * _Z / (4 * of * of))
    whole = 1 + _Z * _Z / of
    return max((middle - spread) / whole, 0.0), min((middle + spread) / whole, 1.0)
