"""`lr-course grade` against nbgrader and otter-grader on the same submissions, and a class of 1,000
submissions, some of them hostile. Writes benchmarks/grading.md.

    # otter-grader needs an environment of its own, with torch, tensorflow and keras in it
    /tmp/otter/bin/pip install otter-grader==7.0.0
    python benchmarks/grading.py --otter /tmp/otter/bin/python --thousand

All take turns, a ratio is made in each turn, and its median and range over the turns are shown.
`--turns 1 --ours 6 --peers 2` shows that it runs.
"""

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

import nbformat
from graders import (
    ALL,
    KINDS,
    NAME,
    NO_WARM,
    ROOT,
    Memory,
    Run,
    honest,
    nbgrader,
    otter,
    ours,
    prepare,
    results,
    submission,
    use,
    write_solutions,
)
from run import RATIOS, Row, table

from course_lib.claims.records import commit, processor

GOALS = {"schedules": (0.25, 20), "fit": (0.6, 10)}  # seconds of ours, nbgrader's over ours

# Hostile code, each once as the answer `warm` and once as a cell after right answers: it costs the
# first its points and the second none. Hostile files earn nothing.
HOSTILE = (
    "while True: pass",
    "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "import os; os._exit(0)",
    "import ctypes; ctypes.string_at(0)",
    "hog = [bytearray(1 << 28) for _ in range(100)]",
    "import os\nfor _ in range(12): os.fork()",
    "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,)).start()",
    "while True: print('x' * 1_000_000)",
    "import os; os.kill(os.getppid(), 9)",
    "import os\nfor n in range(999): open(f'{n}', 'wb').write(bytes(1 << 20))",
    "import os\nfor fd in range(3, 99):\n    try: os.write(fd, b'{\"value\": 1.0}\\n')\n"
    "    except OSError: pass",
)
HOSTILE_FILES = ("not JSON", "not UTF-8", "link", "pipe", "zip with ../", "zip bomb")
EVERY = 20  # one in so many is hostile
LIMITS = "--cell-seconds 5 --total-seconds 30 --memory-mb 512"


# --- side by side ---------------------------------------------------------------------------------


def take_turns(graders: dict[str, Callable[[], Run]], turns: int) -> dict[str, list[Run]]:
    runs = {name: [] for name in graders}
    for turn in range(turns):
        for name in list(graders)[:: -1 if turn % 2 else 1]:
            runs[name].append(graders[name]())
    return runs


