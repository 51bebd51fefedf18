"""On and off."""

from __future__ import annotations

import gc
from typing import List, Tuple

from nutrace.patching import Switch


class Watcher:
    """Something that wants to know."""


def test_watchers_are_told_while_they_live() -> None:
    switch, told = Switch(), list[Tuple[object, bool]]()
    watcher = Watcher()
    switch.watch(watcher, lambda watcher, on: told.append((watcher, on)))
    switch.on()
    switch.on()
    assert switch
    switch.off()
    assert not switch
    assert told == [(watcher, on) for on in (False, True, True, False)]
    told.clear()
    del watcher
    gc.collect()
    switch.on()
    assert told == []
    assert switch._watchers == {}


def test_off_once_is_off() -> None:
    switch: List[bool] = Switch()
    for _ in range(2):
        switch.on()  # type: ignore[attr-defined]
    switch.off()  # type: ignore[attr-defined]
    assert not switch
