"""Three graders, run as a teacher would run them on the same submissions; for grading.py."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
from nbformat.v4 import new_code_cell as code
from nbformat.v4 import new_raw_cell as raw

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

# tests/grading.py, not benchmarks/grading.py: the small assignment of the grader's own tests.
from grading import FALL, POINTS, WARM, described, submission, write_solutions

from course_lib.grade.release import release

ROOT = Path(__file__).resolve().parents[1]
NAME = "09_small"
ONE_THREAD = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
ALL, NO_WARM = float(sum(POINTS.values())), float(POINTS["fall"])
WRONG_WARM = "def warm(step, *, peak, steps):\n    return 0.25"
SCHEDULES = """\
import torch
import tensorflow as tf
import keras

weight = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([weight], lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
rates = []
for _ in range(10):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.zero_grad()
    (weight**2).sum().backward()
    optimizer.step()
    scheduler.step()
cosine = keras.optimizers.schedules.CosineDecay(0.1, 10)
assert max(abs(float(cosine(step)) - rate) for step, rate in enumerate(rates)) < 1e-6"""
FIT = """
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(cosine), "mse")
history = model.fit(tf.zeros((64, 4)), tf.zeros((64, 1)), batch_size=16, verbose=0)
assert len(history.history["loss"]) == 1"""
KINDS = {"trivial": "", "schedules": SCHEDULES, "fit": SCHEDULES + FIT}


def honest(kind: str, number: int) -> tuple[str, float]:
    """The notebook of this student, and its right score. Every fifth is wrong about `warm`."""
    wrong = number % 5 == 4
    given = {"warm": WRONG_WARM} if wrong else {}
    return nbformat.writes(submission(before=KINDS[kind], **given)), NO_WARM if wrong else ALL


# --- one run of a grader --------------------------------------------------------------------------


@dataclass
class Run:
    """When each submission was done (seconds from the start), the score of each student, seconds in
    all, the most megabytes of one submission's process where that is known, and workers."""

    done: list[float]
    scores: dict[str, float]
    seconds: float
    own_mb: float = 0.0
    jobs: int = 1

    @property
    def each(self) -> float:
        """Seconds for one more submission, counted from when every worker has done its first."""
        done = sorted(self.done)
        return (done[-1] - done[self.jobs - 1]) / (len(done) - self.jobs)

    @property
    def start(self) -> float:
        """Seconds beyond those of the submissions: programs and libraries are loaded."""
        return self.seconds - self.each * len(self.done)


Watch = Callable[[subprocess.Popen], None]


def use(folder: Path) -> None:
    """Have every grader find our package and the assignment's exercises, and use one thread."""
    index = {each.id: each.public_json() for each in described().values()}
    (folder / "exercises.json").write_text(json.dumps(index))
    os.environ |= dict.fromkeys(ONE_THREAD, "1") | {
        "LR_COURSE_EXERCISES": str(folder / "exercises.json"),
        "LR_COURSE_PROGRESS": "",  # none is kept
        "PYTHONPATH": str(ROOT),
    }


def execute(words: list[str], folder: Path, watch: Watch | None = None) -> tuple[float, float]:
    """Run a command in this folder; the time of day when it started, and seconds."""
    # nbgrader calls alembic, which is beside python also where nobody activated a venv.
    environment = os.environ | {"PATH": f"{Path(words[0]).parent}{os.pathsep}{os.environ['PATH']}"}
    started, log = time.time(), folder / "log.txt"
    with open(log, "ab") as file:
        process = subprocess.Popen(words, cwd=folder, env=environment, stdout=file, stderr=file)
        if watch:
            watch(process)
        if process.wait() not in (0, 1, -signal.SIGKILL):  # 1: some submission cannot be graded
            raise RuntimeError(f"{words} failed:\n{log.read_text(errors='replace')[-3000:]}")
    return started, time.time() - started


def ours(folder: Path, jobs: int, *more: str, again: str = "--again", watch: Watch | None = None):
    words = [sys.executable, "-m", "course_lib.cli", "grade", "submissions", "--out", "results"]
    words += ["--solutions", "solutions", "--jobs", str(jobs), "--quiet", *more]
    started, seconds = execute([*words, again] if again else words, folder, watch)
    paths = results(folder)
    scores = {path.parent.name: json.loads(path.read_text())["score"] for path in paths}
    peaks = [json.loads(p.with_suffix(".run.json").read_text())["peak_mb"] for p in paths]
    done = [path.stat().st_mtime - started for path in paths]
    return Run(done, scores, seconds, max(peaks), jobs)