def spread(values: list[float], form: str) -> str:
    """Median and range."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def side_by_side(
    root: Path, options: argparse.Namespace, ratios: list[list[str]]
) -> Iterator[list[str]]:
    """A row for each kind of notebook and grader; fills `ratios`, a row for each two of them."""
    for kind in KINDS:
        folder = root / kind
        right = prepare(folder, options)
        graders = {f"ours, --jobs {jobs}": partial(ours, folder, jobs) for jobs in (1, 2)}
        graders["nbgrader"] = partial(nbgrader, folder)
        if options.otter:
            graders["otter"] = partial(otter, options.otter, folder)
        memory = {name: Memory() for name in graders}
        watched = {name: partial(run, watch=memory[name]) for name, run in graders.items()}
        runs = take_turns(watched, options.turns)
        first = [run.each for run in runs["ours, --jobs 1"]]
        for name, found in runs.items():
            each = [run.each for run in found]
            count = f"{len(found[0].done)} x {len(found)}"
            ratios += [compared(kind, name, first, each, count).cells()] if each != first else []
            own = max(run.own_mb for run in found)
            right_ones = all(run.scores.items() <= right.items() for run in found)
            yield [
                f"{kind}: {name}",
                spread(each, ".3f"),
                spread([run.start for run in found], ".1f"),
                f"{own:.0f}" if own else "",
                f"{memory[name].peak_mb:,.0f}",
                count,
                "all" if right_ones else "NOT ALL",
                goal(kind, name, statistics.median(each)),
            ]


def compared(kind: str, name: str, first: list[float], each: list[float], n: str) -> Row:
    """Ours with one job beside a peer; with two jobs beside itself with one."""
    what = f"grade one more notebook, *{kind}*"
    if name == "ours, --jobs 2":
        return Row(f"{what}, two jobs", "ours, one job", list(zip(each, first)), 1, "s", n=n)
    least = GOALS[kind][1] if kind in GOALS and name == "nbgrader" else None
    return Row(what, name, list(zip(first, each)), 1, "s", least, n)


def goal(kind: str, name: str, seconds: float) -> str:
    if kind not in GOALS or name != "ours, --jobs 1":
        return ""
    most = GOALS[kind][0]
    return f"{most} s: {'met' if seconds <= most else 'MISSED'}"


def sandboxes(root: Path, options: argparse.Namespace) -> Iterator[list[str]]:
    """The same submissions with bubblewrap around the worker and without."""
    for kind in KINDS:
        weak = ("--allow-weak-isolation", "--isolation")
        levels = ("process", "namespaces")
        runs = take_turns(
            {each: partial(ours, root / kind, 1, *weak, each) for each in levels}, options.turns
        )
        for level, found in runs.items():
            pairs = zip(found, runs["process"])
            added = [(run.each - without.each) * 1e3 for run, without in pairs]
            yield [
                f"{kind}: {level}",
                spread([run.each for run in found], ".3f"),
                spread([run.start for run in found], ".1f"),
                spread(added, ".0f") if level == "namespaces" else "",
            ]


# --- a class --------------------------------------------------------------------------------------


def write_class(folder: Path, count: int) -> dict[str, float]:
    """Submissions of each kind in turn, one in EVERY hostile; their right scores."""
    write_solutions(folder / "solutions")
    right, kinds = {}, list(KINDS)
    hostile = [*HOSTILE, *HOSTILE, *HOSTILE_FILES]
    for number in range(count):
        student = f"s{number:04d}"
        path = folder / "submissions" / student / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        if number % EVERY != EVERY // 2:
            text, right[student] = honest(kinds[number % 3], number)
            path.write_text(text)
            continue
        index = number // EVERY % len(hostile)
        if hostile[index] in HOSTILE_FILES:
            right[student] = 0.0
            write_hostile_file(hostile[index], path)
        else:
            alone = index < len(HOSTILE)
            right[student] = NO_WARM if alone else ALL
            place = "warm" if alone else "after"
            path.write_text(nbformat.writes(submission(**{place: hostile[index]})))
    return right


def write_hostile_file(name: str, path: Path) -> None:
    if name == "not JSON":
        path.write_text('{"cells": [{')
    elif name == "not UTF-8":
        path.write_bytes(b"\xff\xfe\x00" * 1000)
    elif name == "link":  # to the file of somebody who is right
        path.symlink_to(f"../s0000/{path.name}")
    elif name == "pipe":
        os.mkfifo(path)
    else:
        path.parent.rmdir()
        inside = path.name if name == "zip bomb" else f"../s0000/{path.name}"
        text = " " * 200_000_000 if name == "zip bomb" else honest("trivial", 0)[0]
        with zipfile.ZipFile(f"{path.parent}.zip", "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(inside, text)


def class_of(count: int, folder: Path) -> Iterator[list[str]]:
    """Two jobs; the grader is killed half-way and run again."""
    right, memory, killed_at = write_class(folder, count), Memory(), 0

    def kill_half_way(process: subprocess.Popen) -> None:
        nonlocal killed_at
        while process.poll() is None and not killed_at:
            memory.look(process)
            done = len(results(folder))
            if done >= count // 2:
                killed_at = done
                process.kill()

    grade = partial(ours, folder, 2, *LIMITS.split(), again="")
    first = grade(watch=kill_half_way)
    kept = {path: path.read_bytes() for path in results(folder)}
    second = grade(watch=memory)
    anew = sum(path.read_bytes() != content for path, content in kept.items())
    time.sleep(3)
    survivors = [each for each in memory.seen if each.is_running()]
    seconds = first.seconds + second.seconds
    lost = right.keys() - second.scores.keys()
    wrong = {s: (got, right.get(s)) for s, got in second.scores.items() if got != right.get(s)}
    print(f"lost {lost}, wrong (got, right) {wrong}, survivors {survivors}", file=sys.stderr)
    yield [
        "Submissions",
        f"{count:,}, {len(range(EVERY // 2, count, EVERY))} of them hostile; `{LIMITS}`",
    ]
    yield ["Killed with SIGKILL, run again", f"after {killed_at} results"]
    yield ["Time of both runs", f"{seconds:.0f} s, {seconds / count:.3f} s for each submission"]
    yield ["Most memory, all processes together", f"{memory.peak_mb:,.0f} MB"]
    yield ["Most memory, one submission", f"{max(first.own_mb, second.own_mb):.0f} MB"]
    yield ["Lost submissions", f"**{len(lost)}**"]
    yield ["Wrong scores", f"**{len(wrong)}**"]
    yield ["Results that the second run changed", f"{anew}"]
    yield ["Processes that outlived the grader", f"{len(survivors)}"]


# --- the report -----------------------------------------------------------------------------------

EXPLAINED = """\
Everyone grades the same notebooks, with two functions to write, by the same hidden calls; every
fifth student is wrong about one. *trivial* holds nothing else, *schedules* also imports torch,
tensorflow and keras and steps a cosine schedule of torch's and one of keras's, *fit* also fits a
Keras model (64 rows of 4). Ours runs each in a sandbox, the peers run them as the teacher's user.

