"""Results in nbgrader: its gradebook, formgrader, feedback and export, each used for real."""

import csv
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from browser import ARTIFACTS
from nbformat.v4 import new_code_cell
from test_grade_release import lesson
from test_grade_report import HOSTILE, cell, group, question, result, save, watched

from course_lib.grade.release import release, released
from course_lib.grade.results.gradebook import _course, answered, literal, to_gradebook
from course_lib.grade.walls.limits import NOT_ASKED

SCRIPTS = Path(sys.executable).parent
WALK = "def walk(start, *, lr, curvature, steps):\n    return [start]"
ASKED = "Why does the ball run away?\n\n"


def walk(score, status="partly", answer=WALK):
    passed = [score > 0, score == 1]
    groups = [group("shown", 0.0, passed[0], "" if passed[0] else "walk(8.0): got [8.0]")]
    for name, points, good in zip(("many updates", "ties"), (1 / 3, 2 / 3), passed):
        groups.append(group(name, points, good, "" if good else "an answer is not right"))
    found = question("1.1", "01-walk", "Let the ball roll", status, 1.0, groups, answer)
    return {**found, "score": score}


def why(answer="The factor is below -1."):
    return question("", "01-why", "01-why", "manual", 3.0, answer=answer)


def handed_in(student, questions, **changes):
    changes = {"points": 4.0, **changes}
    return result(student, questions, notebook="01_ball", **changes)


@pytest.fixture
def results(tmp_path):
    """anna: all right; bob: a third; cleo: not begun; dan: a broken file; erin: no notebook."""
    folder = tmp_path / "results"
    save(folder, handed_in("anna", [walk(1.0, "right"), why()]))
    said = [cell("n-exercise-1", "hello\x1b[31m\n"), cell("", error="NameError", message="x")]
    save(folder, handed_in("bob", [walk(0.333333), why()]), cells=said)
    blank = {"status": "not begun", "score": 0.0, "answer": "YOUR ANSWER HERE\n"}
    save(
        folder,
        handed_in("cleo", [walk(0.0, "not begun", "stub"), {**why(), **blank}]),
    )
    broken = {"status": "unreadable", "reason": "not JSON <script>alert(1)</script>"}
    save(folder, handed_in("dan", [], **broken))
    save(folder, result("erin", notebook="", status="unreadable", reason="no notebook"))
    return folder


@pytest.fixture
def solutions(tmp_path):
    folder = tmp_path / "solutions"
    folder.mkdir()
    nbformat.write(lesson(), folder / "01_ball.ipynb")
    return folder


def nbgrader(course: Path, *arguments: str) -> str:
    """Run nbgrader as a teacher does, in the folder of the course."""
    path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """A course as `nbgrader quickstart` makes it; copy it."""
    root = tmp_path_factory.mktemp("nbgrader")
    nbgrader(root, "quickstart", "course")
    return root / "course"


@pytest.fixture
def course(quickstart, tmp_path):
    return Path(shutil.copytree(quickstart, tmp_path / "course"))


