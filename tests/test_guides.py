"""The guides of docs/guides/: their commands and their Python are run, their links lead somewhere,
and every command, option, make target, minute, point and number in them is the one that there is.

A block that cannot be run has a comment `<!-- not run: why -->` before it. Commands run in folders
of their own; a class is the small one of grading.py. library.md and trainers.md have a process
each, because Lightning and transformers change warnings, loggers and seeds.
"""

import importlib.util
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import nbformat
import numpy as np
import pytest
from built import untouched
from grading import handed_out, submission, write_solutions, write_submission

from course_lib import cli
from course_lib.grade.walls.sandbox import detect

ROOT = Path(__file__).parents[1]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
NAMES = {
    "learner", "teacher", "author", "library", "trainers", "security", "instructor", "README"
}  # fmt: skip
BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<why>[^\n]*) -->\n\n)?```(?P<kind>\w*)\n(?P<code>.*?)^```$", re.M | re.S
)
MOST_NOT_RUN = 8
LESSON, SMALL = "01_fixed_rates", "09_small"  # the teacher's example, and what it is run with


@dataclass(frozen=True)
class Block:
    kind: str
    code: str
    why: str | None  # why it is not run

    @property
    def lines(self) -> list[str]:
        return [line for line in self.code.splitlines() if line.strip()]


def text(name: str) -> str:
    return (ROOT / "docs" / "guides" / f"{name}.md").read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """What stands under a heading of the second rank."""
    found = text(name).partition(f"\n## {heading}\n")[2]
    assert found, f"{name}.md has no heading {heading!r}: write the section, as its neighbours are"
    return re.split(r"^## ", found, maxsplit=1, flags=re.M)[0]


def blocks(words: str) -> list[Block]:
    return [Block(each["kind"], each["code"], each["why"]) for each in BLOCK.finditer(words)]


def all_blocks() -> list[tuple[str, Block]]:
    return [(path.stem, block) for path in GUIDES for block in blocks(text(path.stem))]


def prose(name: str) -> str:
    return BLOCK.sub("", text(name))


# --- what every guide keeps -----------------------------------------------------------------------


def test_the_guides_are_there():
    assert {path.stem for path in GUIDES} == NAMES


def test_few_blocks_are_not_run_and_each_says_why():
    kept = [(name, block) for name, block in all_blocks() if block.why is not None]
    comments = sum(text(path.stem).count("<!-- not run") for path in GUIDES)
    assert len(kept) == comments <= MOST_NOT_RUN, "a comment must stand right before its block"
    assert all(len(block.why.split()) >= 3 for _, block in kept)
    for name, block in all_blocks():
        assert block.kind in ("sh", "python"), f"{name}.md: a block is {block.kind or 'of no kind'}"
    fences = sum(len(re.findall(r"^\s*```", text(path.stem), re.M)) for path in GUIDES)
    assert fences == 2 * len(all_blocks())


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_every_link_leads_somewhere(path):
    links = re.findall(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)", prose(path.stem))
    assert links or path.stem == "learner"
    for link in links:
        if link.startswith("https://"):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        assert target.is_file(), f"{path.name}: {link} leads nowhere"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.M)
            assert anchor in map(slug, headings), f"{path.name}: {link} has no such heading"


def test_files_that_are_named_exist():
    for path in GUIDES:
        for named in re.findall(
            r"`((?:tests|course_lib|tools|benchmarks)/[\w/.]+)`", prose(path.stem)
        ):
            new = named in ("tests/answers/lesson_13.py", "course_lib/widgets/half_life.py")
            assert new or (ROOT / named).exists(), f"{path.name}: there is no {named}"


def commands(words: str) -> list[list[str]]:
    """Every command of a text, from its blocks and from its inline code."""
    lines = [line for block in blocks(words) if block.kind == "sh" for line in block.lines]
    lines += re.findall(r"`((?:lr-course|make|python) [^`]+)`", BLOCK.sub("", words))
    parts = [part for line in lines for part in line.split("&&")]
    return [found for part in parts if (found := shlex.split(part, comments=True))]


def parsers():
    """The parser of each verb of `lr-course`."""
    (verbs,) = (
        each for each in cli._parser()._actions if hasattr(each, "choices") and each.choices
    )
    return verbs.choices


def complaints(words: str, capsys) -> list[str]:
    """Commands of a text that the real parser or the Makefile refuses."""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
    options = {name for each in parsers().values() for name in each._option_string_actions}
    options |= {"--no-browser", "--port"}  # JupyterLab's
    wrong = [
        f"no verb takes {name}"
        for name in re.findall(r"`(--[\w-]+)[^`]*`", BLOCK.sub("", words))
        if name not in options
    ]
    for command in commands(words):
        if command[0] == "make" and len(command) > 1 and command[1] not in targets:
            wrong.append(f"make has no {command[1]}")
        if command[0] == "lr-course":
            alone = len(command) == 2 and command[1] in parsers()  # `lr-course check` in a sentence
            try:
                if not alone:
                    cli._parser().parse_args(command[1:])
            except SystemExit:
                wrong.append(f"{shlex.join(command)}: {capsys.readouterr().err}")
    return wrong


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_every_command_and_option_exists(path, capsys):
    assert complaints(text(path.stem), capsys) == []


def test_every_command_of_the_readme_exists(capsys):
    words = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(commands(words)) > 6 and complaints(words, capsys) == []


