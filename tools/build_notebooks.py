"""Build each lesson, lessons/NN_name.py, into notebooks/, exercises/ and solutions/.

    python tools/build_notebooks.py                       every lesson, and the pages (see below)
    python tools/build_notebooks.py lessons/01_name.py    only the three notebooks of one lesson
    python tools/build_notebooks.py --pages               only the pages; runs no notebook
    python tools/build_notebooks.py --check               say what is stale; builds nothing
    python tools/build_notebooks.py --force               also over notebooks worked in

A cell starts with a line like these, and its first tag says where it goes:

    # %% [markdown] tags=["setup"]
    # %% tags=["exercise"]
    # %% tags=["check"] grade_id="cosine" points=2
    # %% alt="The rate falls along half a cosine wave."

| first tag  | notebooks/ | exercises/                    | solutions/                |
| ---------- | ---------- | ----------------------------- | ------------------------- |
| (none)     | yes        |                               |                           |
| setup      | yes        | yes                           | yes                       |
| exercise   |            | yes, solution regions blanked | yes                       |
| check      |            | yes                           | yes, and its hidden tests |
| probes     |            |                               |                           |
| answer     |            |                               | yes                       |

`alt` describes the picture that the cell shows; without it, showing one is an error. Points belong
to checks, and to markdown exercises, which are questions to be answered in words.

A check is `check("3.1", cosine)`, where the heading of its exercise reads `### Exercise 3.1 - Title
(code, 2 points, about 5 minutes)`; instead of code it may be a concept, bug or extended exercise.
The cell after it, tagged `probes`, describes the exercise for
`course_lib.exercises`: `exercise("3.1", cosine, hints=..., shown=..., locked=..., hidden=...)`. The
model answer makes the right replies. What students may see of all exercises is written to
course_lib/exercises.json, the hidden calls go into the check cell of solutions/.

notebooks/ and solutions/ are executed and keep their outputs, less what changes from run to run;
exercises/ has none. So building twice gives the same bytes. exercises/ and solutions/ carry
nbgrader's metadata: solutions/ is what nbgrader calls source, exercises/ what it calls release.

A sentence that stands on recorded runs is written {{claim-id}}, in lessons and in docs/templates/:
its numbers come from the record (course_lib/claims). The pages are the table of lessons in
README.md, docs/claims.md, and docs/NAME.md for every docs/templates/NAME.md.

This file is the command. Its rooms are beside it, each importing only those above it here:

    lesson_cells.py       a lesson's cells: where they go, what is cut from them, LessonError
    lesson_rules.py       what a lesson must keep to; the place for a new rule
    lesson_exercises.py   model answers are run; course_lib/exercises.json
    lesson_pages.py       the table of lessons, README.md, docs/
    lesson_install.py     the first code cell, which installs the course where it is missing
    lesson_notebooks.py   the three notebooks, with nbgrader's metadata
    lesson_leaks.py       hidden calls that a student could read
    lesson_outputs.py     running a notebook, and tidying what it showed
"""

import argparse
import sys
import time
from pathlib import Path

import nbformat
from lesson_cells import FOLDERS, LessonError, lessons
from lesson_exercises import INDEX, index_text
from lesson_leaks import leaks
from lesson_notebooks import as_built, is_worked_in, last_commit, render
from lesson_outputs import execute, tidy
from lesson_pages import pages
from lesson_rules import check_grade_ids, read_lesson

from course_lib.files import write_whole

ROOT = Path(__file__).resolve().parents[1]


def build(source: Path) -> None:
    """Write the three notebooks of one lesson."""
    for folder in FOLDERS:
        started = time.perf_counter()
        path = source.parents[1] / folder / f"{source.stem}.ipynb"
        path.parent.mkdir(exist_ok=True)
        notebook = render(source, folder)
        if folder != "exercises":
            execute(source, notebook, folder)
            tidy(source, notebook)
        nbformat.validate(notebook)
        write_whole(path, nbformat.writes(notebook) + "\n")
        print(f"{folder}/{path.name}  {time.perf_counter() - started:.1f} s", flush=True)


