"""Build each lesson, lessons/NN_name.py, into notebooks/, exercises/ and solutions/.

    python tools/build_notebooks.py                       every lesson, and the pages (see below)
    python tools/build_notebooks.py lessons/01_name.py    only the three notebooks of one lesson
    python tools/build_notebooks.py --pages               only the pages; runs no notebook
    python tools/build_notebooks.py --check               say what is stale; builds nothing

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
"""

import argparse
import ast
import copy
import io
import json
import os
import re
import sys
import tempfile
import time
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import replace
from functools import cache
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError

from course_lib.exercises import Exercise

sys.path.insert(0, str(Path(__file__).parent))
from pages import docs_pages, with_claims

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("notebooks", "exercises", "solutions")
ROLES = {
    None: ("notebooks",),
    "setup": FOLDERS,
    "exercise": ("exercises", "solutions"),
    "check": ("exercises", "solutions"),
    "probes": (),
    "answer": ("solutions",),
}
REGIONS = {"exercise": "SOLUTION"}  # what a code cell of the role may hide
INDEX = Path("course_lib", "exercises.json")
HEADING = re.compile(
    r"^### Exercise (\d+\.\d+) - (.+) "
    r"\((concept|code|bug|extended), (\d+(?:\.\d+)?) points?, about (\d+) minutes\)$",
    re.MULTILINE,
)
OPTIONS = ["tags", "alt", "grade_id", "points"]
OTHER_TAGS = ["nbval-check-output", "nbval-ignore-output", "nbval-skip"]
OTHER_TAGS += ["raises-exception", "stderr-ok"]
TAG_RULE = (
    f"first comes setup, exercise, check, probes, answer or none of them, then any of {OTHER_TAGS}"
)
# Wider than what we accept, and than what nbgrader looks for: a marker with a typo must not pass.
MARKER = re.compile(r"^\s*#+\s*(BEGIN|END)\b|(BEGIN|END)\s+(SOLUTION|HIDDEN TEST|MARK SCHEME)")
# Lines of an answer that a student may see: comments, signatures, imports, `return name`.
TRIVIAL = re.compile(r'[#@]|"""|(def|class|import|from)\b|return \w+$')
FRAMEWORK = re.compile(r'^framework = "torch"', re.MULTILINE)
# Without the version of Python, so that another version builds the same file.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "name": "python"},
}
# What TensorFlow 2.21 says with the time of day when it is imported, whatever TF_CPP_MIN_LOG_LEVEL.
NATIVE_LOG = re.compile(
    r"^(WARNING: All log messages before absl::InitializeLog.*|[IWE]\d{4} \d\d:\d\d:\d.*)\n", re.M
)
# Progress bars print timings; TensorFlow greets on stderr; sets of strings print in any order.
ENVIRONMENT = {"TQDM_DISABLE": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONHASHSEED": "0"}
# One thread: sums are rounded alike whatever the number of cores, and networks this small gain
# little from two. On a busy machine, where threads wait for each other, two took ten times as long.
ENVIRONMENT |= dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")
ENVIRONMENT["LR_COURSE_PROGRESS"] = ""  # building solves no exercise


class LessonError(ValueError):
    """A lesson breaks a rule. The message says where, what came and what to do."""


def require(good, source: Path, cell, message: str, line: int = 0) -> None:
    """Raise a LessonError, which starts with `lessons/03_cosine.py:41 (cell 7): `, unless good."""
    if not good:
        lines = source.read_text(encoding="utf-8").splitlines()
        starts = [number for number, text in enumerate(lines, 1) if text.startswith("# %%")]
        index = int(cell.id.rpartition("-")[2])
        place = f"lessons/{source.name}:{starts[index - 1] + line} (cell {index})"
        raise LessonError(f"{place}: {message}")


# Reading a lesson


def lessons(root: Path) -> list[Path]:
    return sorted(root.glob("lessons/[0-9][0-9]_*.py"))


def role(cell) -> str | None:
    first = (cell.metadata.get("tags") or [None])[0]
    return first if first in ROLES else None


def read_cells(source: Path, *, said: bool = True):
    """The lesson as a notebook, no rules checked; claims are written out if `said`."""
    lesson = jupytext.read(source)
    starts = re.findall(r"^# %%", source.read_text(encoding="utf-8"), re.MULTILINE)
    if len(starts) != len(lesson.cells):
        raise LessonError(
            f"lessons/{source.name}: {len(starts)} lines start with `# %%` but there are "
            f"{len(lesson.cells)} cells; is there text before the first one, or one in a string?"
        )
    for index, cell in enumerate(lesson.cells, 1):
        cell.id = f"{source.stem}-{index:02d}"  # a random id would change with every build
        for layout in ("cell_marker", "lines_to_next_cell"):
            cell.metadata.pop(layout, None)
        if said and cell.cell_type == "markdown":
            try:
                cell.source = with_claims(cell.source, "../docs/")
            except (ValueError, OSError) as error:
                require(False, source, cell, str(error))
    return lesson


def read_lesson(source: Path):
    """The lesson as a notebook; LessonError when it breaks a rule that needs no outputs to see."""
    lesson = read_cells(source)
    for cell in lesson.cells:
        check_options(source, cell)
    headline(source, lesson)
    places = [(role(c), c.cell_type) for c in lesson.cells for _ in FRAMEWORK.findall(c.source)]
    if places != [("setup", "code")]:
        raise LessonError(
            f'lessons/{source.name}: expected the line `framework = "torch"` once, in a code cell '
            f"tagged setup; found it {len(places)} times {places or ''}"
        )
    pairs(source, lesson)
    return lesson


def check_options(source: Path, cell) -> None:
    """Raise a LessonError unless the options of the cell are known and fit together."""

    def need(good, message):
        require(good, source, cell, message)

    unknown = {key: value for key, value in cell.metadata.items() if key not in OPTIONS}
    need(not unknown, f'cannot use {unknown}; options are {OPTIONS}, as in tags=["setup"]')
    for index, tag in enumerate(cell.metadata.get("tags", [])):
        known = tag in OTHER_TAGS or (tag in ROLES and index == 0)
        need(known, f"cannot use tag {tag!r}; {TAG_RULE}")
    grade_id, points = cell.metadata.get("grade_id"), cell.metadata.get("points")
    got = f"got grade_id={grade_id!r} points={points!r}"
    hidden = cut(source, cell)[1]
    valid_id = isinstance(grade_id, str) and re.fullmatch("[a-zA-Z0-9_-]+", grade_id)
    need(valid_id or grade_id is None, f"a grade_id is letters, digits, - and _ in quotes; {got}")
    if role(cell) in ("check", "probes"):
        need(cell.cell_type == "code", f"a cell tagged {role(cell)} must be a code cell")
    if role(cell) == "check" or is_question(cell):
        valid_points = type(points) in (int, float) and points > 0
        need(valid_id and valid_points, f'needs grade_id="..." and points=N above 0; {got}')
    else:
        need(points is None, f"points are for checks and written questions; {got}")
        need(hidden or grade_id is None, f"this cell has no answer to grade; {got}")


def is_question(cell) -> bool:
    """Whether the cell is a question that is answered in words and graded by a person."""
    graded = "points" in cell.metadata or "grade_id" in cell.metadata
    return role(cell) == "exercise" and cell.cell_type == "markdown" and graded


def cut(source: Path, cell) -> tuple[str, list[str]]:
    """What a student sees of the cell, and the lines of its regions, which the student does not.

    Equals what nbgrader's ClearSolutions leaves, stub and indent included.
    """
    shown, hidden, opened = [], [], 0
    region = REGIONS.get(role(cell)) if cell.cell_type == "code" else None
    for number, line in enumerate(cell.source.split("\n"), 1):
        marker = line.strip()
        if not MARKER.search(line):
            (hidden if opened else shown).append(line)
        elif marker == f"### BEGIN {region}" and not opened:
            opened = number
            indent = line[: line.index("#")]
            shown += [f"{indent}# YOUR CODE HERE", f"{indent}raise NotImplementedError()"]
        elif marker == f"### END {region}" and opened and hidden:
            opened = 0
        else:
            allowed = f"`### BEGIN {region}`, code, `### END {region}`" if region else "no region"
            message = f"`{marker}` is stray, nested, misspelt or empty; allowed here: {allowed}"
            require(False, source, cell, message, number)
    require(not opened, source, cell, f"open region; close it with `### END {region}`", opened)
    return "\n".join(shown), hidden


def check_grade_ids(sources: list[Path]) -> None:
    """Raise a LessonError when two cells of the course share a grade_id, or two checks an exercise:
    their grades would mix."""
    owners = {}
    for source in sources:
        for cell in read_cells(source, said=False).cells:
            marks = [("grade_id", cell.metadata.get("grade_id"))]
            if role(cell) == "check":
                marks.append(("exercise", called(cell.source, "check")[0]))
            for kind, mark in marks:
                owner = owners.setdefault((kind, mark), cell.id)
                taken = f"{kind} {mark!r} is taken by cell {owner}; choose another"
                require(mark is None or owner == cell.id, source, cell, taken)


# Exercises


def called(code: str, function: str) -> tuple[str | None, str | None]:
    """The id and the answer's name in the last statement, `check("3.1", cosine)`; else None."""
    try:
        last = ast.parse(code).body[-1].value
        id, name = last.args
        if last.func.id == function and isinstance(id.value, str):
            return id.value, name.id
    except (SyntaxError, IndexError, AttributeError, ValueError):
        pass
    return None, None


def pairs(source: Path, lesson) -> list[tuple]:
    """The check and the probes of each exercise, and its heading; LessonError if one is amiss."""
    found, headings = [], {}
    for cell, after in zip(lesson.cells, [*lesson.cells[1:], None]):
        if role(cell) == "exercise" and cell.cell_type == "markdown":
            headings |= {match[1]: match for match in HEADING.finditer(cell.source)}
        if role(cell) == "probes":
            paired = bool(found) and found[-1][1] is cell
            require(paired, source, cell, "probes stand right after the check that they are for")
        if role(cell) != "check":
            continue
        id, name = called(cell.source, "check")
        *imports, _ = [ast.unparse(each) for each in ast.parse(cell.source).body] if id else [None]
        good = id and imports in ([], ["from course_lib.checks import check"])
        wanted = '`check("1.1", function)`, below `from course_lib.checks import check` if need be'
        require(good, source, cell, f"a check cell is {wanted}; nothing else")
        number = f"{int(source.name[:2])}."
        require(id.startswith(number), source, cell, f"exercise ids start with {number} here: {id}")
        probes = after is not None and role(after) == "probes"
        require(probes, source, cell, f"a cell tagged probes must follow, for exercise {id}")
        theirs = called(without_options(after.source), "exercise")
        wanted = f'exercise("{id}", {name}, hints=..., shown=..., locked=..., hidden=...)'
        require(theirs == (id, name), source, after, f"the last statement must be `{wanted}`")
        wanted = (
            f"### Exercise {id} - Title (code, {cell.metadata.get('points')} points, "
            "about 5 minutes)"
        )
        heading = headings.get(id)
        agreed = heading and float(heading[4]) == cell.metadata.get("points")
        require(agreed, source, cell, f"no heading `{wanted}` above, in a cell tagged exercise")
        found.append((cell, after, heading))
    return found


def without_options(code: str) -> str:
    """The code, and of the call in its last statement the arguments without a name only."""
    try:
        tree = ast.parse(code)
        tree.body[-1].value.keywords = []
        return ast.unparse(tree)
    except (SyntaxError, IndexError, AttributeError):
        return ""


def exercises_of(source: Path) -> dict[str, Exercise]:
    """The exercises of a lesson by the id of their check cell, hidden calls included."""
    return _exercises_of(source, source.read_text(encoding="utf-8"))


@cache
def _exercises_of(source: Path, text: str) -> dict[str, Exercise]:
    """Run what defines the model answers, and the probes; cached, because it imports frameworks."""
    lesson = read_lesson(source)
    cells_of = {probes.id: (check, heading) for check, probes, heading in pairs(source, lesson)}
    if not cells_of:
        return {}
    names, found = {"__name__": "__main__"}, {}
    for cell in lesson.cells:
        if cell.cell_type != "code" or role(cell) not in ("setup", "exercise", "probes"):
            continue
        try:
            tree = ast.parse(cell.source)
            last = tree.body.pop() if role(cell) == "probes" else None
            with redirect_stdout(io.StringIO()):  # what given code prints is for the notebook
                exec(compile(tree, cell.id, "exec"), names)
            if last:
                made = eval(compile(ast.Expression(last.value), cell.id, "eval"), names)
                check, heading = cells_of[cell.id]
                points = check.metadata.points
                extra = {"title": heading[2], "lesson": source.stem, "points": points}
                found[check.id] = replace(made, **extra)
        except Exception as error:
            require(False, source, cell, f"{type(error).__name__}: {error}")
    return found


def index_text(root: Path, sources: list[Path] | None = None) -> str:
    """exercises.json as it should be: what students may see of every exercise of the course.

    With `sources`, the entries of these lessons are new and those of the others as they are.
    """
    found = {
        e.id: e.public_json() for s in sources or lessons(root) for e in exercises_of(s).values()
    }
    if sources and (root / INDEX).exists():
        stems = {source.stem for source in sources}
        entries = json.loads((root / INDEX).read_text(encoding="utf-8"))
        found = {id: e for id, e in entries.items() if e["lesson"] not in stems} | found
    blocks = []
    for id in sorted(found, key=lambda id: [int(part) for part in id.split(".")]):
        lines = []
        for key, value in found[id].items():
            text = json.dumps(value, ensure_ascii=False)
            if isinstance(value, list) and value:
                rows = ",\n   ".join(json.dumps(row, ensure_ascii=False) for row in value)
                text = f"[\n   {rows}\n  ]"
            lines.append(f'  "{key}": {text}')
        blocks.append(f' "{id}": {{\n' + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(blocks) + "\n}\n" if blocks else "{}\n"


def hidden_region(exercise: Exercise) -> str:
    """The lines of a check cell that nbgrader removes for students."""
    text = exercise.hidden_json()
    return (
        "\n### BEGIN HIDDEN TESTS\n"
        f'check("{exercise.id}", {exercise.name}, hidden=r"""{text}""")\n'
        "### END HIDDEN TESTS"
    )


# Rendering


def render(source: Path, folder: str):
    """The notebook of `folder` for one lesson, not yet executed."""
    notebook = read_lesson(source)
    notebook.metadata = nbformat.from_dict(METADATA)
    ordinals = Counter()
    for cell in notebook.cells:
        shown, hidden = cut(source, cell)
        question = is_question(cell)
        grade_id, points = (cell.metadata.pop(key, None) for key in ("grade_id", "points"))
        if folder == "exercises":
            cell.source = shown
        if folder == "solutions" and role(cell) == "check":
            cell.source += hidden_region(exercises_of(source)[cell.id])
        if cell.cell_type == "markdown" and "<!-- lessons -->" in cell.source.split("\n"):
            table = lesson_table(source.parents[1], prefix="../")
            cell.source = cell.source.replace("<!-- lessons -->", table)
        if question:
            # nbgrader blanks a written answer whole, question and all, unless it has a region.
            region = "<!-- BEGIN SOLUTION -->\n<!-- END SOLUTION -->"
            cell.source += "\n\n" + ("YOUR ANSWER HERE" if folder == "exercises" else region)
        if role(cell) in (None, "exercise") and not (hidden or question):
            continue
        ordinals[role(cell)] += 1
        # Counted per role: a new paragraph must not rename the answers of a running course.
        grade_id = grade_id or f"{source.stem}-{role(cell)}-{ordinals[role(cell)]}"
        if folder != "notebooks":
            cell.metadata["nbgrader"] = nbgrader_options(cell, grade_id, points)
        if folder == "exercises":
            cell.metadata["deletable"] = False
            if role(cell) == "check":
                cell.metadata["editable"] = False
    notebook.cells = [cell for cell in notebook.cells if folder in ROLES[role(cell)]]
    return notebook


def nbgrader_options(cell, grade_id: str, points) -> dict:
    """nbgrader's metadata, version 3, for setup, check, answer, and what a student answers.

    An `answer` is marked like a student's answer, worth nothing: so nbgrader blanks it when a
    teacher makes a release from solutions/ with `nbgrader generate_assignment`.
    """
    solution = role(cell) in ("exercise", "answer")
    grade = role(cell) == "check" or (solution and cell.cell_type == "markdown")
    options = dict(schema_version=3, task=False, cell_type=cell.cell_type, grade_id=grade_id)
    options.update(grade=grade, solution=solution, locked=not solution)
    return {**options, "points": points or 0} if grade else options


def flavoured(notebook, framework: str):
    """A copy of the notebook whose line `framework = "torch"` names another framework."""
    notebook = copy.deepcopy(notebook)
    replaced = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source, count = FRAMEWORK.subn(f'framework = "{framework}"', cell.source)
            replaced += count
    if replaced != 1:
        raise LessonError(f'found the line `framework = "torch"` {replaced} times, expected once')
    return notebook


def leaks(source: Path, exercise=None) -> list[str]:
    """Messages about the lines of model answers that the exercise notebook shows to students.

    An answer is what stands in a solution region or in a cell tagged `answer`. Its short and
    trivial lines do not count, nor those that setup cells or given code have as well.
    """
    answers, given = set(), set()
    for cell in read_lesson(source).cells:
        hidden = cut(source, cell)[1]
        if role(cell) == "exercise" and hidden:
            answers.update(map(str.strip, hidden))
        elif role(cell) == "answer":
            answers.update(map(str.strip, cell.source.split("\n")))
        elif role(cell) == "setup" or (role(cell) == "exercise" and cell.cell_type == "code"):
            given.update(map(str.strip, cell.source.split("\n")))
    secret = {line for line in answers - given if len(line) > 12 and not TRIVIAL.match(line)}
    exercise = exercise or render(source, "exercises")
    lines = [
        f"lessons/{source.name}, cell {cell.id} shows students `{line}`, a line of a model answer; "
        "say it in other words, or put it into a setup cell if it is no secret"
        for cell in exercise.cells
        for line in map(str.strip, cell.source.split("\n"))
        if line in secret
    ]
    return lines + leaked_probes(source, exercise)


def leaked_probes(source: Path, exercise) -> list[str]:
    """Messages about the hidden calls and answers that students can read, in whatever notation."""
    index = source.parents[1] / INDEX
    places = {cell.id: cell.source for cell in exercise.cells}
    places[str(INDEX)] = index.read_text(encoding="utf-8") if index.exists() else ""
    places = {name: "".join(text.split()) for name, text in places.items()}
    found = []
    for each in exercises_of(source).values():
        known = [json.dumps(probe.reply.get("value")) for probe in each.shown]
        for probe in (probe for group in each.hidden for probe in group.probes):
            texts = [json.dumps(probe.call.to_json()), probe.call.written(each.name)]
            answer = json.dumps(probe.reply.get("value"))
            # An answer like 0.5, or like that of a shown call, may stand anywhere.
            texts += [answer] if len(answer) > 8 and answer not in known else []
            for text in texts:
                found += [
                    f"lessons/{source.name}: {name} shows students `{text}`, hidden in exercise "
                    f"{each.id}; hide another call"
                    for name, shown in places.items()
                    if "".join(text.split()) in shown
                ]
    return found


# The table of lessons


def headline(source: Path, lesson) -> tuple[str, str, str]:
    """Title, promise and minutes of a lesson, from its first cell."""
    first = lesson.cells[0]
    text = first.source if (role(first), first.cell_type) == ("setup", "markdown") else ""
    title = re.match(r"# (.+)", text)
    promise = re.search(r"^\*\*You will be able to:\*\* (.+?)(?=\n\n|\n\*\*|\Z)", text, re.M | re.S)
    minutes = re.search(r"^\*\*Minutes:\*\* (\d+)", text, re.M)
    wanted = "`# Title` on top, `**You will be able to:** ...` and `**Minutes:** 30` below"
    message = f"the first cell must be markdown tagged setup, with {wanted}"
    require(title and promise and minutes, source, first, message)
    return title[1], " ".join(promise[1].split()), minutes[1]


def lesson_table(root: Path, prefix: str = "") -> str:
    """The lessons as a Markdown table; `prefix` leads from the page to the root."""
    rows = ["| No. | Lesson | Afterwards you can | Minutes |", "| --: | --- | --- | --: |"]
    for source in lessons(root):
        parts = headline(source, read_cells(source, said=False))
        title, promise, minutes = (part.replace("|", r"\|") for part in parts)
        texts = (title, "exercises", "solutions")
        links = [f"[{t}]({prefix}{f}/{source.stem}.ipynb)" for t, f in zip(texts, FOLDERS)]
        rows.append(f"| {int(source.name[:2])} | {' · '.join(links)} | {promise} | {minutes} |")
    return "\n".join(rows)


def readme(root: Path) -> str:
    """README.md as it should be: with today's table of lessons between the two markers."""
    text = (root / "README.md").read_text(encoding="utf-8")
    between = re.compile(r"(?<=^<!-- lessons -->\n).*?(?=^<!-- /lessons -->$)", re.M | re.S)
    text, count = between.subn(lambda _: f"\n{lesson_table(root)}\n\n", text)
    if count != 1:
        raise LessonError(
            "README.md: write the lines `<!-- lessons -->` and `<!-- /lessons -->` once, where the "
            f"table of lessons belongs; found {count} such pairs"
        )
    return text


def pages(root: Path) -> dict[Path, str]:
    """README.md and the built pages of docs/, as they should be."""
    titles = {each: headline(each, read_cells(each, said=False))[0] for each in lessons(root)}
    try:
        return {root / "README.md": readme(root), **docs_pages(root, titles)}
    except (ValueError, OSError) as error:
        raise LessonError(f"docs/: {error}") from error


# Executing


def execute(source: Path, notebook, folder: str, **options) -> None:
    """Run the notebook in place, in its own folder as JupyterLab does, with its own exercises."""
    started = [notebook.cells[0]]  # a timeout or a dead kernel does not say in which cell
    client = NotebookClient(
        notebook,
        resources={"metadata": {"path": str(source.parents[1] / folder)}},
        extra_arguments=["--log-level=ERROR"],  # or every kernel warns that TCP is not encrypted
        record_timing=False,
        on_cell_start=lambda cell, cell_index: started.append(cell),
        **{"timeout": 600, **options},
    )
    inherited = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    try:
        index = {"LR_COURSE_EXERCISES": str(source.parents[1] / INDEX)}
        client.execute(env={**inherited, **ENVIRONMENT, **index})
    except (CellControlSignal, DeadKernelError) as error:
        require(False, source, started[-1], f"failed in {folder}/\n{error}")


def tidy(source: Path, notebook) -> None:
    """Drop from the outputs what changes from run to run; LessonError on what no one should get."""
    notebook.metadata = nbformat.from_dict(METADATA)  # execution adds the version of Python
    for cell in notebook.cells:
        outputs = join_streams(cell.get("outputs", []))
        for output in outputs:
            if output.get("name") == "stderr":
                output.text = NATIVE_LOG.sub("", output.text)
        outputs = join_streams([output for output in outputs if not is_noise(output)])
        for output in outputs:
            tidy_output(source, cell, output)
            check_output(source, cell, output)
        if cell.cell_type == "code":
            cell.outputs = outputs


def join_streams(outputs: list) -> list:
    """One output for what was printed in a row: where a kernel splits it depends on timing."""
    joined = []
    for output in outputs:
        if joined and "name" in output and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def is_noise(output) -> bool:
    """Whether the output is empty, or a bar that tqdm.auto shows in spite of TQDM_DISABLE."""
    plain = output.get("data", {}).get("text/plain", "")
    return output.get("text") == "" or bool(re.match(r" *\d+%\|", plain))


def tidy_output(source: Path, cell, output) -> None:
    if output.output_type == "error":
        # The frames name folders of this machine; the last line is what a lesson shows.
        output.traceback = [f"{output.ename}: {output.evalue}"]
    data = output.get("data", {})
    # The id of a live widget is random, and shows nothing without its kernel. A live panel is long,
    # and a notebook that nobody has run yet shows no scripts: both are kept as their picture.
    data.pop("application/vnd.jupyter.widget-view+json", None)
    if 'class="lr-panel"' in data.get("text/html", ""):
        del data["text/html"]
    for picture in [mime for mime in data if mime.startswith("image/")]:
        alt = cell.metadata.get("alt") or output.metadata.get(picture, {}).get("alt")
        require(alt, source, cell, 'a picture without alt text; add the option alt="what it shows"')
        # nbconvert reads alt here. JupyterLab 4.6 shows it nowhere, so it is also the plain text.
        output.metadata.setdefault(picture, {})["alt"] = alt
        data["text/plain"] = f"Figure: {alt}"


def check_output(source: Path, cell, output) -> None:
    def need(good, message):
        require(good, source, cell, message)

    if output.get("name") == "stderr":
        accepted = "stderr-ok" in cell.metadata.get("tags", [])
        need(accepted, f"stderr; silence it or add the tag stderr-ok\n{output.text}")
        need(role(cell) != "check", "stderr in a check, for which nbgrader gives 0 points")
    if output.output_type == "execute_result":
        need(role(cell) != "check", "nbgrader takes this value for the points; end it with `;`")
    texts = [value for mime, value in output.get("data", {}).items() if "image/" not in mime]
    lines = "\n".join(map(str, [*texts, output.get("text"), output.get("evalue")])).splitlines()
    folders = {f"{Path.home()}/", f"{tempfile.gettempdir()}/", "/tmp/", sys.prefix}
    folders.add(str(source.parents[1]))
    private = [line for line in lines if any(folder in line for folder in folders)]
    need(not private, f"the output names a folder of this machine; do not print it: {private[:1]}")
    addresses = [line for line in lines if re.search(r"\b0x[0-9a-fA-F]{8}", line)]
    need(not addresses, f"the output has a memory address, new in every run: {addresses[:1]}")


# Building


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)


def build(source: Path) -> None:
    """Write the three notebooks of one lesson."""
    if found := leaks(source):
        raise LessonError("\n".join(found))
    for folder in FOLDERS:
        started = time.perf_counter()
        path = source.parents[1] / folder / f"{source.stem}.ipynb"
        path.parent.mkdir(exist_ok=True)
        notebook = render(source, folder)
        if folder != "exercises":
            execute(source, notebook, folder)
            tidy(source, notebook)
        nbformat.validate(notebook)
        write(path, nbformat.writes(notebook) + "\n")
        print(f"{folder}/{path.name}  {time.perf_counter() - started:.1f} s", flush=True)


def stale(source: Path) -> list[str]:
    """What is out of date in the three notebooks of one lesson; outputs are not compared."""
    found = []
    for folder in FOLDERS:
        path = source.parents[1] / folder / f"{source.stem}.ipynb"
        if not path.exists():
            found.append(f"{folder}/{path.name} is missing")
            continue
        committed, fresh = nbformat.read(path, as_version=4), render(source, folder)
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
    """Built notebooks whose lesson is gone."""
    stems = {source.stem for source in lessons(root)}
    paths = (path for folder in FOLDERS for path in sorted((root / folder).glob("*.ipynb")))
    return [path for path in paths if path.stem not in stems]


def check(root: Path, sources: list[Path], everything: bool) -> int:
    found = [reason for source in sources for reason in stale(source)]
    if everything:
        found += [f"{path.relative_to(root)} has no lesson" for path in orphans(root)]
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
        if not options.lesson:
            for path, text in pages(root).items():
                path.parent.mkdir(exist_ok=True)
                write(path, text)
            for path in [] if options.pages else orphans(root):
                path.unlink()
                print(f"{path.relative_to(root)}  removed, its lesson is gone")
        (root / INDEX).parent.mkdir(exist_ok=True)
        write(root / INDEX, index)
        for source in [] if options.pages else sources:
            build(source)
    except LessonError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
