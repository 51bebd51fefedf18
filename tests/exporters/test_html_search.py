"""The search of the flamegraph page: words, patterns, and going from match to match."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, List

import pytest
from browsing import Opened, press, text, visit
from fakes.otlp import trace_of

from nutrace.trace import Trace
from nutrace_exporters.pageparts import asset

pytestmark = pytest.mark.browser

ENTER, ESCAPE = "\ue007", "\ue00c"

#: What the page says of a pattern, and what RegExp says of it: a list of both for each text.
BOTH = """
const [cases] = arguments;
return cases.flatMap(([pattern, texts]) => {
  const expected = new RegExp(pattern, "is");
  const own = new Pattern(pattern);
  return texts.filter((text) => own.test(text) !== expected.test(text)).map((text) => [pattern, text]);
});
"""

TIMED = """
const began = performance.now();
nutrace.searchFor(arguments[0]);
return performance.now() - began;
"""

FOCUSED = "return [nutrace.trace.nameOf(nutrace.look.focus), nutrace.scene.left[nutrace.look.focus] / 1000]"


def some_pattern(chance: random.Random, levels: int) -> str:
    """A pattern with everything that a pattern can have, and few letters, so that it matches now and then."""
    singles = (
        "a",
        "B",
        "_",
        ".",
        r"\w",
        r"\d",
        r"\S",
        r"\W",
        "[ab]",
        "[^a]",
        "[A-C_]",
        "[^\\w-]",
        r"\.",
        r"\x41",
    )
    parts = []
    for _ in range(chance.randint(1, 4)):
        kind = chance.random()
        if kind < 0.15:
            parts.append(chance.choice(("^", "$", r"\b", r"\B")))
            continue
        part = chance.choice(singles)
        if kind > 0.7 and levels:
            inner = "|".join(some_pattern(chance, levels - 1) for _ in range(chance.randint(1, 2)))
            part = f"({chance.choice(('', '?:'))}{inner})"
        parts.append(part + chance.choice(("*", "+", "?", "{2}", "{1,}", "{0,2}?", "", "", "")))
    return "".join(parts)


@pytest.fixture
def names(tmp_path: Path) -> Trace:
    """Spans whose names begin with one another; two are equally wide."""
    inner = [
        ("planner.compute", 10, 30),
        ("planner.compute_trajectory", 40, 90, [("planner.compute", 50, 80)]),
    ]
    return trace_of(
        tmp_path,
        ("top", 0, 1000, [("planner", 0, 100, inner), ("planner.compute", 200, 230), ("other", 300, 310)]),
        ("q", 1000, 1010, {"db.query.text": "SELECT 1 FROM lidar_pc"}),
        ("q", 1010, 1040, {"db.query.text": "SELECT 2\nFROM lidar"}),
    )


def test_patterns_match_as_regular_expressions_do(names: Trace, opened: Opened) -> None:
    browser = opened(names)
    chance = random.Random(19)
    letters = "abc_1 .-\nz"
    cases = [
        (
            some_pattern(chance, 2),
            ["".join(chance.choices(letters, k=chance.randint(0, 9))) for _ in range(4)],
        )
        for _ in range(5000)
    ]
    assert browser.execute_script(asset("nutrace_exporters", "patterns.js") + BOTH, cases) == []
    # RegExp would need hours for these, on one text. On very many texts, the search gives up.
    texts = "nutrace.search.stringTexts = Array(arguments[0]).fill('a'.repeat(1000))"
    browser.execute_script(texts, 50)
    for hostile in ("/(a+)+b/", "/(a|a)*(a|aa)+.*.*.*x/", "/((a*)*)*b/"):
        assert browser.execute_script(TIMED, hostile) < 3000
        assert text(browser, "#search-problem") == ""
    browser.execute_script(texts, 100_000)
    assert browser.execute_script(TIMED, "/(.*b){99}/") < 6000
    assert text(browser, "#search-problem") == "Not a pattern: it takes too long on so many spans."
    refused = {
        "/(a/": 'a "(" is not closed',
        "/a)/": 'a ")" has no "("',
        "/[a/": 'a "[" is not closed',
        "/*/": "there is nothing to repeat",
        "/a**/": "there is nothing to repeat",
        "/a{3,1}/": "{3,1} counts down",
        "/[z-a]/": "a range counts down",
        "/a(?=b)/": "it cannot look ahead or back",
        "/(a)\\1/": "it cannot refer back (\\1)",
        "/\\q/": "\\q has no meaning",
        "/(a{1000}){1000}/": "it is too long",
        f"/{'a' * 600}/": "it is too long",
    }
    for pattern, problem in refused.items():
        browser.execute_script("nutrace.searchFor(arguments[0])", pattern)
        assert text(browser, "#search-problem") == f"Not a pattern: {problem}."
        assert browser.find_element("id", "search").get_attribute("aria-invalid") == "true"
        assert browser.execute_script("return nutrace.search.matches") is None, "nothing is faded"
    press(browser, ESCAPE)
    assert text(browser, "#search-problem") == ""


def test_a_search_is_words_or_a_pattern(names: Trace, opened: Opened) -> None:
    browser = opened(names, "#q=/^planner\\.compute$/")
    assert text(browser, "#matches") == "7.7 % of the time · 80.0 µs · 3 spans"

    def found(query: str) -> str:
        browser.execute_script("nutrace.searchFor(arguments[0])", query)
        return text(browser, "#matches").rpartition(" · ")[2]

    assert found("planner.compute") == "4 spans", "a name that begins so, too"
    assert found("/PLANNER\\.compute(_\\w+)?$/") == "4 spans"
    assert found("/select.*lidar$/") == "1 span", "in attributes, over the end of a line"
    assert found("/from lidar/") == "2 spans"
    assert found("/^$|nowhere/") != "no match", "what a frame does not have is empty"
    assert found("/nowhere/") == "no match"
    assert found("/from lidar") == "no match; end a pattern with /"
    press(browser, "v")
    browser.execute_script("nutrace.searchFor('/^q$/')")
    assert browser.execute_script("return Array.from(nutrace.finder.itemMatches).filter(Boolean).length") == 1
    # A link has the pattern, and what is no pattern does no harm.
    visit(browser, browser.current_url)
    assert browser.execute_script("return nutrace.search.query") == "/^q$/"
    visit(browser, browser.current_url.partition("#")[0] + "#q=/(((/")
    assert text(browser, "#search-problem").startswith("Not a pattern")


def test_enter_and_n_go_to_the_widest_match_first(names: Trace, opened: Opened) -> None:
    browser = opened(names)

    def place(*keys: str) -> List[Any]:
        press(browser, *keys)
        return [text(browser, "#match-place"), *browser.execute_script(FOCUSED)]

    assert place("/", "/^planner\\.compute$/", ENTER) == ["1 of 3", "planner.compute", 50]
    assert place(ENTER) == ["2 of 3", "planner.compute", 200], "as wide, but later"
    browser.execute_script("document.activeElement.blur()")
    assert place("n") == ["3 of 3", "planner.compute", 10]
    assert place("n") == ["1 of 3", "planner.compute", 50]
    assert place("N") == ["3 of 3", "planner.compute", 10]
    browser.find_element("id", "match-previous").click()
    assert text(browser, "#match-place") == "2 of 3"
    browser.find_element("id", "match-next").click()
    assert text(browser, "#match-place") == "3 of 3"
    # In the merged view the bars are counted, of which each stands for several spans.
    press(browser, "v")
    assert text(browser, "#match-place") == ""
    widths = []
    for number in range(1, 4):
        press(browser, "n")
        assert text(browser, "#match-place") == f"{number} of 3"
        item = "nutrace.look.focus"
        widths.append(
            browser.execute_script(f"return nutrace.scene.right[{item}] - nutrace.scene.left[{item}]")
        )
    assert widths == sorted(widths, reverse=True)
    # So it is in the other views.
    for kind, bars in (("inverted", 1), ("sandwich", 2)):
        browser.execute_script("nutrace.setView(arguments[0])", kind)
        places = []
        for _ in range(bars):
            press(browser, "n")
            places.append(text(browser, "#match-place"))
            assert browser.execute_script("return nutrace.matching(nutrace.look.focus)")
        assert places == [f"{number} of {bars}" for number in range(1, bars + 1)], kind
    browser.execute_script("nutrace.setView('merged')")
    press(browser, ESCAPE)
    # Without a search, N goes through what is picked.
    browser.execute_script("nutrace.setView('time'); nutrace.kind = -1")
    pick = "nutrace.pickKind(nutrace.trace.kinds.findIndex(({ name }) => name === arguments[0]))"
    browser.execute_script(pick, "planner.compute")
    assert place("n") == ["1 of 3", "planner.compute", 50]
    assert place("n") == ["2 of 3", "planner.compute", 200]
    browser.execute_script("nutrace.pickKind(nutrace.kind)")
    assert not browser.find_element("id", "match-steps").is_displayed()
    # Nothing to go to.
    press(browser, "/", "nowhere", ENTER)
    assert not browser.find_element("id", "match-steps").is_displayed()


def test_matches_are_those_of_the_selection(sample: Trace, opened: Opened) -> None:
    browser = opened(sample, "#steps=1&q=db.rows")
    press(browser, "n")
    assert text(browser, "#match-place") == "1 of 1"
    assert browser.execute_script(FOCUSED) == ["db.rows", 310]
    browser.execute_script("nutrace.selectBy(null, null)")
    press(browser, "n")
    assert text(browser, "#match-place") == "1 of 2"
    assert browser.execute_script(FOCUSED) == ["db.rows", 310], "the other one costs less"