def grades(course: Path) -> dict:
    """(auto score, manual score, waits for a person) by student and cell."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        return {
            (each.student.id, grade.name): (
                grade.auto_score,
                grade.manual_score,
                grade.needs_manual_grade,
            )
            for each in book.notebook_submissions("01_ball", "01_ball")
            for grade in each.grades
        }


def grade_by_hand(course: Path, student: str, name: str, **values) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        grade = book.find_grade(name, "01_ball", "01_ball", student)
        for key, value in values.items():
            setattr(grade, key, value)
        book.find_comment("01-why", "01_ball", "01_ball", student).manual_comment = "Well said."
        book.db.commit()


def exported(course: Path) -> dict[str, str]:
    nbgrader(course, "export", "--to", "grades.csv")
    with (course / "grades.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["assignment"] == "01_ball"]
    return {row["student_id"]: row["score"] for row in rows}


def test_scores_reach_gradebook_feedback_and_export(results, solutions, course):
    done = to_gradebook(results, solutions, course=course)
    assert (
        done["in_gradebook"] == 4
        and len(done["not_in_gradebook"]) == 1
        and "no notebook" in done["not_in_gradebook"][0]
    )
    found = grades(course)
    assert found["anna", "01-walk"] == (1.0, None, False)
    assert found["bob", "01-walk"] == (0.333333, None, False)
    assert found["cleo", "01-walk"] == (0.0, None, False)
    assert found["bob", "01-why"] == (None, None, True)
    assert found["cleo", "01-why"] == (0.0, None, False)  # nobody need read nothing
    assert found["dan", "01-walk"] == found["dan", "01-why"] == (0.0, None, False)
    assert len(found) == 8  # no cells of 0 points: explanations stay in solutions/

    nbgrader(course, "generate_feedback", "01_ball")
    bob = (course / "feedback" / "bob" / "01_ball" / "01_ball.html").read_text()
    assert "(Score: 0.33 / 4.0)" in bob and "Score: 0.33 / 1.0" in bob
    assert "partly right: 0.33 of 1" in bob
    assert "- many updates (0.33 of 0.33): right" in bob
    assert "- ties (0 of 0.67): not right: an answer is not right" in bob
    assert "hello\n" in bob
    assert "HIDDEN" not in bob and "hidden=" not in bob and "[3.0, 1.5]" not in bob
    cleo = (course / "feedback" / "cleo" / "01_ball" / "01_ball.html").read_text()
    assert "No response." in cleo
    dan = (course / "feedback" / "dan" / "01_ball" / "01_ball.html").read_text()
    assert "could not be graded" in dan and "not JSON &lt;script&gt;" in dan
    scores = exported(course)
    assert {name: float(scores[name]) for name in ("anna", "bob", "cleo", "dan")} == {
        "anna": 1.0,
        "bob": 0.333333,
        "cleo": 0.0,
        "dan": 0.0,
    }


def test_what_a_person_gave_stays(results, solutions, course):
    to_gradebook(results, solutions, course=course)
    marks = {"manual_score": 2.5, "extra_credit": 0.25, "needs_manual_grade": False}
    grade_by_hand(course, "bob", "01-why", **marks)
    grade_by_hand(course, "anna", "01-why", **marks)
    save(results, handed_in("bob", [walk(1.0, "right"), why()]))  # bob improved his code
    save(results, handed_in("anna", [walk(1.0, "right"), why("Another answer.")]))
    to_gradebook(results, solutions, course=course)
    found = grades(course)
    assert found["bob", "01-walk"] == (1.0, None, False)
    assert found["bob", "01-why"] == (None, 2.5, False)
    assert found["anna", "01-why"] == (None, 2.5, True)  # to be looked at again
    assert float(exported(course)["bob"]) == 3.75  # 1 + 2.5 + 0.25
    nbgrader(course, "generate_feedback", "01_ball", "--student", "bob")
    assert "Well said." in (course / "feedback/bob/01_ball/01_ball.html").read_text()


@pytest.mark.parametrize(
    ("now", "again"),
    [
        (walk(0.333333), False),
        (walk(0.333333, answer=WALK + "  # another"), True),
        (walk(1.0, "right"), True),
    ],
)
def test_a_mark_on_code_is_to_be_looked_at_again_for_other_code_or_another_score(
    results, solutions, course, now, again
):
    to_gradebook(results, solutions, course=course)
    grade_by_hand(course, "bob", "01-walk", manual_score=0.75, needs_manual_grade=False)
    save(results, handed_in("bob", [now, why()]))
    to_gradebook(results, solutions, course=course)
    assert grades(course)["bob", "01-walk"] == (now["score"], 0.75, again)


def test_again_changes_nothing(results, solutions, course, recwarn):
    to_gradebook(results, solutions, course=course)
    files = {path: path.read_bytes() for path in course.glob("*ed/**/*.ipynb")}
    assert len(files) == 8
    before, programs = grades(course), os.environ["PATH"]
    to_gradebook(results, solutions, course=course)
    assert os.environ["PATH"] == programs
    assert grades(course) == before
    assert {path: path.read_bytes() for path in course.glob("*ed/**/*.ipynb")} == files
    assert not [each for each in recwarn if each.category.__name__ == "SAWarning"]


def test_course_whose_teacher_ran_generate_assignment(results, solutions, course):
    """From solutions/ as it is, explanations of 0 points and all: nothing waits for a person."""
    target = course / "source" / "01_ball" / "01_ball.ipynb"
    target.parent.mkdir()
    nbformat.write(lesson(), target)
    nbgrader(course, "generate_assignment", "01_ball")
    nbgrader(course, "db", "student", "add", "bob", "--last-name", "Builder")
    to_gradebook(results, solutions, course=course)
    found = grades(course)
    assert found["bob", "01-walk"] == (0.333333, None, False)
    assert found["bob", "n-answer-1"] == (0.0, None, False)
    waiting = sorted(key for key, value in found.items() if value[2])
    assert waiting == [(name, "01-why") for name in ("anna", "bob")]


def test_submissions_are_kept_as_they_came(results, solutions, course):
    theirs = course / "submitted" / "anna" / "01_ball"
    theirs.mkdir(parents=True)
    (theirs / "01_ball.ipynb").write_text("as collected")
    (theirs / "timestamp.txt").write_text("2026-11-20 12:00:00 UTC")
    source = course / "source" / "01_ball" / "01_ball.ipynb"
    source.parent.mkdir()
    source.write_text("the teacher's own")
    to_gradebook(results, solutions, course=course)
    assert (theirs / "01_ball.ipynb").read_text() == "as collected"
    assert source.read_text() == "the teacher's own"
    cleo = nbformat.read(course / "submitted" / "cleo" / "01_ball" / "01_ball.ipynb", as_version=4)
    assert [c.id for c in cleo.cells] == [c.id for c in released(lesson(), "x").cells]
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        assert str(book.find_submission("01_ball", "anna").timestamp) == "2026-11-20 12:00:00"
    (theirs / "timestamp.txt").unlink()  # the gradebook's own stays
    to_gradebook(results, solutions, course=course)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        assert str(book.find_submission("01_ball", "anna").timestamp) == "2026-11-20 12:00:00"


@pytest.mark.parametrize("name", ["jane.doe@uni.edu", "Lee Ann+2", "Zoë"])
def test_students_keep_the_names_that_they_have_in_nbgrader(tmp_path, solutions, course, name):
    """As an address, which a hub's login may be: the result's own id would be a ghost beside it."""
    from nbgrader.api import Gradebook

    theirs = course / "submitted" / name / "01_ball"
    theirs.mkdir(parents=True)
    (theirs / "timestamp.txt").write_text("2026-11-20 12:00:00 UTC")
    results, found = tmp_path / "names", handed_in("safe-1a2b", [walk(1.0, "right"), why()])
    for each in (
        {"name": name},
        {"student": "dots", "name": ".."},
        {"student": "b", "name": "b/c"},
    ):
        save(results, {**found, **each})
    to_gradebook(results, solutions, course=course)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        assert {each.id for each in book.students} == {name, "dots", "b"}
        assert str(book.find_submission("01_ball", name).timestamp) == "2026-11-20 12:00:00"
    assert {each.name for each in (course / "submitted").iterdir()} == {name, "dots", "b"}


def test_a_late_penalty_of_the_course_is_taken_off_once(results, solutions, course):
    """As `nbgrader autograde` does, which is not needed here."""
    from nbgrader.api import Gradebook

    with (course / "nbgrader_config.py").open("a") as file:
        file.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    for name, day in (("anna", 19), ("bob", 21)):
        folder = course / "submitted" / name / "01_ball"
        folder.mkdir(parents=True)
        (folder / "timestamp.txt").write_text(f"2026-11-{day} 12:00:00 UTC")
    to_gradebook(results, solutions, course=course)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.update_or_create_assignment("01_ball", duedate="2026-11-20 12:00:00 UTC")
    for _ in range(2):
        to_gradebook(results, solutions, course=course)
        with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
            found = {
                each.student.id: (each.late_submission_penalty, each.score)
                for each in book.notebook_submissions("01_ball", "01_ball")
            }
        assert found["anna"] == (None, 1.0) and found["bob"] == (0.333333, 0.333333)
    scores = exported(course)
    assert (float(scores["anna"]), float(scores["bob"])) == (1.0, 0.0)


def test_students_whom_a_roster_does_not_know_are_named(results, solutions, course):
    """As after a platform's zip into a course whose students are called by their logins."""
    assert to_gradebook(results, solutions, course=course)["new_students"] == []  # the first ones
    save(results, handed_in("zoe", [walk(1.0, "right"), why()]))
    done = to_gradebook(results, solutions, course=course)
    assert done["new_students"] == ["zoe"]
    assert to_gradebook(results, solutions, course=course)["new_students"] == []


