"""Variants: what is typed, what that runs, and which is made of which."""

from __future__ import annotations

from typing import Any, List, Sequence

import pytest

from nutrace.bench.runs import environment
from nutrace.bench.variants import Variant, check, combinations, parse_variant
from nutrace.errors import UsageError

CACHE, POOL = "traffic_light_cache", "connection_pool"


@pytest.mark.parametrize(
    ("text", "variant"),
    [
        ("base", Variant("base")),
        ("base:", Variant("base")),
        (f"cache:{CACHE}", Variant("cache", CACHE)),
        (f"two:{CACHE}:entries=500,{POOL}", Variant("two", f"{CACHE}:entries=500,{POOL}")),
        ("threads:OMP_NUM_THREADS=1", Variant("threads", "", {"OMP_NUM_THREADS": "1"})),
        ("t:A=1 b_c='x y' all", Variant("t", "all", {"A": "1", "b_c": "x y"})),
        ("idm:-- python 'my script.py' x=1", Variant("idm", "", {}, ("python", "my script.py", "x=1"))),
        (f"v:A= {POOL} -- x", Variant("v", POOL, {"A": ""}, ("x",))),
    ],
)  # fmt: skip
def test_what_a_text_means(text: str, variant: Variant) -> None:
    assert parse_variant(text) == variant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no name"),
        ("a/b", "is no name"),
        ("..", "is no name"),
        ("failed", "is the name of a folder"),
        ("x:no_such_speedup", "unknown speedup"),
        ("x:all extra", "cannot read 'extra'"),
        ("x:--", "no command after --"),
        ("x:'open", "no closing quotation"),
        ("x:NUTRACE_OUTPUT=y", "bench sets NUTRACE_OUTPUT itself"),
        (f"x:NUTRACE_SPEEDUPS={CACHE}", "speedups are written as such"),
    ],
)
def test_what_is_no_variant(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        parse_variant(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["base"], "twice or more"),
        ([], "twice or more"),
        (["base", "base:all"], "two variants are called base"),
        (["base", "again"], "variants base and again run the same"),
        (["base", f"a:{CACHE},{POOL}", f"b:{POOL},{CACHE}"], "variants a and b run the same"),
        (["base", "a:X=1 Y=2", "b:Y=2 X=1"], "variants a and b run the same"),
    ],
)
def test_variants_that_cannot_be_compared(texts: List[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check([parse_variant(text) for text in texts])


def _found(texts: Sequence[str]) -> Any:
    variants = [parse_variant(text) for text in texts]
    check(variants)
    return [(each.whole.name, [part.name for part in each.parts]) for each in combinations(variants)]


def test_a_variant_that_changes_what_others_change_is_their_combination() -> None:
    assert _found(["base", f"cache:{CACHE}", f"pool:{POOL}", f"both:{POOL},{CACHE}"]) == [
        ("both", ["cache", "pool"])
    ]
    assert _found(["base", "a:X=1", f"c:{CACHE}", f"ac:X=1 {CACHE}"]) == [("ac", ["a", "c"])]


def test_of_several_ways_the_largest_parts_are_taken() -> None:
    texts = ["base", "a:X=1", "b:Y=1", "c:Z=1", "ab:X=1 Y=1", "abc:X=1 Y=1 Z=1"]
    assert _found(texts) == [("ab", ["a", "b"]), ("abc", ["c", "ab"])]


def test_what_no_variant_changes_alone_is_named() -> None:
    """Then the sum of the parts says nothing about the whole."""
    variants = [parse_variant(text) for text in ("base", "a:X=1", "b:Y=1", f"abc:X=1 Y=1 {CACHE}")]
    (found,) = combinations(variants)
    assert ([part.name for part in found.parts], found.rest) == (["a", "b"], (CACHE,))


@pytest.mark.parametrize(
    "texts",
    [
        ["base", f"cache:{CACHE}", "all:all"],  # all has more in it
        ["base", f"cache:{CACHE}:entries=5", f"pool:{POOL}", f"both:{CACHE},{POOL}"],  # another option
        ["base:X=1", "a:Y=1", "b:Z=1", "ab:Y=1 Z=1"],  # the base is none of them without changes
        ["base", "a:X=1 -- a", "b:Y=1", "ab:X=1 Y=1"],  # another command
    ],
)
def test_what_is_no_combination(texts: List[str]) -> None:
    assert _found(texts) == []


def test_a_run_has_no_speedups_but_those_of_its_variant() -> None:
    outside = {"NUTRACE_SPEEDUPS": "all", "NUTRACE_PARENT": "x", "NUTRACE_LEVEL": "fine", "A": "0"}
    made = environment(parse_variant("base:A=1"), outside, "/f/run.json")
    ours = {"NUTRACE": "1", "NUTRACE_OUTPUT": "/f/run.json", "NUTRACE_SUMMARY": "0"}
    assert made == {"NUTRACE_LEVEL": "fine", "A": "1", **ours}
    assert environment(parse_variant(f"c:{CACHE}"), outside, "/f")["NUTRACE_SPEEDUPS"] == CACHE


def test_a_description_has_no_secret() -> None:
    variant = parse_variant("x:API_TOKEN=hunter2 LABEL='a b' -- python idm.py --password hunter3")
    assert variant.environment["API_TOKEN"] == "hunter2"
    assert variant.description == "API_TOKEN='***' LABEL='a b' -- python idm.py --password '***'"