def results(folder: Path) -> list[Path]:
    found = folder.glob("results/students/*/*.json")
    return [path for path in found if not path.name.endswith(".run.json")]


def nbgrader(folder: Path, watch: Watch | None = None) -> Run:
    """In a fresh copy of the course, or it would skip what it has done."""
    from nbgrader.api import Gradebook

    course = folder / "course"
    shutil.rmtree(course, ignore_errors=True)
    shutil.copytree(folder / "released", course)
    started, seconds = execute([sys.executable, "-m", "nbgrader", "autograde", NAME], course, watch)
    done = [p.stat().st_mtime - started for p in course.glob(f"autograded/*/{NAME}/*.ipynb")]
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        scores = {each.student.id: each.code_score for each in book.assignment_submissions(NAME)}
    return Run(done, scores, seconds)


OTTER = """\
import glob, json, time
from otter.api import grade_submission
[autograder] = glob.glob("dist/autograder/*.zip")
for path in sorted(glob.glob("released/submitted/*/*/*.ipynb")):
    row = [path.split("/")[2], grade_submission(path, autograder, quiet=True).total, time.time()]
    with open("otter.jsonl", "a") as file:
        print(json.dumps(row), file=file)
"""


def otter(python: str, folder: Path, watch: Watch | None = None) -> Run:
    """What `otter run` does, in one process for all: `otter run` would start anew for each."""
    (folder / "otter.jsonl").unlink(missing_ok=True)
    started, seconds = execute([python, "-c", OTTER], folder, watch)
    rows = [json.loads(line) for line in (folder / "otter.jsonl").read_text().splitlines()]
    scores = {student: score for student, score, _ in rows}
    return Run([at - started for _, _, at in rows], scores, seconds)


# --- what they grade ------------------------------------------------------------------------------


def prepare(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Submissions of the kind that the folder is named for, for all graders; the right scores."""
    write_solutions(folder / "solutions")
    course, right = folder / "released", {}
    for number in range(max(options.ours, options.peers)):
        student = f"s{number:04d}"
        text, right[student] = honest(folder.name, number)
        places = [folder / "submissions" / student] * (number < options.ours)
        places += [course / "submitted" / student / NAME] * (number < options.peers)
        for place in places:
            place.mkdir(parents=True)
            (place / f"{NAME}.ipynb").write_text(text)
    release(folder / "solutions", course, nbgrader=True)
    execute([sys.executable, "-m", "nbgrader", "generate_assignment", NAME, "--create"], course)
    if options.otter:
        nbformat.write(otter_notebook(), folder / f"{NAME}.ipynb")
        command = [options.otter, "-c", "from otter.cli import cli; cli()", "assign", "--no-pdfs"]
        execute([*command, f"{NAME}.ipynb", "dist"], folder)
    return right


def otter_notebook() -> nbformat.NotebookNode:
    """The same questions with the same hidden checks, in otter's format."""
    off = "init_cell: false\nexport_cell: false\ncheck_all_cell: false\ntests:\n  ok_format: false"
    cells = [raw(f"# ASSIGNMENT CONFIG\n{off}")]
    for (name, each), answer in zip(described().items(), (WARM, FALL)):
        test = (
            f"def test_{name}(env):\n    from course_lib.checks import check\n\n"
            f'    check("{each.id}", env["{name}"], hidden=r"""{each.hidden_json()}""")'
        )
        cells += [raw(f"# BEGIN QUESTION\nname: {name}\npoints: {POINTS[name]}")]
        cells += [raw("# BEGIN SOLUTION"), code(answer.replace("### ", "# "))]
        cells += [raw("# END SOLUTION"), raw("# BEGIN TESTS"), code(test), raw("# END TESTS")]
        cells += [raw("# END QUESTION")]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


# --- memory ---------------------------------------------------------------------------------------


class Memory:
    """The most that a command and all its processes use together, in megabytes; what they share
    counts once (PSS). Looking takes milliseconds of every second, alike for all graders."""

    def __init__(self):
        self.peak_mb, self.seen = 0.0, set()

    def __call__(self, process: subprocess.Popen) -> None:
        while process.poll() is None:
            self.look(process)

    def look(self, process: subprocess.Popen) -> None:
        total, family = 0, []
        try:
            main = psutil.Process(process.pid)
            family = [main, *main.children(recursive=True)]
            for each in family:
                total += each.memory_full_info().pss
        except psutil.Error:  # one has just ended
            pass
        self.seen.update(family)
        self.peak_mb = max(self.peak_mb, total / 2**20)
        time.sleep(0.5)
