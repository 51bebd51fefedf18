"""Measure how fast flamegraph pages open and move in Chromium.

    nutrace flamegraph run.json -o new.html
    python tests/benchmarks/page_times.py new.html [old.html ...] [--rounds 3]

The pages are opened in turn, a new browser each time. Printed are, as medians over the rounds with the worst
in brackets:

- the seconds from asking for the page to its first picture (``data-ready``);
- the milliseconds from frame to frame while the chart zooms in, pans and zooms out again, in time order and
  merged, median and 95th percentile by nearest rank (a display asks for a frame every 17 ms; without a
  graphics card Chromium draws on the processor);
- megabytes of JavaScript's heap after that.

With several pages there is also the ratio of each to the last one, which is the peer: a version of the page
before a change. Needs Chromium, its driver, and selenium (extra ``test``).
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any, Dict, List

from selenium import webdriver

from nutrace.percentiles import percentile

_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1440,900"),
    *("--enable-precise-memory-info", "--js-flags=--expose-gc"),
)
_LONGEST_S = 600
#: Zooms and pans for two seconds, and gives the times between frames.
_MOVE = """
const done = arguments[0];
const {chart} = nutrace;
const gaps = [];
const began = performance.now();
let before = began;
const frame = (now) => {
  gaps.push(now - before);
  before = now;
  const passed = (now - began) / 2000;
  if (passed >= 1) return done(gaps.slice(2));
  if (passed < 0.4) chart.zoom(0.9, chart.width * 0.4);
  else if (passed < 0.7) chart.pan(40);
  else chart.zoom(1 / 0.85, chart.width * 0.6);
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
"""


def measured(page: Path) -> Dict[str, float]:
    """One visit to a page, by what was measured."""
    options = webdriver.ChromeOptions()
    for option in _OPTIONS:
        options.add_argument(option)
    browser = webdriver.Chrome(options=options)
    try:
        browser.set_page_load_timeout(_LONGEST_S)
        browser.set_script_timeout(_LONGEST_S)
        began = time.monotonic()
        browser.get(page.resolve().as_uri())
        while browser.execute_script("return document.documentElement.dataset.ready") != "true":
            assert time.monotonic() - began < _LONGEST_S, f"{page} was not drawn"
            time.sleep(0.02)
        found = {"first picture, s": time.monotonic() - began}
        for view in ("time", "merged"):
            browser.execute_script("nutrace.setView(arguments[0])", view)
            gaps = sorted(browser.execute_async_script(_MOVE))
            found[f"frame in {view} order, median, ms"] = statistics.median(gaps)
            found[f"frame in {view} order, p95, ms"] = percentile(gaps, 95)
        found["heap, MB"] = _heap_mb(browser)
        return found
    finally:
        browser.quit()


def _heap_mb(browser: Any) -> float:
    used: int = browser.execute_script("gc(); return performance.memory.usedJSHeapSize")
    return used / 1e6


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pages", nargs="+", type=Path, metavar="PAGE")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    rounds: Dict[Path, List[Dict[str, float]]] = {page: [] for page in args.pages}
    for _ in range(args.rounds):
        for page in args.pages:
            rounds[page].append(measured(page))
    peer = rounds[args.pages[-1]]
    for page, visits in rounds.items():
        print(f"{page}, {page.stat().st_size / 1e6:.1f} MB")
        for what in visits[0]:
            values = [visit[what] for visit in visits]
            middle, of_peer = statistics.median(values), statistics.median(visit[what] for visit in peer)
            ratio = f"   {middle / of_peer:.2f} of the last page" if len(rounds) > 1 else ""
            print(f"  {what:32} {middle:8.2f} ({max(values):.2f}){ratio}")


if __name__ == "__main__":
    main()