@pytest.mark.parametrize(
    "words, wrong",
    [
        ("```sh\nlr-course publish\n```\n", "publish"),
        ("```sh\nlr-course grade in --out o --fast\n```\n", "--fast"),
        ("Say `lr-course export results --excel`.", "--excel"),
        ("With `--excel FILE` it is a table.", "--excel"),
        ("```sh\nmake coffee\n```\n", "coffee"),
    ],
)
def test_a_command_that_is_not_there_is_found(words, wrong, capsys):
    (found,) = complaints(words, capsys)
    assert wrong in found


def asked_for_by_name(words: str) -> list[str]:
    """Lines that have pip install `lr-course` from a package index, where it is not."""
    return re.findall(r"^.*pip install [^\n`;&|#]*(?<![\w/.-])lr-course(?![\w-]).*$", words, re.M)


def test_nothing_asks_a_package_index_for_the_course():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("lessons/*.py")]
    pages += ROOT.glob("course_lib/**/*.py")
    assert len(pages) > 150
    found = {path.name: asked_for_by_name(path.read_text(encoding="utf-8")) for path in pages}
    assert {name: lines for name, lines in found.items() if lines} == {}
    assert asked_for_by_name('x\n`pip install "lr-course[trainers]"`') and asked_for_by_name(
        "python -m pip install lr-course"
    )
    assert asked_for_by_name('python -m pip install ".[torch]"; lr-course doctor') == []


def test_every_make_target_is_known_to_make():
    every = {c[1] for path in GUIDES for c in commands(text(path.stem)) if c[0] == "make" and c[1:]}
    assert {"lab", "test", "clean"} <= every
    for target in sorted(every):
        asked = subprocess.run(
            ["make", "--dry-run", target, "PYTHON=true", "VENV=/nowhere"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert asked.returncode == 0, asked.stderr


# --- running --------------------------------------------------------------------------------------


def python_of(words: str) -> list[str]:
    return [block.code for block in blocks(words) if block.kind == "python" and block.why is None]


def run_line(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    """Run a line of a shell block in a process of its own."""
    for part in line.split("&&"):
        words = shlex.split(part, comments=True)
        if words[0] == "cd":
            folder = folder / words[1]
            continue
        starts = {
            "python": [],
            "nbgrader": ["-m", "nbgrader"],
            "lr-course": ["-m", "course_lib.cli"],
        }
        assert words[0] in starts, f"the test of the guides does not know how to run {line!r}"
        done = subprocess.run(
            [sys.executable, *starts[words[0]], *words[1:]],
            cwd=folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
        )
    return done


def run_here(line: str, capsys, lesson: str = LESSON) -> tuple[int, str]:
    """Run a line of `lr-course` in this process; its status, and what it printed."""
    words = shlex.split(line.replace(LESSON, lesson), comments=True)[1:]
    if words[0] in ("grade", "verify") and detect() != "namespaces":
        words.append("--allow-weak-isolation")
    status = cli.main(words)
    return status, capsys.readouterr().out


# --- learner, security ----------------------------------------------------------------------------


def test_learner(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LR_COURSE_PROGRESS", str(tmp_path / "notes" / "progress.json"))
    untouched(f"exercises/{LESSON}.ipynb")
    shutil.copytree(ROOT / "exercises", tmp_path / "exercises")
    said = {}
    names: dict = {"__name__": "learner"}
    for block in blocks(text("learner")):
        if block.why is not None:
            continue
        if block.kind == "python":
            exec(compile(block.code, "learner.md", "exec"), names)
        for line in block.lines if block.kind == "sh" else []:
            status, said[line.split()[1]] = run_here(line, capsys)
            # Nothing is solved there, and the images may be stand-ins: both are said with a 1.
            allowed = {"check": {1}, "data": {0, 1}}.get(line.split()[1], {0})
            assert status in allowed, line
    assert said.keys() == {"data", "check", "explore", "reproduce"}
    assert said["check"].endswith("0 of 4 right\n")
    assert "<html" in Path("explorer.html").read_text(encoding="utf-8")
    cosine = names["recipes"].read_schedule("cosine(peak_lr=0.3, total_steps=20)")
    assert names["run"].lr == cosine.values(20)
    kept = json.loads((tmp_path / "notes" / "predictions.json").read_text())
    assert "5.z" not in json.dumps(kept)  # it was forgotten, and lay where the guide says
    assert not any(path.name == "progress.json" for path in tmp_path.glob("*"))


def test_security(capsys):
    (block,) = (each for each in blocks(text("security")) if each.why is None)
    status, said = run_here(block.code.strip(), capsys)
    last = said.splitlines()[-1]
    assert last.split()[1] == "isolation" and f"{detect()}:" in last
    assert status in (0, 1)


def test_security_counts_the_tests_that_there_are():
    import test_grade_faults
    import test_grade_sandbox

    rows = re.findall(r"\| (\d+) \| `([A-Z]+)` in `tests/(\w+)\.py` \|", text("security"))
    assert len(rows) == 5
    modules = {"test_grade_faults": test_grade_faults, "test_grade_sandbox": test_grade_sandbox}
    for count, name, module in rows:
        assert len(getattr(modules[module], name)) == int(count), f"{module}.{name}"


# --- teacher --------------------------------------------------------------------------------------


@pytest.fixture
def class_room(tmp_path, monkeypatch):
    """A folder with solutions/ and submissions/ of a small class; commands run in it."""
    monkeypatch.chdir(tmp_path)
    scripts = Path(sys.executable).parent  # nbgrader calls alembic, which is beside python
    monkeypatch.setenv("PATH", f"{scripts}{os.pathsep}{os.environ['PATH']}")
    write_solutions(tmp_path / "solutions")
    (tmp_path / "exercises").mkdir()
    nbformat.write(handed_out(), tmp_path / "exercises" / f"{SMALL}.ipynb")
    anna = submission()
    (words,) = (cell for cell in anna.cells if "YOUR ANSWER HERE" in cell.source)
    words.source = "The ground is steep at first."
    write_submission(tmp_path / "submissions", "anna", anna)
    write_submission(tmp_path / "submissions", "bob", submission(warm=None, why="It climbs."))
    return tmp_path


def test_teacher(class_room, capsys):
    done = []
    names: dict = {"__name__": "teacher"}
    for block in blocks(text("teacher")):
        if block.why is not None:
            continue
        if block.kind == "python":
            exec(compile(block.code.replace(LESSON, SMALL), "teacher.md", "exec"), names)
        for line in block.lines if block.kind == "sh" else []:
            line = line.replace(LESSON, SMALL)
            if "grade course/submitted" in line:  # what `nbgrader collect` would have fetched
                for name in ("anna", "bob"):
                    sent = class_room / "submissions" / name / f"{SMALL}.ipynb"
                    folder = class_room / "course" / "submitted" / name / SMALL
                    folder.mkdir(parents=True)
                    shutil.copy(sent, folder)
            if line.startswith("lr-course"):
                status, said = run_here(line, capsys, SMALL)
                wanted = {0, 1} if "doctor" in line else {0}
                assert status in wanted, f"{line}\n{said}"
            else:
                ran = run_line(line, class_room)
                assert ran.returncode == 0, f"{line}\n{ran.stderr}"
            done.append(line.split()[1])
            if line.endswith("--long"):
                mark_by_hand(class_room / "questions.csv", {"anna": 4, "bob": 3})
    # 5 or 3 of the grader's 5 points, and 4 or 3 of the 4 by hand: who is perfect gets 100 %.
    _, *given = (class_room / "platform.csv").read_text().splitlines()
    assert given == ["anna@example.org,100.0", f"bob@example.org,{600 / 9}"]
    _, *pages = (class_room / "pages.csv").read_text().splitlines()
    assert [page.partition(",")[0] for page in pages] == ["anna@example.org", "bob@example.org"]
    for page in pages:
        name, path = page.partition("@")[0], Path(page.partition(",")[2])
        assert f"Results of {name}</h1>" in path.read_text(encoding="utf-8")
    assert "anna" in (class_room / "results" / "report" / "index.html").read_text(encoding="utf-8")
    pages = class_room.glob("results/report/*/*.html"), class_room.glob("results/report/*.html")
    assert any("The ground is steep" in page.read_text() for each in pages for page in each)
    feedback = class_room / "course" / "feedback" / "anna" / SMALL / f"{SMALL}.html"
    assert "(Score: 5.0 / 9.0)" in feedback.read_text(encoding="utf-8")
    assert {"verify", "release", "grade", "report", "export", "course"} <= {*done}


def mark_by_hand(path: Path, points: dict[str, int]) -> None:
    """Give each student so many points for what waits for a person, as in a spreadsheet."""
    import csv

    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows].count("manual") == 2
    for row in rows:
        row["mark"] = points[row["name"]] if row["status"] == "manual" else ""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)


def number(words: str) -> float:
    return float(words.replace(",", ""))


def test_teacher_hands_out_the_lessons_that_the_exercises_refer_to():
    exercises = [path.read_text(encoding="utf-8") for path in (ROOT / "exercises").glob("*.ipynb")]
    assert any(re.search(r"\bsection \d", each) for each in exercises)
    said = section("teacher", "Hand out")
    assert "`notebooks/`" in said
    lessons = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "notebooks").glob("*.ipynb"))
    for name in set(re.findall(r"\(\.\./docs/([\w./]+)", lessons)):
        page = (ROOT / "docs" / name).read_text(encoding="utf-8")
        for each in (name, *re.findall(r"\]\(([\w.-]+)[)#]", page)):  # its pictures, too
            assert f"`{each}`" in said, each