def test_real_lesson(tmp_path, course):
    """A notebook of the course: its hidden calls and answers are in no file that students get."""
    solutions = Path(__file__).parents[1] / "solutions"
    whole = nbformat.read(solutions / "01_fixed_rates.ipynb", as_version=4)
    checks = [c for c in whole.cells if c.metadata.get("nbgrader", {}).get("points")]
    asked = [
        question(
            "1.1",
            c.metadata.nbgrader.grade_id,
            "t",
            "partly",
            c.metadata.nbgrader.points,
            [group("g", 0.5, True)],
            "def f(): ...",
        )
        for c in checks
    ]
    save(tmp_path / "results", result("anna", asked))
    assert to_gradebook(tmp_path / "results", solutions, course=course)["in_gradebook"] == 1
    nbgrader(course, "generate_feedback", "01_fixed_rates")
    files = [p for p in course.rglob("*01_fixed_rates*") if p.is_file() and "source" not in p.parts]
    assert {path.relative_to(course).parts[0] for path in files} == {
        "submitted",
        "autograded",
        "feedback",
    }
    public = "\n".join(c.source for c in released(whole, "").cells)
    secret = {
        line.strip()
        for c in checks
        for line in c.source.split("\n")
        if len(line) > 12 and line not in public
    }
    assert len(secret) >= len(checks)
    for path in files:
        text = path.read_text()
        assert not [line for line in secret if line in text], path
    html = (course / "feedback" / "anna" / "01_fixed_rates" / "01_fixed_rates.html").read_text()
    assert f"(Score: {0.5 * len(asked)} / {sum(q['points'] for q in asked):.1f})" in html