*One more* is the time for each further submission of a run, *start* what the run takes besides;
median and range over the turns. otter-grader grades in one process, through its API: the command
`otter run` would need its start for each, and `otter grade` a container, which no time here
contains. *Own memory* is the most that the process of a submission does not share with others, *all
together* the most that all processes of the run use (PSS). In the ratios n is submissions x turns,
the peer's in a peer's row."""


SANDBOXES = """\
*process* is landlock, seccomp and resource limits for each submission, *namespaces* adds bubblewrap
around the worker. With neither (`--isolation none`) each submission is a process that
imports for itself."""


def report(options: argparse.Namespace) -> Iterator[str]:
    quiet = "quiet" if os.getloadavg()[0] < 0.3 else "NOT quiet, other jobs were running"
    flags = " --otter PYTHON" * bool(options.otter) + " --thousand" * options.thousand
    flags += f" --turns {options.turns} --ours {options.ours} --peers {options.peers}"
    versions = [f"{name} {version(name)}" for name in ("nbgrader", "torch", "tensorflow", "keras")]
    if options.otter:
        ask = "from importlib.metadata import version; print(version('otter-grader'))"
        found = subprocess.run([options.otter, "-c", ask], capture_output=True, text=True)
        versions.insert(1, f"otter-grader {found.stdout.strip()}")
    made = f"made on {datetime.date.today()} by `python benchmarks/grading.py{flags}`"
    yield f"# The grader, measured\n\n- {made}, commit {commit()}"
    yield f"- {processor()}, {os.cpu_count()} cores, {platform.system()}; one thread each; {quiet}"
    yield f"- Python {platform.python_version()}, {', '.join(versions)}\n\n{EXPLAINED}\n"
    with tempfile.TemporaryDirectory(prefix="grading-") as folder:
        root = Path(folder)
        use(root)
        titles = ["Notebook: grader", "One more, s", "Start, s", "Own memory, MB"]
        titles += ["All together, MB", "n x turns", "Scores right", "Goal"]
        ratios: list[list[str]] = []
        yield from table(titles, side_by_side(root, options, ratios))
        yield ""
        yield from table(RATIOS, ratios)
        yield f"\n## What bubblewrap costs\n\n{SANDBOXES}\n"
        titles = ["Notebook: isolation", "One more, s", "Start, s", "More for each, ms"]
        yield from table(titles, sandboxes(root, options))
        if options.thousand:
            yield "\n## A class, two jobs\n"
            yield from table(["", ""], class_of(options.students, root / "class"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--otter", metavar="PYTHON", help="of an environment with otter-grader")
    parser.add_argument("--thousand", action="store_true", help="grade a class with hostile ones")
    parser.add_argument("--students", type=int, default=1000, help="in that class")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--ours", type=int, default=20, help="submissions in a run of ours")
    parser.add_argument("--peers", type=int, default=4, help="submissions in a run of a peer's")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "grading.md")
    options = parser.parse_args()
    lines = []
    for line in report(options):
        print(line, flush=True)
        lines.append(line)
    # Whole or not at all; a trial replaces no record, but goes where it is told to.
    is_trial = options.turns < parser.get_default("turns")
    if not is_trial or options.output != parser.get_default("output"):
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