def test_teacher_quotes_the_benchmark():
    measured = (ROOT / "benchmarks" / "grading.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+): ours, --jobs (\d) \|(.*)\|$", measured, re.M)
    known = {}
    for notebook, jobs, rest in rows:
        cells = [cell.strip() for cell in rest.split("|")]
        assert cells[4] == "20 x 3"
        each, start = (float(cell.split()[0]) for cell in cells[:2])
        known[notebook, int(jobs)] = each, start, number(cells[3])
    quoted = re.findall(
        r"^\| (\w+)[^|]* \| (\d) \| ([\d.]+) \| ([\d.]+) \| ([\d,]+) \|$", text("teacher"), re.M
    )
    assert {(n, int(j)) for n, j, *_ in quoted} == {("schedules", 1), ("schedules", 2),
                                                    ("fit", 1), ("fit", 2)}  # fmt: skip
    for notebook, jobs, *numbers in quoted:
        assert tuple(map(number, numbers)) == known[notebook, int(jobs)], (notebook, jobs)
    assert "AMD EPYC, 2 cores, Linux" in measured and "AMD EPYC, 2 cores, Linux" in text("teacher")
    said = " ".join(text("teacher").split())
    for shared in ("175 s", "1,000", "--cell-seconds 5 --total-seconds 30 --memory-mb 512"):
        assert shared in measured and shared in said
    allowed = {value for row in known.values() for value in row}
    sums = arithmetic()
    assert len(sums) == 10
    for line, left, right in sums:
        value = eval(left.replace(" x ", "*"))
        assert round(value, 1) == float(right), f"{line}: it is {round(value, 1)}"
        inputs = {float(each) for each in re.findall(r"[\d.]+", left)}
        plain = {300, 3900, 15, 120, 30, 2, 64, 100_000, 15_900, 56_300}
        assert inputs <= allowed | plain, f"{line}: a number from nowhere"