@pytest.mark.parametrize("odd", ["<b>x</b>", "x/../../y"])
def test_odd_assignment_names_and_the_graders_trouble_are_left_out(results, solutions, course, odd):
    shutil.rmtree(results / "students")
    save(results, handed_in("anna", [walk(1.0, "right"), why()], assignment=odd))
    save(results, handed_in("bob", [], status="failed", reason="no memory left"))
    done = to_gradebook(results, solutions, course=course)
    assert done["in_gradebook"] == 0
    assert (
        "no name for an assignment" in done["not_in_gradebook"][0]
        and "no memory left" in done["not_in_gradebook"][1]
    )
    assert not (course / "autograded").exists()


def test_errors_in_words(results, solutions, course, tmp_path):
    with pytest.raises(ValueError, match="is not an nbgrader course"):
        to_gradebook(results, solutions, course=tmp_path)
    (course / "nbgrader_config.py").write_text("c = get_config()\n1 / 0")
    with pytest.raises(ValueError, match=r"nbgrader_config.py stops with ZeroDivisionError"):
        to_gradebook(results, solutions, course=course)


def test_what_does_not_fit_is_left_out_and_the_others_are_exported(results, solutions, course):
    nbformat.write(lesson(), solutions / "02_other.ipynb")
    both = handed_in("anna", [walk(1.0, "right"), why()])
    save(results, {**both, "notebook": "02_other", "assignment": "02_other"})
    assert to_gradebook(results, solutions, course=course)["in_gradebook"] == 5

    def left_out(done: int) -> str:
        found = to_gradebook(results, solutions, course=course)
        (reason,) = (each for each in found["not_in_gradebook"] if "erin" not in each)
        assert found["in_gradebook"] == done
        return reason

    withdrawn = solutions / "01_ball.ipynb"
    text = withdrawn.read_text()
    withdrawn.unlink()
    reason = left_out(1)
    assert reason.startswith("01_ball/01_ball, results of 4 students: ")
    assert reason.endswith("solutions has no lesson '01_ball' any more")

    changed = lesson()
    changed.cells[3].metadata.nbgrader.points = 2
    nbformat.write(changed, withdrawn)
    reason = left_out(1)
    assert "the points {'01-walk': 1.0, '01-why': 3.0}, the solutions {'01-walk': 2.0" in reason
    del changed.cells[2:4]
    nbformat.write(changed, withdrawn)
    assert "has the questions ['01-walk', '01-why'], the solutions ['01-why']. " in left_out(1)

    withdrawn.write_text(text)
    save(results, handed_in("anna", [why()]))  # of an older lesson: she has left
    assert "or delete the results of students who left" in left_out(4)
    save(results, handed_in("anna", [walk(1.0, "right"), why(), {**why(), "grade_id": "01-more"}]))
    assert "it answers ['01-more', '01-walk', '01-why'], the solutions ask" in left_out(4)


