"""On and off for every probe at once."""

from __future__ import annotations

from typing import List

#: Empty while nothing is traced. wrapt tests its truth in C and calls the original if it is false,
#: so a decorated function costs next to nothing while off, and an append turns all of them on.
switch: List[bool] = []