def test_teacher_quotes_the_times_and_memory_of_a_students_machine():
    words = section("teacher", "What a student's machine needs")
    measured = (ROOT / "benchmarks" / "results.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d\d_\w+ \| (\d+) s \| (\d+) s \|", measured, re.M)
    seconds = [int(each) for row in rows for each in row]
    assert len(rows) == 13 and f"{min(seconds)} to {max(seconds)} s for all cells" in words
    (memory,) = re.findall(r"took ([\d,]+) MB", words)
    assert re.search(rf"^\| schedules .* \| 1 \| .* \| {memory} \|$", text("teacher"), re.M)
    assert "2 to 4 GB" in words and "2 to 4 GB" in (ROOT / "Makefile").read_text()


def arithmetic() -> list[tuple[str, str, str]]:
    """Lines such as `- a class: 9.6 + 300 x 0.083 = 34.5 s`: the line, its two sides."""
    found = []
    for part in text("teacher").split("<!-- arithmetic -->\n\n")[1:]:
        for line in part.split("\n\n")[0].splitlines():
            left, right = re.fullmatch(r"- .+: ([\d.+x/ ]+) = ([\d.]+) \w+", line).groups()
            found.append((line, left, right))
    return found


# --- instructor -----------------------------------------------------------------------------------


def lessons() -> dict[int, SimpleNamespace]:
    """From each lesson: its title, minutes and headings, and its exercises."""
    sys.path.insert(0, str(ROOT / "tools"))
    import build_notebooks as builder
    import lesson_cells
    import lesson_rules

    found = {}
    for source in builder.lessons(ROOT):
        lesson = lesson_cells.read_cells(source, said=False)
        title, _, minutes = lesson_rules.headline(source, lesson)
        headings, exercises = [], []
        for cell in lesson.cells:
            if cell.cell_type != "markdown":
                continue
            if lesson_cells.role(cell) in (None, "setup"):
                headings += re.findall(r"^## (.+)$", cell.source, re.M)
            elif lesson_cells.role(cell) == "exercise":
                for id, name, kind, points, about in re.findall(
                    r"^### Exercise (\S+) - (.+) \((\w+), (\d+) points?, about (\d+) minutes\)$",
                    cell.source,
                    re.M,
                ):
                    by_hand = lesson_cells.is_question(cell)
                    exercises.append((id, name, kind, int(points), int(about), by_hand))
        found[int(source.name[:2])] = SimpleNamespace(
            title=title, minutes=int(minutes), headings=headings, exercises=exercises
        )
    return found


@pytest.mark.parametrize("number, lesson", lessons().items())
def test_instructor_shares_out_the_minutes_of_the_lesson(number, lesson):
    words = section("instructor", f"Lesson {number}")
    assert f"**{lesson.title}**, {lesson.minutes} minutes." in words
    rows = re.findall(r"^\| (.+) \| (\d+) \|$", words.partition("Exercises, ")[0], re.M)
    assert [heading for heading, _ in rows] == ["Opening", *lesson.headings]
    minutes = [int(each) for _, each in rows]
    assert min(minutes) >= 1 and sum(minutes) == lesson.minutes
    table = words.partition("Exercises, ")[2].partition("Common mistakes:")[0]
    rows = re.findall(r"^\| (\S+) (.+) \| (\w+)(, by hand)? \| (\d+) \| (\d+) \|$", table, re.M)
    assert [(i, n, k, int(p), int(m), bool(h)) for i, n, k, h, p, m in rows] == lesson.exercises
    assert table.startswith(f"{sum(each[4] for each in lesson.exercises)} minutes:")
    mistakes = words.partition("Common mistakes:")[2].partition("**The open question.**")[0]
    ids = {each[0] for each in lesson.exercises if not each[5]}
    assert set(re.findall(r"^- \*\*(.+?)\*\*", mistakes, re.M)) == ids
    assert len(words.partition("**The open question.**")[2].split()) > 50


