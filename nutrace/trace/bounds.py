"""Bounds on what a file may say and how much of it is read.

A trace comes from anywhere: damaged, of another program, or made to do harm. No number in it sets the length
of a loop, a list or a text; one that is out of bounds is left out and counted
(:attr:`nutrace.trace.diagnostics.Diagnostics.out_of_bounds`), and a file that is out of bounds is refused.
"""

from __future__ import annotations

from typing import Any

#: Times end in the year 2116, so that differences and sums of two fit into 64 bits.
LATEST_NS = 2**62
#: Calls, rows and durations: the largest that every reader of JSON keeps exactly, 104 days in ns.
LARGEST_COUNT = 2**53
#: Levels of lists and mappings in an attribute; what lies deeper is left out.
DEEPEST_VALUE = 64
#: Seconds that a step may simulate.
INTERVALS_S = (1e-6, 1e6)

#: A document that is not lines is decoded at once; a line is cut where it can be.
LONGEST_DOCUMENT = 400_000_000
#: Objects in a document that is decoded at once: each takes some 100 bytes of memory, however short its text.
MOST_OBJECTS = 6_000_000
#: The same for documents that depart from the form, which take more.
MOST_LOOSE_VALUES = 6_000_000
#: Run files shrink by a factor of some 20 if they are zipped. Data that has grown beyond both is no run file.
MOST_UNZIPPED = 1 << 26
MOST_UNZIPPED_RATIO = 100


def whole(value: Any) -> int:
    """A number that counts something, 0 or more; -1 if `value` is not one, or is out of bounds."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT:
        return value
    return -1


def text(value: Any) -> str:
    """A text; "" if `value` is not one."""
    return value if isinstance(value, str) else ""