def test_points_are_changed_as_the_message_says(results, solutions, course):
    release(solutions, course, nbgrader=True)
    nbgrader(course, "generate_assignment", "01_ball")
    to_gradebook(results, solutions, course=course)
    grade_by_hand(course, "bob", "01-why", manual_score=2.5)
    changed = lesson()
    changed.cells[3].metadata.nbgrader.points = 2
    nbformat.write(changed, solutions / "01_ball.ipynb")
    assert (
        "--force` change them there"
        in to_gradebook(results, solutions, course=course)["not_in_gradebook"][1]
    )
    release(solutions, course, nbgrader=True, force=True)
    nbgrader(course, "generate_assignment", "01_ball", "--force")
    assert to_gradebook(results, solutions, course=course)["in_gradebook"] == 4
    assert grades(course)["bob", "01-why"][:2] == (None, 2.5)


def test_locked_gradebook_is_told_in_words(results, solutions, course):
    to_gradebook(results, solutions, course=course)
    holder = sqlite3.connect(course / "gradebook.db")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ValueError, match="locked; another program holds it"):
        to_gradebook(results, solutions, course=course)
    holder.close()
    to_gradebook(results, solutions, course=course)


def test_what_is_shown_has_the_answer_once_the_question_as_it_was_and_what_was_found():
    made = lesson()
    other = new_code_cell("### BEGIN SOLUTION\nx = 1\n### END SOLUTION")
    other.metadata["nbgrader"] = {**made.cells[2].metadata["nbgrader"], "grade_id": "other"}
    made.cells.insert(3, other)
    groups = [
        group("shown", 0.0, False, "a call was stopped"),
        group("ties", 1.0, False, NOT_ASKED),
    ]
    stopped = question("1.1", "01-walk", "t", "stopped", 1.0, groups, WALK, reason="It hangs")
    row = {**handed_in("anna", [stopped, why("*It* grows.")]), "run": {"cells": []}}
    shown = answered(released(made, "x"), row)
    cells = {
        each.metadata.nbgrader.grade_id: each
        for each in shown.cells
        if each.metadata.get("nbgrader")
    }
    assert cells["n-exercise-1"].source == WALK
    assert cells["other"].source == "# what was written here stands in the answer cell above"
    assert cells["01-why"].source == ASKED + literal("*It* grows.")
    (output,) = cells["01-walk"].outputs
    assert output.text.splitlines() == [
        "stopped: 0 of 1",
        "It hangs",
        "- the examples that you can see: not right: a call was stopped",
        "- ties (0 of 1): not asked",
    ]


