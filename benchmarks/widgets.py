"""From a key press to the new picture, in a real JupyterLab; writes benchmarks/widgets.md.

    python benchmarks/widgets.py           about 4 minutes; needs Chromium (Debian: chromium)

In one run, in one page after another: a panel (no kernel in the loop), the training lab (the kernel
draws the plan), and the peer, `ipywidgets.interact` around a matplotlib figure. A key press is
timed in the page, from the key's event to the first animation frame with another picture, so
nothing below 16 ms can be told apart. Memory is the page's JavaScript heap, garbage collected.
"""

import argparse
import datetime
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser import CHROMIUM, FLAGS, kernel_is_idle, lab_server, run_cell  # noqa: E402

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
        "`interact` + inline matplotlib (the peer)",
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
    window.probe = new Promise((resolve) => {
        addEventListener('keydown', () => {
            const start = performance.now();
            const look = () => {
                const now = picture();
                if (now && now !== before) resolve(performance.now() - start);
                else if (performance.now() - start > 5000) resolve(null);
                else requestAnimationFrame(look);
            };
            requestAnimationFrame(look);
        }, {once: true, capture: true});
    });
}"""


def measure(page, slider, picture):
    """Milliseconds of single presses, and the heap before and after many moves."""
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
    missed = times.count(None)
    kept = sorted(each for each in times if each is not None)
    top = kept[int(0.95 * len(kept))] if kept else float("nan")
    said = "" if goal is None else f"{goal} ms: {'met' if top < goal and not missed else 'MISSED'}"
    return [
        name,
        f"{statistics.median(kept):.0f} ms",
        f"**{top:.0f} ms**",
        f"{len(kept)} of {len(times)}",
        said,
        f"{opened[0]:.1f} s + {opened[1]:.1f} s",
        f"{before:.0f} to {after:.0f} MB",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "widgets.md")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    heads = ["What", "Median", "95th percentile", "Pictures", "Goal", "Opening", "Heap"]
    rows = [heads, ["---"] * len(heads)]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for number in range(len(ENTRIES)):
            empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("")])
            empty.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
            nbformat.write(empty, Path(folder) / f"{number}.ipynb")
        with lab_server(Path(folder), f"--ServerApp.root_dir={folder}") as address:
            flags = [*FLAGS, "--enable-precise-memory-info", "--js-flags=--expose-gc"]
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
            for number, entry in enumerate(ENTRIES):
                page = browser.new_page(viewport={"width": 1280, "height": 1000})
                page.set_default_timeout(60_000)
                at = re.sub(r"/lab.*\?", f"/lab/tree/{number}.ipynb?", address)
                opened = opening(page, f"{at}&reset", entry)  # without the tabs of before
                page.wait_for_timeout(1500)
                rows.append(row(entry, opened, measure(page, entry[2], entry[3])))
                print(rows[-1], flush=True)
                page.close()
            chromium = browser.version
            browser.close()
    load = [float(each) for each in Path("/proc/loadavg").read_text().split()[:1]]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    names = ("jupyterlab", "ipywidgets", "matplotlib", "pscript", "playwright")
    table = "\n".join(f"| {' | '.join(each)} |" for each in rows)
    options.output.write_text(f"""\
# From a key press to the new picture

- made on {datetime.date.today()} by `python benchmarks/widgets.py`, commit {commit}
- {platform.machine()}, {platform.system()}, headless Chromium {chromium} without a GPU; load at the
  end {load[0]:.1f}
- {", ".join(f"{name} {version(name)}" for name in names)}

{PRESSES} single presses of an arrow key on a slider, from the key's event to the first animation
frame with another picture (frames come every 16 ms). Opening: until the notebook and its kernel are
there, and from running the cell to the widget. Heap: the page's, before and after {MOVES} more
presses, after garbage collection.

{table}
""")
    print(options.output)


if __name__ == "__main__":
    main()