def test_instructor_adds_up():
    rows = re.findall(
        r"^\| ?(\d*) \| .+? \| (\d+) \| (\d+) \| (\d+) \| (\d*) \|$", text("instructor"), re.M
    )
    *each, total = [[int(cell or 0) for cell in row] for row in rows]
    known = lessons()
    index = json.loads((ROOT / "course_lib" / "exercises.json").read_text(encoding="utf-8"))
    for number, minutes, exercises, points, by_hand in each:
        found = known.pop(number)
        assert minutes == found.minutes
        assert exercises == sum(e[4] for e in found.exercises)
        assert points == sum(e[3] for e in found.exercises)
        assert by_hand == sum(e[3] for e in found.exercises if e[5])
        graded = [e["points"] for id, e in index.items() if id.partition(".")[0] == str(number)]
        assert points == by_hand + sum(graded)
    assert not known, f"the table of minutes in instructor.md lacks {[*known]}"
    assert total[1:] == [sum(column) for column in zip(*(row[1:] for row in each))]
    # What the learner is told: rounded, a lesson, with its exercises, and all of them.
    alone, whole = [row[1] for row in each], [row[1] + row[2] for row in each]
    words = " ".join(prose("learner").split())
    assert f"A lesson takes {min(alone)} to {max(alone)} minutes" in words
    assert f"plan {min(whole) // 5 * 5} to {-(-max(whole) // 5) * 5} minutes" in words
    assert f"about {round(sum(whole) / 60)} hours" in words


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_instructor_has_each_prediction_with_its_outcome_in_the_notebook(path):
    untouched(f"notebooks/{path.name}")
    asked, outcomes = {}, {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for call in re.finditer(r'\bpredict\(\s*"(\S+)",\s*"(.+?)",\s', "".join(cell["source"])):
            asked[call[1]] = call[2]
        for each in cell.get("outputs", ()):
            shown = "".join(each.get("text") or each.get("data", {}).get("text/plain", ""))
            outcomes.update(re.findall(r"^Outcome (\S+): (.+)\.$", shown, re.M))
    words = section("instructor", f"Lesson {int(path.name[:2])}")
    listed = words.partition("\nPredictions:\n\n")[2].partition("\n\n")[0].splitlines()
    assert listed == [f"- **{id}** {asked[id]} *{outcomes[id]}*" for id in asked]
    assert listed


def needs() -> dict[int, set[int]]:
    """The lessons that each lesson names under "You need"."""
    found = {}
    for path in sorted((ROOT / "lessons").glob("[0-9]*.py")):
        said = path.read_text(encoding="utf-8").partition("**You need:**")[2].partition("**")[0]
        said = " ".join(said.replace("#", " ").split())
        found[int(path.name[:2])] = needed = set()
        for places in re.findall(
            r"lessons? (\d+(?:(?:, | and | to )\d+|(?: \([^)]*\)) and \d+)*)", said
        ):
            places = re.sub(r" \([^)]*\)", "", places)
            first, _, last = places.partition(" to ")
            numbers = re.findall(r"\d+", places)
            needed |= set(range(int(first), int(last) + 1)) if last else set(map(int, numbers))
        for other in re.findall(r", lesson (\d+)", said):
            needed.add(int(other))
    return found


def test_instructor_plans_the_term():
    words, known, before = section("instructor", "A plan for the term"), lessons(), needs()
    heads, listed = (
        [cell.strip() for cell in re.search(rf"^\| {name} \|(.*)\|$", words, re.M)[1].split("|")]
        for name in ("Lesson", "needs")
    )
    missing = known.keys() - {0, *map(int, heads)}
    assert before[0] == set() and not missing, f"the table 'needs' of instructor.md lacks {missing}"
    for number, said in zip(map(int, heads), listed):
        first, _, last = said.partition(" to ")
        said = range(int(first), int(last) + 1) if last else map(int, said.split(", "))
        assert set(said) == before[number], number
    rows = re.findall(r"^\| (\d+) \| (.+) \| (.+) \| (\d+) \| (\d+) \| (\d+) \|$", words, re.M)
    assert [int(row[0]) for row in rows] == [4, 8, 13]
    for weeks, plan, out, minutes, exercises, points in rows:
        sessions = [[int(each) for each in week.split(" and ")] for week in plan.split("; ")]
        assert len(sessions) == int(weeks)
        taken = [number for session in sessions for number in session]
        assert known.keys() - set(taken) == {int(each) for each in re.findall(r"\d+", out)}
        for place, number in enumerate(taken):
            assert before[number] <= set(taken[:place]), f"{weeks} weeks: {number} comes too early"
        for session in sessions:
            assert sum(known[number].minutes for number in session) <= 90
        assert int(minutes) == sum(known[number].minutes for number in taken)
        asked = [each for number in taken for each in known[number].exercises]
        assert int(exercises) == sum(each[4] for each in asked)
        assert int(points) == sum(each[3] for each in asked)


def test_instructor_says_how_to_win_time_in_a_session_of_two_lessons():
    words = section("instructor", "A plan for the term")
    plans = re.findall(r"^\| \d+ \| (.+?; .+?) \|", words, re.M)
    full = {week for plan in plans for week in plan.split("; ") if " and " in week}
    rows = re.findall(r"^\| (\d+ and \d+) \| (lesson .+) \| (\d+) \|$", words, re.M)
    assert {session for session, _, _ in rows} == full
    for session, left, won in rows:
        saved = 0
        for number, sections in re.findall(r"lesson (\d+): ([\d, ]+)", left):
            assert number in session.split(" and ")
            for each in sections.split(", "):
                table = section("instructor", f"Lesson {number}")
                saved += int(re.search(rf"^\| {each}\. .+ \| (\d+) \|$", table, re.M)[1])
        assert saved == int(won)


def test_every_written_exercise_has_a_rubric_of_its_points():
    written = {e[0]: e for each in lessons().values() for e in each.exercises if e[5]}
    parts = re.split(r"^### ", section("instructor", "Rubrics"), flags=re.M)[1:]
    assert {part.split()[0] for part in parts} == written.keys()
    assert f"{['No', 'One', 'Two', 'Three', 'Four'][len(written)]} questions" in text("teacher")
    for part in parts:
        id, name, _, points, _, _ = written[part.split()[0]]
        assert part.startswith(f"{id} {name} ({points} points)\n")
        assert sum(map(float, re.findall(r"^\| ([\d.]+) \|", part, re.M))) == points


# --- author ---------------------------------------------------------------------------------------


def python_blocks(heading: str) -> list[str]:
    return [block.code for block in blocks(section("author", heading)) if block.kind == "python"]


def shell_lines(heading: str) -> list[str]:
    found = [block for block in blocks(section("author", heading)) if block.kind == "sh"]
    return [line for block in found for line in block.lines]


@pytest.fixture
def copy(tmp_path):
    """A copy of what the examples change: the package, its tests, the tools."""
    for name in ("course_lib", "tests", "tools"):
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skipped)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("lessons", "notebooks", "exercises", "solutions"):
        (tmp_path / name).mkdir()
    return tmp_path


def edit(path: Path, change) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def at_the_end_of(name: str, entry: str):
    """A change of a file: the entry becomes the last one of this dictionary or list."""

    def change(words: str) -> str:
        start = words.index(f"\n{name}")
        end = re.compile(r"^[}\]]$", re.M).search(words, start).start()
        return words[:end] + entry + words[end:]

    return change


