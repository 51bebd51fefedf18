"""Use a page in a browser as people do: look, press keys, point."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List

#: What the fixtures ``opened`` and ``shown`` are.
Opened = Callable[..., Any]
Shown = Callable[..., Any]


def wait(condition: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the page did not get there"
        time.sleep(0.05)


def visit(browser: Any, address: str) -> None:
    """Load a page anew, and wait until it is drawn."""
    browser.get("about:blank")
    browser.get(address)
    wait(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")


def text(browser: Any, selector: str) -> str:
    return str(browser.execute_script("return document.querySelector(arguments[0]).innerText", selector))


def press(browser: Any, *keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def go_to(browser: Any, address: str) -> None:
    """Change what follows the page's #, as a link within it does."""
    browser.execute_async_script(
        "const [address, done] = arguments;"
        "addEventListener('hashchange', () => setTimeout(done), {once: true}); location.hash = address",
        address,
    )


def view(browser: Any) -> List[float]:
    """The visible range (us), after animations have ended."""
    before: List[float] = []
    now: List[float] = [0]
    arrived = False  # on a loaded machine an animation may stand still for long
    while now != before or not arrived:
        before = now
        time.sleep(0.25)
        *now, arrived = browser.execute_script(
            "const {view, goal} = nutrace.chart; return [view.from / 1000, view.to / 1000, view === goal]"
        )
    return [round(edge, 1) for edge in now]


def at(browser: Any, position_us: float, row: int) -> Any:
    """A pointer over a place of the chart, given in microseconds and by row."""
    from selenium.webdriver.common.action_chains import ActionChains

    place: Dict[str, float] = browser.execute_script(
        "const c = nutrace.chart, box = c.canvas.getBoundingClientRect();"
        "return {x: box.left + (arguments[0] * 1000 - c.view.from) * c.width / (c.view.to - c.view.from),"
        "        y: box.top + c.rowTop[arguments[1]] - c.scroller.scrollTop + 10}",
        position_us,
        row,
    )
    actions = ActionChains(browser)
    actions.w3c_actions.pointer_action.move_to_location(int(place["x"]), int(place["y"]))
    return actions


def colour_at(browser: Any, position_us: float, row: int) -> List[int]:
    result: List[int] = browser.execute_script(
        "const c = nutrace.chart; c.paint();"
        "const x = (arguments[0] * 1000 - c.view.from) * c.width / (c.view.to - c.view.from);"
        "const y = c.rowTop[arguments[1]] + 3;"
        "return Array.from(c.context.getImageData(x * c.ratio, y * c.ratio, 1, 1).data)",
        position_us,
        row,
    )
    return result[:3]
