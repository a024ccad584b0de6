"""From a key press to the new picture, in a real JupyterLab; writes benchmarks/widgets.md.

    python benchmarks/widgets.py                        4 minutes; needs Chromium (Debian: chromium)
    python benchmarks/widgets.py --only lab --rounds 3  one row, three times, printed only

In one run, in one page after another: a panel (no kernel in the loop), the training lab (the kernel
draws the plan), and the peer, `ipywidgets.interact` around a matplotlib figure. A key press is
timed in the page, from the key's event to the first animation frame with another picture. Frames
come every 16 ms: what is sooner waits up to that long, so the time until the picture is in the
page is measured, too. Memory is the page's JavaScript heap, garbage collected. A machine that does
something else makes all of these longer: the load before and after stands in the table's head.
"""

import argparse
import datetime
import math
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser import CHROMIUM, FLAGS, kernel_is_idle, lab_server, run_cell  # noqa: E402
from run import RATIOS, table  # noqa: E402

from course_lib.claims.records import commit  # noqa: E402

PRESSES, MOVES = 40, 1000
INTERACT = """
import ipywidgets, matplotlib.pyplot as plt, numpy as np
from course_lib.schedules import *

@ipywidgets.interact(peak_lr=ipywidgets.FloatSlider(value=0.1, min=0.01, max=1, step=0.01))
def curves(peak_lr):
    for formula in (cosine, linear, rex):
        plt.plot([formula(t, peak_lr=peak_lr, total_steps=100) for t in range(100)])
    plt.show()
"""
# Who, the code of the cell, what is moved, what changes, the goal of the 95th percentile in ms.
ENTRIES = (
    (
        "explorer, one schedule (no kernel)",
        "from course_lib.widgets import explore\nexplore('cosine')",
        ".lr-panel .lr-row:visible input[type=range] >> nth=1",
        ".lr-figure",
        16,
    ),
    (
        "explorer, three schedules (no kernel)",
        "from course_lib.widgets import explore\nexplore('cosine', 'linear', 'rex')",
        ".lr-panel .lr-row:visible input[type=range] >> nth=1",
        ".lr-figure",
        16,
    ),
    (
        "training lab, the plan (kernel in the loop)",
        "from course_lib.widgets import lab\nlab()",
        ".jp-OutputArea .widget-slider .noUi-handle >> nth=0",
        ".jp-OutputArea .widget-html:has(svg)",
        50,
    ),
    (
        "`interact` + inline matplotlib",
        INTERACT,
        ".jp-OutputArea .widget-slider .noUi-handle >> nth=0",
        ".widget-interact .jp-OutputArea-child:has(img), .widget-interact .widget-output",
        None,
    ),
)
PROBE = """(selector) => {
    const picture = () => {
        const node = document.querySelector(selector);
        const image = node?.querySelector('img');
        return image ? image.src : node?.querySelector('svg')?.innerHTML;
    };
    const before = picture();
    const another = () => Boolean(picture()) && picture() !== before;
    window.probe = new Promise((resolve) => {
        addEventListener('keydown', () => {
            const start = performance.now();
            let there = null;
            const observer = new MutationObserver(() => {
                if (there === null && another()) there = performance.now() - start;
            });
            observer.observe(document.body, {subtree: true, childList: true, attributes: true});
            const look = () => {
                const now = performance.now() - start;
                if (!another() && now < 5000) return requestAnimationFrame(look);
                observer.disconnect();
                resolve(another() ? [there ?? now, now] : null);
            };
            requestAnimationFrame(look);
        }, {once: true, capture: true});
    });
}"""


def measure(page, slider, picture):
    """Milliseconds of single presses, into the page and to the frame, or None where no other
    picture came; and the heap before and after many moves."""
    handle = page.locator(slider)
    handle.scroll_into_view_if_needed()
    handle.focus()
    times = []
    for number in range(PRESSES):
        page.evaluate(PROBE, picture)
        page.keyboard.press("ArrowRight" if number % 8 < 4 else "ArrowLeft")
        times.append(page.evaluate("() => window.probe"))
        page.wait_for_timeout(150)
    before = heap(page)
    for number in range(MOVES):
        page.keyboard.press("ArrowRight" if number % 40 < 20 else "ArrowLeft")
        if number % 20 == 19:
            page.wait_for_timeout(30)
    page.wait_for_timeout(1500)
    return times, before, heap(page)


def heap(page):
    """Megabytes of the page's JavaScript after a collection of what is no longer used."""
    return page.evaluate("() => { gc(); gc(); return performance.memory.usedJSHeapSize / 1e6; }")