@pytest.mark.slow
def test_author_adds_a_schedule(copy):
    formula, line, golden = python_blocks("A schedule")
    edit(copy / "course_lib" / "formulas" / "decays.py", lambda words: f"{words}\n\n{formula}")
    edit(copy / "course_lib" / "schedules.py", at_the_end_of("GALLERY", line))
    # Two edits are all it takes: what walks GALLERY is green before the numbers are kept.
    everywhere = ["rosetta", "recipes", "widgets", "plots", "explore_command", "lab"]
    (copy / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "rosetta.md", copy / "docs")
    walks = "quarter_circle or gallery or row or page or look or list or entry"
    files = " ".join(f"tests/test_{each}.py" for each in everywhere)
    ran = run_line(f"python -m pytest -q -x {files} -k '{walks}'", copy, PYTHONPATH=str(copy))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    test = copy / "tests" / "test_schedules.py"
    edit(test, at_the_end_of("GOLDEN", golden))
    edit(
        test,
        lambda words: words.replace("    product,\n", "    product,\n    quarter_circle,\n", 1),
    )
    shown = "from course_lib.rosetta import table; print(table())"
    for each in [*shell_lines("A schedule"), f"python -c '{shown}'"]:
        ran = run_line(each, copy, PYTHONPATH=str(copy))
        assert ran.returncode == 0, f"{each}\n{ran.stdout}{ran.stderr}"
        if "pytest" in each:
            assert int(re.search(r"(\d+) passed", ran.stdout)[1]) > 2
    assert "| quarter_circle | `quarter_circle(peak_lr, total_steps)` | - |" in ran.stdout
    assert "quarter_circle" in (copy / "quarter_circle.html").read_text(encoding="utf-8")


def test_author_adds_a_lesson_with_an_exercise(copy):
    (lesson,), (exercise,) = python_blocks("A lesson"), python_blocks("An exercise")
    (copy / "lessons" / "13_halves.py").write_text(f"{lesson}\n{exercise}", encoding="utf-8")
    lines = shell_lines("An exercise")
    assert shell_lines("A lesson") == lines[:1]  # the same command: it is run once, with both
    for line in lines:
        if line.startswith("lr-course verify") and detect() != "namespaces":
            line += " --allow-weak-isolation"
        ran = run_line(line, copy, PYTHONPATH=str(copy))
        assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
    assert ran.stdout.endswith("all is well\n")
    built = nbformat.read(copy / "notebooks" / "13_halves.ipynb", as_version=4)
    assert [cell.outputs[0].text for cell in built.cells if cell.get("outputs")] == ["0.1\n"]
    handout = (copy / "exercises" / "13_halves.ipynb").read_text(encoding="utf-8")
    assert "YOUR CODE HERE" in handout and "0.5 ** (step // every)" not in handout


def test_author_adds_a_widget(tmp_path, monkeypatch):
    path = tmp_path / "half_life.py"  # a file, because a panel translates its own source
    path.write_text(python_blocks("A widget")[0], encoding="utf-8")
    spec = importlib.util.spec_from_file_location("half_life", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "half_life", module)
    spec.loader.exec_module(module)
    assert "view_half_life" in module.page and "Half-life" in module.page
    panel = module.half_life()
    assert (panel.reached, panel.at(every=10).reached) == (False, True)
    assert "every=50" in panel.report and panel.svg().startswith("<svg")


# --- library, trainers ----------------------------------------------------------------------------

# Runs the sections, then each broken variant of a section. Writes down who asked for a network, the
# line on which each variant failed, and what these expressions are worth.
SESSION = """
import json, os, sys, traceback

asked, starts, failed = [], {}, {}


def offline(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        asked.append(repr(arguments))
        raise OSError("there is no network in this test")


def run(blocks, names):
    for number, code in enumerate(blocks):
        exec(compile(code, str(number), "exec"), names)


sys.addaudithook(offline)
job, names = json.load(sys.stdin), {"__name__": "library"}
for heading, blocks in job["sections"].items():
    starts[heading] = dict(names)
    run(blocks, names)
worth = {each: eval(each, names) for each in job["expressions"]}

nowhere = os.open(os.devnull, os.O_WRONLY)
os.dup2(nowhere, 1), os.dup2(nowhere, 2)  # what is broken may complain
for heading, line, blocks in job["broken"]:
    try:
        run(blocks, dict(starts[heading]))
    except AssertionError as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        failed[line] = blocks[int(last.filename)].splitlines()[last.lineno - 1]
with open("said.json", "w") as file:
    json.dump({"asked": asked, "failed": failed, "worth": worth}, file)
"""
EXPRESSIONS = (
    "schedule.values(8)",
    "slow.values(8)",
    "torch_rates",
    "accumulated_rates",
    "after_finder",
    "resumed_rates",
    "keras_rates.seen",
    "keras_resumed.seen",
    "keras_accumulated.seen",
    "keras_groups.seen",
    "groups_resumed.seen",
    "plateau_state['lr']",
    "found.stopped",
)
# What is changed in the blocks of a section, and the beginning of the line that must notice it.
BROKEN = {
    "Keras": [
        ('".*backbone/.*"', '"backbone/.*"', "assert [tuple(each) for each in keras_groups.seen]"),
        (
            "groups_resumed = GroupRates()",
            "model, groups_resumed = new_groups(), GroupRates()",
            "assert [tuple(each) for each in groups_resumed.seen]",
        ),
    ],
    "Lightning": [
        ('"interval": "step"', '"interval": "epoch"', "assert whole.rates"),
        ("accumulate_grad_batches=2", "accumulate_grad_batches=1", "assert accumulated.rates"),
        (', ckpt_path="lightning.ckpt"', "", "assert second.rates"),
        ('.update(self.trainer.callback_metrics["val_loss"])', "", "assert [cut.rates"),
    ],
    "transformers": [
        ("(optimizer, scheduler_of(optimizer))", "(optimizer, None)", "assert seen.rates"),
        ('resume_from_checkpoint="trainer/checkpoint-4"', "", "assert resumed.rates"),
        ("gradient_accumulation_steps=2", "gradient_accumulation_steps=1", "assert fewer.rates"),
        ('kwargs["lr_scheduler"].update(1.0)', "pass", "assert listening.rates"),
        ("def create_scheduler(", "def create_optimizer_and_scheduler(", "assert own.rates"),
    ],
    "accelerate": [
        ("if accelerator.sync_gradients:", "if True:", "assert accelerate_rates"),
        ('accelerator.load_state("accelerated")', "", "assert accelerate_resumed"),
    ],
}
# The guides that run, the headings whose blocks are broken, and what they leave behind.
LIBRARY = {"library": ["Keras"], "trainers": ["Lightning", "transformers", "accelerate"]}
LEFT = {
    "library": {"run.pt", "run.keras", "plateau.json", "groups.keras"},
    "trainers": {"lightning.ckpt", "trainer", "accelerated"},
}