def test_a_course_may_say_where_it_lies(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()")
    assert _course(tmp_path).root == str(tmp_path)
    config = "c = get_config()\nc.CourseDirectory.root = '/elsewhere'"
    (tmp_path / "nbgrader_config.py").write_text(config)
    assert _course(tmp_path).root == "/elsewhere"


@pytest.mark.parametrize("text", ["plain", "```\nx\n```", "````` a", "", "a\r\n\n    b\n"])
def test_literal_cannot_be_left(text):
    from nbconvert.filters import markdown2html

    html = markdown2html(literal(text + "\n<b>x</b>\n") + "\n\nafter")
    assert html.count("<pre>") == 1 and "<b>" not in html
    assert html.strip().endswith("<p>after</p>")


# In a browser


def save_hostile(folder: Path) -> None:
    """Hostile as an answer, and as the reason why a file cannot be read (every third)."""
    for index, text in enumerate(HOSTILE):
        asked = walk(0.333333, answer=text)
        asked["groups"][0]["message"] = asked["reason"] = text
        said = [cell("n-exercise-1", text, "ValueError", text)]
        changes = {"name": text, "origin": text, "reason": text}
        save(folder, handed_in(f"s{index:02d}", [asked, why(text)], **changes), cells=said)
        if index % 3 == 0:
            save(folder, handed_in(f"u{index:02d}", [], status="unreadable", **changes))


def test_feedback_runs_no_markup_of_students(results, solutions, course, browser):
    save_hostile(results)
    to_gradebook(results, solutions, course=course)
    nbgrader(course, "generate_feedback", "01_ball")
    feedback = course / "feedback"
    expected = None
    tags = "[...document.querySelectorAll('#notebook *')].map(e => e.localName)"
    pages = [feedback / "anna" / "01_ball" / "01_ball.html", *sorted(feedback.glob("[su]*/*/*"))]
    with watched(browser) as (page, open_file):
        for path in pages:
            deeds = set(open_file(path))
            if expected is None:  # nbgrader's own page asks for MathJax and the like
                expected = deeds
            assert deeds <= expected, (path, deeds)
            assert page.evaluate("window.pwned") is None
            found = set(page.evaluate(tags))
            assert not found & {"script", "img", "svg", "iframe", "meta", "style"}
            links = page.evaluate("[...document.links].map(a => a.getAttribute('href'))")
            assert all(link.startswith("#") for link in links), links
            assert page.locator(".nbgrader_cell").count() == 3


@pytest.fixture
def formgrader(results, solutions, course, tmp_path):
    """The address of a Jupyter server with formgrader, for a course that holds our results."""
    save_hostile(results)
    to_gradebook(results, solutions, course=course)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "HOME": str(tmp_path / "home")}
    environment["PATH"] = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    environment["JUPYTER_CONFIG_DIR"] = str(tmp_path / "config")
    options = "--no-browser --allow-root --ServerApp.port_retries=0 --IdentityProvider.token="
    log = tmp_path / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "server", *options.split(), f"--port={port}"],
            cwd=course,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and server.poll() is None:
            time.sleep(0.3)
            try:
                with urllib.request.urlopen(f"{address}/api/status", timeout=10):
                    break
            except OSError:
                continue
        else:
            raise AssertionError(log.read_text()[-3000:])
        yield address
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def test_formgrader_shows_the_scores(formgrader, course, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(30_000)
    deeds: list[str] = []
    page.on("dialog", lambda dialog: (deeds.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: ":9/" in request.url and deeds.append(request.url))
    page.goto(f"{formgrader}/formgrader/manage_assignments")
    page.locator("tr", has_text="01_ball").first.wait_for()
    page.goto(f"{formgrader}/formgrader/manage_submissions/01_ball")
    page.get_by_text("bob").first.wait_for()
    row = " ".join(page.locator("tr", has_text="bob").first.inner_text().split())
    assert "0.33 / 4" in row and "needs manual grading" in row, row
    page.screenshot(path=ARTIFACTS / "formgrader_submissions.png")

    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        ids = {each.student.id: each.id for each in book.notebook_submissions("01_ball", "01_ball")}
    page.goto(f"{formgrader}/formgrader/submissions/{ids['bob']}/")
    page.wait_for_function("document.getElementById('01-walk')?.placeholder")
    score = page.locator("[id='01-walk']").get_attribute("placeholder")
    assert float(score) == pytest.approx(1 / 3, abs=1e-2)
    waiting = page.locator("[id='01-why']")  # no score, and marked for a person
    assert waiting.input_value() == "" and "needs_manual_grade" in waiting.get_attribute("class")
    text = page.locator("#notebook").first.inner_text()
    assert "partly right: 0.33 of 1" in text and "The factor is below -1." in text
    page.screenshot(path=ARTIFACTS / "formgrader_bob.png", full_page=True)
    for name in sorted(ids)[4:]:
        page.goto(f"{formgrader}/formgrader/submissions/{ids[name]}/")
        page.wait_for_function("document.getElementById('01-walk')?.placeholder")
        tags = set(
            page.evaluate("[...document.querySelectorAll('#notebook *')].map(e => e.localName)")
        )
        assert not tags & {"script", "img", "svg", "iframe", "meta", "style"}, name
        assert page.evaluate("window.pwned") is None
    assert deeds == []
    page.close()


def test_both_notebooks_of_one_assignment_arrive(solutions, course, tmp_path):
    """nbgrader adds no notebook to an assignment that has submissions."""
    shutil.copy(solutions / "01_ball.ipynb", solutions / "02_ball.ipynb")
    for notebook in ("01_ball", "02_ball"):
        each = result("anna", [walk(1.0, "right"), why()], notebook=notebook, assignment="ps7")
        save(tmp_path / "results", each)
    done = to_gradebook(tmp_path / "results", solutions, course=course)
    assert (done["in_gradebook"], done["not_in_gradebook"]) == (2, [])


def test_released_and_gradebook_agree(results, solutions, course):
    """A teacher may put the source there first, and let nbgrader know it later."""
    release(solutions, course, nbgrader=True)
    to_gradebook(results, solutions, course=course)
    nbgrader(course, "generate_assignment", "01_ball", "--force")
    assert grades(course)["anna", "01-walk"] == (1.0, None, False)