def stale(source: Path) -> list[str]:
    """What is out of date in the three notebooks of one lesson; outputs are not compared."""
    found = []
    for folder in FOLDERS:
        path = source.parents[1] / folder / f"{source.stem}.ipynb"
        if not path.exists():
            found.append(f"{folder}/{path.name} is missing")
            continue
        committed, fresh = nbformat.reads(as_built(path), as_version=4), render(source, folder)
        if folder != "exercises":
            code = [cell for cell in committed.cells if cell.cell_type == "code"]
            counts = [cell.execution_count for cell in code]
            if counts != list(range(1, len(code) + 1)):
                found.append(f"{folder}/{path.name} has execution counts {counts}, not 1, 2, 3...")
            for cell in code:
                cell.update(execution_count=None, outputs=[])
        if committed != fresh:
            cells = [new.id for old, new in zip(committed.cells, fresh.cells) if old != new]
            found.append(f"{folder}/{path.name} differs from its lesson, first in cell {cells[:1]}")
    return found


def orphans(root: Path) -> list[Path]:
    """Notebooks without a lesson: its own is gone. What a learner made here is not ours."""
    stems = {source.stem for source in lessons(root)}
    paths = (path for folder in FOLDERS for path in sorted((root / folder).glob("*.ipynb")))
    alone = [path for path in paths if path.stem not in stems]
    return [path for path in alone if last_commit(path) or not is_worked_in(path)]


def of_somebody(sources: list[Path]) -> list[str]:
    """The built notebooks of these lessons in which somebody has worked."""
    names = [f"{folder}/{source.stem}.ipynb" for source in sources for folder in FOLDERS]
    root = sources[0].parents[1]
    return [name for name in names if (root / name).exists() and is_worked_in(root / name)]


def check(root: Path, sources: list[Path], everything: bool) -> int:
    found = [reason for source in sources for reason in stale(source)]
    if everything:
        found += [
            f"{path.relative_to(root)} has no lesson: move it away or delete it"
            for path in orphans(root)
        ]
        index = root / INDEX
        if not index.exists() or index.read_text(encoding="utf-8") != index_text(root):
            found.append(f"{INDEX} is old or missing")
        for path, text in pages(root).items():
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                what = "has an old table of lessons" if path.name == "README.md" else "is old"
                found.append(f"{path.relative_to(root)} {what}")
    print("\n".join([*found, "run make notebooks"] if found else ["nothing is stale"]))
    return 1 if found else 0


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description="Build notebooks/, exercises/ and solutions/.")
    parser.add_argument("lesson", nargs="*", type=Path, help="lessons/NN_name.py; default: all")
    parser.add_argument("--pages", action="store_true", help="README.md, docs/ and the index alone")
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    parser.add_argument("--force", action="store_true", help="also over notebooks worked in")
    options = parser.parse_args(arguments)
    sources = [path.resolve() for path in options.lesson] or lessons(root)
    if options.pages and options.lesson:
        parser.error("--pages is about all lessons: name none")
    try:
        if not sources or not set(sources) <= set(lessons(root)):
            raise LessonError(f"expected {root}/lessons/NN_name.py, got {[*map(str, sources)]}")
        check_grade_ids(sources)
        for source in sources:  # a mistake in the last lesson is found before the first one is run
            read_lesson(source)
        index = index_text(root, sources if options.lesson else None)
        if options.check:
            return check(root, sources, everything=not options.lesson)
        if found := [each for source in sources for each in leaks(source, index)]:
            raise LessonError("\n".join(found))
        if worked_in := [] if options.pages or options.force else of_somebody(sources):
            raise LessonError(
                f"Somebody has worked in {', '.join(worked_in)}. If that was you, keep a copy "
                "elsewhere; `git restore FILE` or --force (`make notebooks ARGS=--force`) then "
                "gives up what is here"
            )
        if not options.lesson:
            for path, text in pages(root).items():
                path.parent.mkdir(exist_ok=True)
                write_whole(path, text)
            for path in [] if options.pages else orphans(root):
                print(f"{path.relative_to(root)}  has no lesson: move it away or delete it")
        (root / INDEX).parent.mkdir(exist_ok=True)
        write_whole(root / INDEX, index)
        for source in [] if options.pages else sources:
            build(source)
    except LessonError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
