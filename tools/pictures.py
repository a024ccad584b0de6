"""Make the two pictures of README.md again: the explorer, and a page of feedback.

    python tools/pictures.py

Both come from the commands that a reader would give, `lr-course explore` and `lr-course grade` with
`report`, on a submission that is written below. What the pages say is kept as a digest in the
pictures; tests/test_pictures.py makes the pages again and tells when a picture has become old.
"""

import hashlib
import html
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
SCHEDULES = ("cosine", "one_cycle")
LESSON, STUDENT = "03_step_and_exponential", "Ada"
# 3.1 right, 3.2 with the drop in epoch 0 that is the usual mistake; the others are not begun.
ANSWERS = {
    "03_step_and_exponential-exercise-1": """\
def my_epoch_decay(step, *, lr, factor, every_epochs, steps_per_epoch):
    epoch = step // steps_per_epoch
    return lr * factor ** (epoch // every_epochs)
""",
    "03_step_and_exponential-exercise-2": """\
def next_rate(epoch, lr, every, factor):
    return lr * factor if epoch % every == 0 else lr
""",
}
WIDTH, HEIGHT, SCALE, COLOURS = 960, 702, 1.5, 96


def lr_course(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "course_lib.cli", *map(str, arguments)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"lr-course {arguments[0]}: {ran.stdout}{ran.stderr}")


def explorer(folder: Path) -> Path:
    """The explorer as one page."""
    page = folder / "explorer.html"
    lr_course("explore", *SCHEDULES, "--save", page)
    return page


def feedback(folder: Path) -> Path:
    """The page for a student who is half through."""
    notebook = json.loads((ROOT / "exercises" / f"{LESSON}.ipynb").read_text(encoding="utf-8"))
    left = dict(ANSWERS)
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if grade_id in left:
            cell["source"] = left.pop(grade_id)
    if left:
        raise SystemExit(f"exercises/{LESSON}.ipynb has no cell {', '.join(left)}")
    handed_in = folder / "submissions" / STUDENT / f"{LESSON}.ipynb"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_text(json.dumps(notebook), encoding="utf-8")
    # The code above is ours: it may run wherever the pictures are made.
    options = ["--quiet", "--jobs", "1", "--allow-weak-isolation"]
    lr_course("grade", folder / "submissions", "--out", folder / "results", *options)
    lr_course("report", folder / "results")
    (page,) = (folder / "results" / "report").glob(f"{STUDENT}*.html")  # a digest is in its name
    return page


PAGES = {"explorer": explorer, "feedback": feedback}


def words(page: Path) -> str:
    """What a page says; how it looks may change without making its picture old."""
    text = page.read_text(encoding="utf-8")
    said = re.sub(r"(?s)<style.*?</style>|Isolation while your code ran.*?</p>", "", text)
    if page.name == "explorer.html":  # what it says is made when it opens, from the same Python
        from course_lib.widgets import explore

        shown = explore(*SCHEDULES).shown()
        said = f"{shown['report']} {shown['code']}"
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", said)).split())


def digest(page: Path) -> str:
    return hashlib.sha256(words(page).encode()).hexdigest()


def shoot(pages: dict[str, Path]) -> None:
    """Photograph the top of each page, in few colours."""
    from PIL import Image, ImageDraw, PngImagePlugin
    from playwright.sync_api import sync_playwright

    browser_path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        size = {"width": WIDTH, "height": HEIGHT}
        for name, path in pages.items():
            page = browser.new_page(viewport=size, device_scale_factor=SCALE)
            page.goto(path.as_uri())
            page.wait_for_timeout(500)
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            edge = (0, 0, shot.width - 1, shot.height - 1)  # white pages are read on white, too
            ImageDraw.Draw(shot).rectangle(edge, outline="#c8ced4", width=2)
            page.close()
            note = PngImagePlugin.PngInfo()
            note.add_text("digest", digest(path))
            out = PICTURES / f"{name}.png"
            shot.quantize(COLOURS, dither=Image.Dither.NONE).save(out, optimize=True, pnginfo=note)
            print(f"{out.relative_to(ROOT)}: {out.stat().st_size // 1000} kB")
        browser.close()


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        shoot({name: make(Path(folder)) for name, make in PAGES.items()})


if __name__ == "__main__":
    main()