def session(name: str, folder: Path, home: Path, expressions=()) -> SimpleNamespace:
    """What was noted down when a guide ran, from its first block to its last, in one process."""
    headings = re.findall(r"^## (.+)$", text(name), re.M)
    sections = {"": python_of(text(name).partition("\n## ")[0])}
    sections |= {heading: python_of(section(name, heading)) for heading in headings}
    broken = []
    for heading in LIBRARY[name]:
        words = section(name, heading)
        for old, changed, line in BROKEN[heading]:
            assert old in words, f"{name}.md no longer says {old}"
            broken.append((heading, line, python_of(words.replace(old, changed))))
    fonts = {"MPLCONFIGDIR": matplotlib.get_cachedir()}  # else they are looked for in a new home
    ran = subprocess.run(
        [sys.executable, "-c", SESSION],
        input=json.dumps({"sections": sections, "expressions": expressions, "broken": broken}),
        cwd=folder,
        env={**os.environ, **fonts, "HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    said = json.loads((folder / "said.json").read_text())
    prints = sum(code.count("print(") for codes in sections.values() for code in codes)
    left = {path.name for path in [*folder.iterdir(), *home.iterdir()]}
    return SimpleNamespace(**said, name=name, ran=ran, prints=prints, left=left)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return session(
        "library", tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("home"), EXPRESSIONS
    )


@pytest.fixture(scope="module")
def trainers(tmp_path_factory):
    return session("trainers", tmp_path_factory.mktemp("b"), tmp_path_factory.mktemp("home"))


def test_the_ten_lines_of_the_readme_run():
    words = (ROOT / "README.md").read_text(encoding="utf-8").partition("## The library in ten")[2]
    (code,) = python_of(words)
    names: dict = {"__name__": "readme"}
    exec(compile(code, "README.md", "exec"), names)
    assert names["run"].lr == names["schedule"].values(len(names["run"].lr))


def test_library_pytorch_and_keras(library):
    worth = library.worth
    rates = worth["schedule.values(8)"]
    assert len(rates) == 8
    for name in ("torch_rates", "accumulated_rates", "after_finder"):
        assert worth[name] == rates
    assert worth["resumed_rates"] == rates[5:]
    single = np.float32(rates).tolist()
    assert worth["keras_rates.seen"] == single
    assert worth["keras_resumed.seen"] == single[5:]
    assert worth["keras_accumulated.seen"][::4] == single
    assert len(worth["keras_accumulated.seen"]) == 32
    pairs = [[rate, rate_of_head] for rate, rate_of_head in zip(worth["slow.values(8)"], rates)]
    groups = [np.float32(pair).tolist() for pair in pairs]
    assert worth["keras_groups.seen"] == groups and worth["groups_resumed.seen"] == groups[5:]
    assert worth["plateau_state['lr']"] <= 0.1
    assert worth["found.stopped"] in ("end", "diverged", "not finite")


@pytest.mark.parametrize("how", ["eager", "tf.function", "XLA"])
def test_the_groups_of_keras_move_each_weight_by_its_own_rate(how):
    """Read off the weights: with gradient 1, an update moves a weight by the rate applied to it."""
    import tensorflow as tf

    words = text("library").partition("\n## ")[0] + section("library", "Keras")
    every = python_of(words)
    (groups,) = (number for number, code in enumerate(every) if "def new_groups" in code)
    names: dict = {"__name__": "library"}
    for code in (every[0], every[1], every[groups].partition("\n\nplanned")[0]):
        exec(compile(code, "library.md", "exec"), names)
    model = names["new_groups"]()
    weights = model.trainable_variables
    assert ["backbone" in weight.path for weight in weights] == [True, True, False, False]
    ones = [tf.ones(weight.shape) for weight in weights]

    def update():
        model.optimizer.apply(ones, weights)

    made = update if how == "eager" else tf.function(update, jit_compile=how == "XLA")
    model.optimizer.build(weights)
    for step in range(names["UPDATES"]):
        for weight in weights:
            weight.assign(tf.zeros(weight.shape))
        made()
        planned = np.float32([names[each](step) for each in ("slow", "schedule")])
        for weight in weights:
            rate = planned[0 if "backbone" in weight.path else 1]
            assert np.array_equal(weight.numpy(), np.full(weight.shape, -rate)), (weight.path, step)


# accelerate asks how many processes there are; this says one, then two, and starts none.
PREPARED = """
from types import SimpleNamespace

import accelerate
import torch

from course_lib.pytorch import TorchSchedule

accelerator = accelerate.Accelerator(cpu=True)
for processes in (1, 2):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    schedule = TorchSchedule(optimizer, lambda t: float(t))
    optimizer, scheduler = accelerator.prepare(optimizer, schedule)
    accelerate.scheduler.AcceleratorState = lambda: SimpleNamespace(num_processes=processes)
    for _ in range(4):
        print(int(optimizer.param_groups[0]["lr"]), end=" ")
        optimizer.step()
        scheduler.step()
"""


def test_a_scheduler_that_accelerate_prepared_steps_once_per_process():
    ran = subprocess.run([sys.executable, "-c", PREPARED], capture_output=True, text=True)
    assert ran.returncode == 0 and ran.stdout == "0 1 2 3 0 2 4 6 ", ran.stdout + ran.stderr
    words = " ".join(section("trainers", "accelerate").split())
    assert "the updates 0, 1, 2, 3 got the rates 0, 2, 4, 6 of the schedule" in words


DECAY, FIVE = 0.3, [np.random.default_rng(seed).normal(size=(3, 2)) for seed in range(5)]


def decayed(update, gradients=FIVE, decoupled=False, coupled=False) -> np.ndarray:
    """Weights after some updates; here with the decay of `update` itself, or one of these."""
    weights = np.ones((3, 2))
    for gradient in gradients:
        weights = weights * (1 - 0.01 * DECAY) if decoupled else weights
        weights = update(weights, gradient + DECAY * weights if coupled else gradient)
    return weights


def in_torch(cls, decay, **options):
    import torch

    weight = torch.nn.Parameter(torch.ones(3, 2, dtype=torch.float64))
    optimizer = cls([weight], lr=0.01, weight_decay=decay, **options)

    def update(weights, gradient):
        weight.data = torch.tensor(weights)
        weight.grad = torch.tensor(gradient)
        optimizer.step()
        return weight.detach().numpy().copy()

    return update


def in_keras(cls, decay):
    import keras

    weight = keras.Variable(np.ones((3, 2), np.float32))  # Keras's Muon takes no float64
    optimizer = cls(0.01, weight_decay=decay)
    optimizer.build([weight])

    def update(weights, gradient):
        weight.assign(weights)
        optimizer.apply([keras.ops.convert_to_tensor(np.float32(gradient))], [weight])
        return weight.numpy().copy()

    return update


def kinds(module, base) -> dict[str, type]:
    """The optimizers of a framework that take a weight decay."""
    found = {name: each for name, each in vars(module).items() if isinstance(each, type)}
    return {
        name: each
        for name, each in found.items()
        if issubclass(each, base) and "weight_decay" in inspect.signature(each).parameters
    }


def test_library_says_which_optimizers_decouple_weight_decay():
    import keras
    import torch

    (said,) = re.findall(r"^\| weight decay \| (.+) \|$", text("library"), re.M)
    always, asked = said.partition("in PyTorch ")[2].split(" do, and ")
    found = kinds(torch.optim, torch.optim.Optimizer)
    other = {
        name
        for name, each in found.items()
        if not np.allclose(
            decayed(in_torch(each, DECAY)), decayed(in_torch(each, 0), coupled=True), atol=1e-7
        )
    }
    assert other == set(re.findall(r"[A-Z]\w+", always)) and len(found) > 10
    flag = "decoupled_weight_decay"
    able = {name for name, each in found.items() if flag in inspect.signature(each).parameters}
    names, _, how = asked.partition(" with ")
    assert able == set(re.findall(r"[A-Z]\w+", names)) and how == f"`{flag}=True`"
    for name in able:
        decoupled = decayed(in_torch(found[name], 0, **{flag: True}), decoupled=True)
        assert np.allclose(decayed(in_torch(found[name], DECAY, **{flag: True})), decoupled)
    assert said.partition(";")[0].endswith("every Keras optimizer decouples it")
    wrappers = {"Optimizer", "LossScaleOptimizer"}
    every = {
        name: each
        for name, each in kinds(keras.optimizers, keras.optimizers.Optimizer).items()
        if name not in wrappers
    }
    assert len(every) > 10
    for name, each in every.items():
        decoupled = decayed(in_keras(each, 0.0), decoupled=True)
        assert np.allclose(decayed(in_keras(each, DECAY)), decoupled, atol=1e-5), name


@pytest.mark.parametrize("name", LIBRARY)
def test_library_is_quiet_offline_and_tidy(name, request):
    made = request.getfixturevalue(name)
    assert made.asked == []
    assert len(made.ran.stdout.splitlines()) == made.prints
    assert made.ran.stderr == ""
    # As the blocks name them; and Keras's own settings.
    assert made.left - {".keras"} == {*LEFT[name], "said.json"}


@pytest.mark.parametrize(
    "name, heading", [(name, heading) for name, each in LIBRARY.items() for heading in each]
)
def test_library_checks_every_rate_itself(name, heading, request):
    """What the reader sees is what is tested: a variant with another rate fails in the blocks."""
    failed = request.getfixturevalue(name).failed
    for _, _, line in BROKEN[heading]:
        assert failed.get(line, "nothing failed").startswith(line)


def test_library_names_the_versions_that_are_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    said = section("trainers", "Lightning") + section("trainers", "transformers")
    named = re.findall(r"\b(Lightning|transformers|accelerate) (\d+(?:\.\d+)+)", said)
    pins = project["optional-dependencies"]["trainers"]
    assert sorted(f"{name.lower()}=={version}" for name, version in named) == pins
