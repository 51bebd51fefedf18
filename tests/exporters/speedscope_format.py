"""The rules of speedscope's formats as its importer checks them, stricter than the schema."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple


def check(document: Dict[str, Any]) -> None:
    """Assert that events are in order and balanced, that samples have weights, and that frames exist."""
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = document["shared"]["frames"]
    assert len({(f["name"], f.get("file"), f.get("line")) for f in frames}) == len(frames), "a frame twice"
    assert document["profiles"]
    assert 0 <= document["activeProfileIndex"] < len(document["profiles"])
    for profile in document["profiles"]:
        assert profile["unit"] == "nanoseconds"
        if profile["type"] == "sampled":
            _check_samples(profile, len(frames))
        else:
            assert profile["type"] == "evented"
            _check_events(profile, len(frames))


def _check_samples(profile: Dict[str, Any], frames: int) -> None:
    assert len(profile["samples"]) == len(profile["weights"]) > 0
    assert all(stack and all(0 <= frame < frames for frame in stack) for stack in profile["samples"])
    assert all(isinstance(weight, int) and weight > 0 for weight in profile["weights"])
    assert profile["endValue"] - profile["startValue"] == sum(profile["weights"]) < 2**53


def _check_events(profile: Dict[str, Any], frames: int) -> None:
    at = profile["startValue"]
    stack: List[int] = []
    for event in profile["events"]:
        assert set(event) == {"type", "frame", "at"}
        assert isinstance(event["at"], int)
        assert event["at"] >= at, "time goes back"
        assert event["at"] < 2**53, "more than a double holds"
        assert 0 <= event["frame"] < frames
        at = event["at"]
        if event["type"] == "O":
            stack.append(event["frame"])
        else:
            assert event["type"] == "C"
            assert stack, "a close without an open"
            assert stack.pop() == event["frame"], "brackets cross"
    assert not stack, "left open"
    assert profile["endValue"] >= at


def widths(document: Dict[str, Any]) -> List[Tuple[str, int]]:
    """``(name, ns)`` of each bar in time order, in the order they close."""
    bars = []
    for profile in document["profiles"]:
        if profile["type"] != "evented":
            continue
        stack: List[int] = []
        for event in profile["events"]:
            if event["type"] == "O":
                stack.append(event["at"])
            else:
                name = document["shared"]["frames"][event["frame"]]["name"]
                bars.append((name, event["at"] - stack.pop()))
    return bars