def opening(page, address, entry):
    """Seconds to the notebook and its kernel, and from running the cell to the widget."""
    started = time.perf_counter()
    page.goto(address, wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    kernel_is_idle(page)
    ready = time.perf_counter()
    run_cell(page, entry[1], 0)
    page.locator(entry[2]).wait_for()
    return ready - started, time.perf_counter() - ready


def row(entry, opened, measured):
    name, _, _, _, goal = entry
    times, before, after = measured
    kept = [each for each in times if each is not None]
    there, seen = zip(*kept) if kept else ([math.nan], [math.nan])
    met = most(seen) < goal and len(kept) == len(times) if goal else None
    timed = Timed(name, statistics.median(seen), most(seen), f"{len(kept)} of {len(times)}")
    timed.goal = "" if goal is None else f"{goal} ms: {'met' if met else 'MISSED'}"
    timed.others = [
        name,
        f"{statistics.median(there):.0f} / {most(there):.0f} ms",
        f"{opened[0]:.1f} s + {opened[1]:.1f} s",
        f"{before:.0f} to {after:.0f} MB",
    ]
    return timed


@dataclass
class Timed:
    """Milliseconds of a widget from the key to the frame, and its row of the other table."""

    name: str
    median: float
    late: float  # the 95th percentile
    n: str
    goal: str = ""
    others: list[str] = field(default_factory=list)

    def __str__(self):
        return f"{self.median:.0f} ms (95th {self.late:.0f})"

    def beside(self, peer):
        """The row of ratios. They are not paired: one notebook is measured after the other."""
        ratio = f"**{peer.median / self.median:.1f}** (95th percentile {peer.late / self.late:.1f})"
        return [self.name, str(self), str(peer), peer.name, ratio, self.n, self.goal]


def most(times):
    """The 95th percentile."""
    return sorted(times)[int(0.95 * len(times))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "widgets.md")
    parser.add_argument("--only", default="", help="rows whose name has this; writes no file")
    parser.add_argument("--rounds", type=int, default=1, help="so many times; writes no file")
    options = parser.parse_args()
    entries = [each for each in ENTRIES if options.only in each[0]] * options.rounds
    if not entries:
        names = ", ".join(each[0] for each in ENTRIES)
        parser.error(f"--only must be a part of a row's name, one of: {names}")
    from playwright.sync_api import sync_playwright

    rows, quiet = [], os.getloadavg()[0]
    print(f"load {quiet:.1f} on {os.cpu_count()} cores", flush=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for number in range(len(entries)):
            empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("")])
            empty.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
            nbformat.write(empty, Path(folder) / f"{number}.ipynb")
        with lab_server(Path(folder), f"--ServerApp.root_dir={folder}") as address:
            flags = [*FLAGS, "--enable-precise-memory-info", "--js-flags=--expose-gc"]
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
            for number, entry in enumerate(entries):
                page = browser.new_page(viewport={"width": 1280, "height": 1000})
                page.set_default_timeout(60_000)
                at = re.sub(r"/lab.*\?", f"/lab/tree/{number}.ipynb?", address)
                opened = opening(page, f"{at}&reset", entry)  # without the tabs of before
                page.wait_for_timeout(1500)
                rows.append(row(entry, opened, measure(page, entry[2], entry[3])))
                print(rows[-1], rows[-1].others, flush=True)
                page.close()
            chromium = browser.version
            browser.close()
    if options.only or options.rounds > 1:
        return
    names = ("jupyterlab", "ipywidgets", "matplotlib", "pscript", "playwright")
    *explorers, peer = rows
    ratios = "\n".join(table(RATIOS, [each.beside(peer) for each in explorers]))
    others = "\n".join(table(["What", "In the page", "Opening", "Heap"], [x.others for x in rows]))
    options.output.write_text(f"""\
# From a key press to the new picture

- made on {datetime.date.today()} by `python benchmarks/widgets.py`, commit {commit()}
- {platform.machine()}, {platform.system()}, headless Chromium {chromium} without a GPU
- {os.cpu_count()} cores, load {quiet:.1f} before and {os.getloadavg()[0]:.1f} after
- {", ".join(f"{name} {version(name)}" for name in names)}

{PRESSES} single presses of an arrow key on a slider, from the key's event to the first animation
frame with another picture. The goals are for the 95th percentile; n counts the presses that changed
the picture. In the page: until the picture is there, median and 95th percentile;
what is sooner than a frame waits for the next one, and frames come every 16 ms. Opening: until the
notebook and its kernel are there, and from running the cell to the widget. Heap: the page's, before
and after {MOVES} more presses, after garbage collection.

{ratios}

{others}
""")
    print(options.output)


if __name__ == "__main__":
    main()
