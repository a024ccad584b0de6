"""The report: what it tells, and that no text of a student can do anything but be read."""

import copy
import csv
import io
import itertools
import json
import os
import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from course_lib.cli import main
from course_lib.grade.intake.archive import shown
from course_lib.grade.intake.collect import IGNORED, Submission
from course_lib.grade.results import gradebook, report, summary
from course_lib.grade.results.export import write_csv
from course_lib.grade.results.store import Store, StoreError
from course_lib.grade.results.wording import made_safe, seconds_in_words
from course_lib.grade.walls.limits import Limits

# Each would run, load, hide or fake something if it were not plain text.
HOSTILE = [
    "<script>window.pwned = 1; alert(1)</script>",
    "<img src=x onerror='window.pwned = 1; alert(1)'>",
    "<img src='http://127.0.0.1:9/beacon.png'>",
    "<svg onload='window.pwned = 1'><style>@import 'http://127.0.0.1:9/a.css'</style></svg>",
    "<iframe srcdoc='<script>parent.pwned = 1</script>'></iframe>",
    "<meta http-equiv=refresh content='0; url=http://127.0.0.1:9/'>",
    "<style>h3 { display: none }</style><link rel=stylesheet href=http://127.0.0.1:9/a.css>",
    "</pre></li></ul></section><h3>Exercise 1.1: right, 1 of 1</h3>",
    "<!-- everything below is gone",
    "{{ 7 * 7 }} {% raw %} ${7*7}",
    "![x](http://127.0.0.1:9/beacon.png) [click](javascript:alert(1)) <http://127.0.0.1:9/>",
    "```\n</code></pre><script>window.pwned = 1</script>\n```\n~~~~\n<b>out</b>",
    "$\\href{javascript:alert(1)}{x}$ \\(\\style{position:fixed}{x}\\)",
    "    indented\n\n<script>window.pwned = 1</script>\n\n[a]: javascript:alert(1)\n[a]",
    "\x1b]8;;http://127.0.0.1:9/\x07click\x1b]8;;\x07 \x1b[31mred\x1b[0m",
    "\u202e gpj.exe \x00 \ud800",
    "]]></textarea></title><script>window.pwned = 1</script>",
]


def group(name, points, passed, message=""):
    score = points if passed else 0.0
    return dict(name=name, points=points, score=score, passed=passed, message=message)


def question(exercise, grade_id, title, status, points, groups=(), answer="", reason=""):
    score = None if status == "manual" else sum(each["score"] for each in groups)
    found = dict(grade_id=grade_id, exercise=exercise, title=title, points=points, score=score)
    return dict(found, status=status, reason=reason, answer=answer, groups=list(groups))


def result(student, questions=(), notebook="01_fixed_rates", **changes):
    found = {
        "version": 1,
        "student": student,
        "name": student,
        "assignment": notebook,
        "notebook": notebook,
        "key": f"key of {student}",
        "status": "graded",
        "reason": "",
        "score": sum(each["score"] or 0.0 for each in questions),
        "points": sum(each["points"] for each in questions),
        "isolation": "namespaces",
        "origin": f"{student}/{notebook}.ipynb",
        "findings": [],
        "questions": list(questions),
    }
    return {**found, **changes}


def cell(grade_id, output="", error=None, message="", stopped=None, kind="answer"):
    ended = dict(ok=error is None and stopped is None, error=error, stopped=stopped)
    return dict(ended, grade_id=grade_id, kind=kind, message=message, output=output)


def save(folder: Path, found: dict, seconds=0.15, cells=(), peak_mb=312.4) -> None:
    """As the grader does."""
    path = folder / "students" / found["student"] / f"{found['notebook'] or 'unreadable-1'}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1, sort_keys=True))
    run = {"key": found["key"], "seconds": seconds, "peak_mb": peak_mb, "cells": list(cells)}
    path.with_suffix(".run.json").write_text(json.dumps(run))


WALK = "def walk(start, *, lr, curvature, steps):\n    return [start]\n"
TIES = "an answer is not right"


def walk(status, passed, **more):
    groups = [
        group("shown", 0.0, passed[0], "" if passed[0] else "walk(8.0): got 8.0, expected 6.0"),
        group("many updates", 0.5, passed[1], "" if passed[1] else TIES),
        group("above the limit", 0.5, passed[2], "" if passed[2] else TIES),
    ]
    if status in ("manual", "not begun", "missing"):
        groups = []
    return question("1.1", "01-walk", "Let the ball roll", status, 1.0, groups, **more)


def best(status, passed):
    groups = [group("shown", 0.0, passed), group("ties", 2.0, passed, "" if passed else TIES)]
    return question("1.3", "01-best-rate", "The best rate", status, 2.0, groups, answer="def best")


def why(answer="It grows."):
    return question("", "01-why", "01-why", "manual", 3.0, answer=answer)


@pytest.fixture
def results(tmp_path):
    """Five students: one right, one partly, two that begin, one that sent a picture."""
    right = [walk("right", (1, 1, 1), answer=WALK), best("right", True), why()]
    save(tmp_path, result("anna", right), 0.2)
    partly = [walk("partly", (1, 1, 0), answer=WALK), best("wrong", False), why()]
    moved = {"code": "moved", "grade_id": "01-walk", "text": "the check stands before its answer"}
    extra = {"code": "extra", "grade_id": "", "text": "a cell of the student's own"}
    save(tmp_path, result("bob", partly, findings=[moved, extra]), 0.4)
    for name, status in (("cleo", "not begun"), ("dan", "missing")):
        save(tmp_path, result(name, [walk(status, (0, 0, 0)), best("wrong", False), why()]), 0.3)
    unread = {"status": "unreadable", "reason": "not JSON: it starts with a picture's bytes"}
    save(tmp_path, result("erin", notebook="", origin="erin/photo.ipynb", **unread))
    return tmp_path


def text_of(path: Path) -> str:
    return " ".join(path.read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("not a notebook: not JSON (Expecting value)", "open it in JupyterLab, correct what"),
        ("no notebook here; found answers.pdf, expected .ipynb or .zip", "ends in `.ipynb`"),
        (IGNORED.format("anna/01.ipynb"), "Another file of yours is graded"),
        ("no cell of ours, and its name is no lesson's", "there is nothing to do"),
    ],
)
def test_each_reason_of_a_file_without_a_score_has_its_own_next_step(reason, words):
    row = result("erin", notebook="", status="unreadable", reason=reason)
    assert words in report.next_step(row)


def test_who_wrote_nothing_into_a_written_question_is_counted_and_not_waited_for(tmp_path):
    blank = {**why(""), "status": "not begun", "score": 0.0}
    save(tmp_path, result("anna", [why()]))
    save(tmp_path, result("bob", [blank]))
    (of_class,) = report.overview(report.load(tmp_path))["assignments"]
    (asked,) = of_class["questions"]
    assert (asked["not_begun"], asked["mean"], asked["right"]) == (1, None, "-")
    assert write_csv(tmp_path, tmp_path / "scores.csv")["waiting"] == 1


def test_the_next_step_of_an_answer_that_was_stopped_says_why():
    reason = f"a call of `walk` was stopped: {Limits().in_words('memory')}"
    step = report.next_step(result("anna", [walk("stopped", (0, 0, 0), reason=reason)]))
    assert step.startswith(f"Exercise 1.1: {reason}. Look for ")


def test_what_waits_for_a_person_is_not_counted_as_lost(tmp_path):
    """Two who have everything right: the mean is 100 %, and each sum says what is to come."""
    for name in ("anna", "bob"):
        save(tmp_path, result(name, [walk("right", (1, 1, 1)), why()]))
    text = text_of(report.write_report(tmp_path))
    assert "<dd>100 %</dd>" in text
    assert text.count('<td class="n">1 <span class="manual">+ 3 ✎</span></td>') == 2
    save(tmp_path, result("cleo", [why()]))  # nothing of hers is decided
    assert report.overview(report.load(tmp_path))["mean"] == "100 %"


def test_written_answers_stand_on_a_page_without_names_and_under_the_ids_of_the_table(tmp_path):
    names = {"zoe": "It <b>grows</b>.", "anna": "It falls.", "bob": ""}
    for name, answer in names.items():
        words = why(answer) if answer else {**why(), "status": "not begun", "score": 0.0}
        save(tmp_path, result(name, [walk("right", (1, 1, 1)), words]))
    report.write_report(tmp_path)
    text = text_of(tmp_path / "report" / "answers.html")
    assert not any(name in text for name in names) and "worth 3" in text
    write_csv(tmp_path, tmp_path / "q.csv", long=True)
    head, *rows = rows_of(tmp_path / "q.csv")
    rows = [dict(zip(head, row)) for row in rows]
    ids = {row["name"]: row["answer_id"] for row in rows if row["status"] == "manual"}
    assert len({row["answer_id"] for row in rows}) == len(rows) == 6
    assert f"<h3>{ids['anna']}</h3> <pre>It falls.</pre>" in text
    assert f"<h3>{ids['zoe']}</h3> <pre>It &lt;b&gt;grows&lt;/b&gt;.</pre>" in text
    assert text.count("<h3>") == 2 and all(each.isalpha() for each in ids.values())


def test_the_sums_of_all_notebooks_stand_in_one_line_for_each_student(tmp_path):
    for name, books in (("anna", ("01_a", "02_b")), ("bob", ("02_b",))):
        for book in books:
            save(tmp_path, result(name, [walk("right", (1, 1, 1)), why()], notebook=book))
    text = text_of(report.write_report(tmp_path)).partition('<h2 id="totals">')[2]
    waits = '<span class="manual">+ {} ✎</span></td>'
    anna = text.partition(">anna<")[2].partition("</tr>")[0]
    assert anna.count(f'<td class="n">1 {waits.format(3)}') == 2
    assert f'<td class="n">2 {waits.format(6)}' in anna
    bob = text.partition(">bob<")[2].partition("</tr>")[0]
    assert '<td class="n">-</td>' in bob and bob.count(waits.format(3)) == 2


def test_what_several_have_is_one_row_and_what_a_teacher_decides_comes_first(tmp_path):
    """As after a change of a question's points: every notebook says another number."""
    points = {"code": "edited", "grade_id": "01-walk", "text": "its points: another"}
    library = {"code": "library", "grade_id": "01-walk", "text": "names `linear`"}
    moved = [{"code": "moved", "grade_id": f"c{n}", "text": "moved"} for n in (1, 2)]
    extra = {"code": "extra", "grade_id": "", "text": "a cell of the student's own"}
    own = {1: moved, 3: [library], 5: moved, 6: moved[1:]}
    for n in range(7):
        found = [points, extra, *own.get(n, [])]
        save(tmp_path, result(f"s{n}", [walk("right", (1, 1, 1))], findings=found))
    found = report.overview(report.load(tmp_path))["findings"]
    assert [(each["text"], [*each["students"]], [*each["cells"]]) for each in found] == [
        ("names `linear`", ["s3"], ["01-walk"]),
        ("its points: another", [f"s{n}" for n in range(7)], ["01-walk"]),
        ("moved", ["s1", "s5"], ["c1", "c2"]),
        ("moved", ["s6"], ["c2"]),
    ]
    text = text_of(report.write_report(tmp_path))
    assert '<a href="./s1.html">s1</a>, <a href="./s5.html">s5</a>' in text and ">c1, c2<" in text
    assert text.count("<details><summary>7 students</summary>") == 1 == text.count("</details>")


def test_class_page_tells_what_a_teacher_asks(results):
    page = report.write_report(results)
    assert page == results / "report" / "index.html"
    text = text_of(page)
    for fact in (
        "<dt>Students</dt><dd>5</dd>",
        "<dt>Notebooks graded</dt><dd>4</dd>",
        "<dt>Not graded</dt><dd>1</dd>",
        "<dt>To be marked by hand</dt><dd>4</dd>",
        "<dt>Time, all together</dt><dd>1.20 s</dd>",
        "<dt>Median per notebook</dt><dd>0.30 s</dd>",
        "<dt>Most memory</dt><dd>312 MB</dd>",
        "not JSON: it starts with a picture&#39;s bytes",
        "erin/photo.ipynb",
        "0.38 of 1",  # mean of 1.1: (1 + 0.5 + 0 + 0) / 4
        "3 \u00d7 ties: an answer is not right",
        "the check stands before its answer",
        '<a href="./anna.html">anna</a>',
        "full: own namespaces",
    ):
        assert fact in text, fact
    assert '<td class="n">25 %</td>' in text  # of 1.1, right


def test_the_numbers_of_the_class_are_of_students_runs_and_answers(results):
    week = result("bob", [why()], notebook="02_two", assignment="week 2")
    save(results, week, 2.0, peak_mb=9.0)
    rows = report.load(results)
    seen = report.overview(rows)
    assert (seen["students"], seen["graded"], seen["median_seconds"]) == (5, 5, 0.3)
    assert seen["peak_mb"] == 312.4
    assert [each["name"] for each in seen["assignments"]] == ["01_fixed_rates", "week 2: 02_two"]
    first, _, last = seen["assignments"][0]["questions"]
    assert last["label"] == "01-why"  # it has no number
    assert report.next_step(rows[0]).endswith("Your written answers will be marked by hand.")
    wrong = result("fay", [walk("wrong", (0, 0, 0))])  # not even the examples that she can see
    assert "it says what is wrong and gives a hint" in report.next_step(wrong)
    assert (first["right"], first["not_begun"]) == ("25 %", 2)  # not begun, or without its cell
    ids = [name for name, _ in report.written_answers(rows)[0]["answers"]]
    assert len(ids) == 4 and ids == sorted(ids)  # not in the order of names


def test_what_stops_a_whole_answer_is_told_once(tmp_path):
    reason = "a call of `walk` was stopped: it ran for more than 5 seconds"
    answers = {
        "eve": walk("stopped", (0, 0, 0), reason=reason),
        "dov": walk("wrong", (0, 0, 0), reason="its cell stopped with SyntaxError"),
        "ben": walk("wrong", (0, 0, 1)),
    }
    for group, message in zip(answers["eve"]["groups"], ("a call was stopped", *["not asked"] * 2)):
        group["message"] = message
    for group in answers["dov"]["groups"]:
        group["message"] = "`walk` is not defined"
    for name, answer in answers.items():
        save(tmp_path, result(name, [answer]))
    text = text_of(report.write_report(tmp_path))
    assert (
        "1 \u00d7 a call of <code>walk</code> was stopped: it ran for more than 5 seconds" in text
    )
    assert "1 \u00d7 <code>walk</code> is not defined" in text
    assert "not asked" not in text and text.count("is not defined") == 1
    eve = text_of(tmp_path / "report" / "eve.html")
    assert "the examples that you can see: not right" in eve and "a call was stopped" in eve
    assert "many updates: not asked (0 of 0.5)</li>" in eve
    assert text_of(tmp_path / "report" / "dov.html").count("is not defined") == 3
    words = gradebook.in_words(answers["eve"])
    assert "- many updates (0 of 0.5): not asked\n" in words


def test_the_next_step_after_a_cell_that_stopped_is_that_cell(tmp_path):
    """Its check may say Correct in the notebook, where the name is still known."""
    reason = "its cell stopped with NameError: name 'np' is not defined (line 1)"
    save(tmp_path, result("anna", [walk("wrong", (0, 0, 0), reason=reason)]))
    report.write_report(tmp_path)
    text = text_of(tmp_path / "report" / "anna.html")
    assert "(line 1). Restart Kernel and Run All Cells" in text
    assert "run its check" not in text


def test_a_terminal_of_few_letters_does_not_stop_a_command(tmp_path, monkeypatch):
    folder = tmp_path / "王"
    save(folder, result("anna", [walk("right", (1, 1, 1))]))
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["report", str(folder)]) == 0
    assert b"\\u738b" in terminal.buffer.getvalue()


def test_student_page_tells_what_to_do_next(results):
    report.write_report(results)
    bob = text_of(results / "report" / "bob.html")
    assert "0.5 of 6 points" in bob
    assert "Exercise 1.1 Let the ball roll" in bob and "partly right</span>, 0.5 of 1" in bob
    assert "many updates: right (0.5 of 0.5)" in bob
    assert "above the limit: not right (0 of 0.5)" in bob
    assert "def walk(start, *, lr, curvature, steps):" in bob
    assert "to be marked by hand</span>, worth 3" in bob
    assert "Not right yet: above the limit. Run its check in your notebook" in bob  # the next step
    assert "0.5 of 6 points, 3 still to be marked by hand</h2>" in bob
    assert "<a " not in bob  # a page to hand out leads nowhere
    assert "it is the next one to write" in text_of(results / "report" / "cleo.html")
    assert "answer cell is gone" in text_of(results / "report" / "dan.html")
    assert "All exercises of this notebook are right." in text_of(results / "report" / "anna.html")
    erin = text_of(results / "report" / "erin.html")
    assert "not graded" in erin and "Nothing is lost" in erin


@pytest.mark.parametrize(
    "level, words", [("none", "no walls at all"), ("process", "weak: landlock")]
)
def test_weak_isolation_is_told_on_both_pages(tmp_path, level, words):
    save(tmp_path, result("anna", [walk("right", (1, 1, 1))], isolation=level))
    page = report.write_report(tmp_path)
    assert f'<p class="warn">Isolation of the students\' code: {words}' in text_of(page)
    assert words in text_of(page.with_name("anna.html"))


def test_same_results_same_bytes_and_old_pages_go(results):
    folder = report.write_report(results).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    report.write_report(results)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    shutil.rmtree(results / "students" / "dan")
    report.write_report(results)
    assert {path.name for path in folder.iterdir()} == before.keys() - {"dan.html"}


def test_a_report_deletes_no_page_that_it_did_not_write(results):
    folder = report.write_report(results).parent
    shutil.copy(folder / "index.html", folder / "week 1.html")
    (folder / "for the board.html").write_bytes(b"<p>not ours, and no UTF-8: \xff")
    report.write_report(results)
    assert {"week 1.html", "for the board.html"} < {path.name for path in folder.iterdir()}


def test_run_of_another_result_is_not_shown(results):
    path = results / "students" / "anna" / "01_fixed_rates.run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "key": "old", "seconds": 99.0}))
    assert "1.00 s" in text_of(report.write_report(results))  # 0.4 + 0.3 + 0.3


@pytest.mark.parametrize("name", ["index", "answers"])
def test_student_called_index_does_not_replace_the_class(tmp_path, name):
    save(tmp_path, result(name, [walk("right", (1, 1, 1)), why()]))
    page = report.write_report(tmp_path)
    assert "Results of the class" in page.read_text()
    assert "It grows." in (page.parent / "answers.html").read_text()
    assert f"Results of {name}" in (page.parent / f"{name}~.html").read_text()


def test_pages_name_students_as_they_are_called(tmp_path):
    reason = "a call of `walk` was stopped: <b>slow</b>"
    asked = [walk("stopped", (0, 0, 0), reason=reason)]
    names = {"z-1": "\u00c9milie", "fred": "fred", "a": "Zoe", "student-1": "\u738b\u5c0f\u660e"}
    for student, name in names.items():
        save(tmp_path, result(student, asked, name=name))
    text = text_of(report.write_report(tmp_path))
    places = [text.index(f'<a href="./{each}.html">{names[each]}</a>') for each in names]
    assert places == sorted(places)  # É stands before f, and f before Z
    page = text_of(tmp_path / "report" / "student-1.html")
    assert "Results of \u738b\u5c0f\u660e</h1>" in page
    assert "a call of <code>walk</code> was stopped: &lt;b&gt;slow&lt;/b&gt;" in page


def test_the_table_on_a_terminal_takes_no_commands_from_students():
    evil = "\x1b[2J"
    bad = {"status": "unreadable", "notebook": "", "reason": f"a{evil}\nb", "origin": f"c{evil}"}
    found = [{"code": "edited", "grade_id": "", "text": "x"}]
    rows = [result("ann", [why()], findings=found), result("bo", name=f"Bo{evil}", **bad)]
    assert summary.table(rows) == [
        "ann  01_fixed_rates  0 of 3  (1 to be marked by hand, 1 finding)",
        "Bo   -               unreadable: a b; file: c",
    ]
    assert summary.table([]) == []
    files = [Path(f"{number}.json") for number in range(4)]
    assert summary.of_others("out", files).endswith(": 0.json, 1.json, 2.json, ...")
    assert summary.of_others("out", files[:3]).endswith(": 0.json, 1.json, 2.json")


def test_names_in_persian_and_emoji_are_shown_as_they_are_spelt(tmp_path):
    for name in (
        "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
        "\U0001f469\u200d\U0001f4bb Zo\u00eb",
    ):
        assert shown(name) == name
    assert shown("a\u202eb\x00\u200bc") == "a?b??c"


def test_times_in_words():
    words = ["0.15 s", "59.99 s", "1 min 0 s", "2 min 5 s"]
    assert [seconds_in_words(each) for each in (0.149, 59.99, 60, 125.7)] == words


def test_what_the_students_own_cells_said_and_why_they_ended_is_shown():
    cells = [
        cell("a", "ours", kind="given"),
        cell("a", kind="extra"),
        cell("a", "hello\n", kind="extra"),
        cell("a", "one\n", error="KeyError", message="'x'"),
        cell("a", stopped="time", message="more than 3 s", error="KeyError"),
    ]
    assert [text for _, text in report.printed({"run": {"cells": cells}})] == [
        "hello",
        "one\nKeyError: 'x'",
        "(stopped: more than 3 s)",
    ]


def test_a_class_without_results_or_with_a_lesson_without_questions_has_a_page(tmp_path):
    (tmp_path / "students").mkdir()
    assert report.write_report(tmp_path).is_file()
    save(tmp_path, result("anna"))
    assert "anna" in text_of(report.write_report(tmp_path))


def test_the_folder_says_which_process_holds_it_now_and_takes_long_names(tmp_path):
    (tmp_path / ".lock").write_text("another one that has ended")
    week = Submission("anna", "anna", notebook="01_a", assignment="w" * 250)
    with Store(tmp_path) as store:
        assert (tmp_path / ".lock").read_text() == str(os.getpid())
        store.save(week, {"key": "k"}, {"key": "k"})
        assert store.result(week) == {"key": "k"}
        with pytest.raises(StoreError, match=f"process {os.getpid()}"), Store(tmp_path):
            pass


def test_no_results_is_told_in_words(tmp_path):
    with pytest.raises(StoreError, match="grade into it first"):
        report.write_report(tmp_path)


@pytest.mark.parametrize(
    "text, shown",
    [
        ("a\x1b[1;31mb\x1b[0m", "ab"),
        ("\x1b]0;title\x07x", "x"),
        ("a\x1b[", "a␛["),
        ("a\x00\x08b", "a␀␈b"),
        ("\u202ecod.exe", "[U+202E]cod.exe"),
        ("a\u2028b\x85c\ufeff", "a[U+2028]b[U+0085]c[U+FEFF]"),
        ("\ud800", "[U+D800]"),
        ("one\r\ntwo\rthree\ttab", "one\ntwo␍three\ttab"),
        ("سلام 👩‍🔬 é", "سلام 👩‍🔬 é"),
    ],
)
def test_plain_shows_what_would_hide(text, shown):
    assert made_safe(text) == shown


def test_plain_cuts_and_says_so():
    cut = made_safe("x" * 1_000_000)
    assert len(cut) < 21_000 and "1,000,000 characters" in cut
    assert made_safe("x" * 20_000) == "x" * 20_000
    assert "cut" in made_safe("\x1b[0m" * 30_000 + "x")


# In a browser


@contextmanager
def watched(browser, **options):
    """A page, and a function that opens a file in it and lists all that this should not have
    done. One page for many files: to make one takes longer than to open them."""
    page = browser.new_page(**options)
    deeds: list[str] = []
    page.on("dialog", lambda dialog: (deeds.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: deeds.append(request.url))

    def open_file(path: Path) -> list[str]:
        deeds.clear()
        page.goto(path.as_uri())
        page.wait_for_timeout(100)
        deeds.remove(path.as_uri())
        return deeds

    yield page, open_file
    page.close()


@pytest.fixture
def hostile(tmp_path):
    """Results in which every text that a student has a say in is hostile."""
    for index, text in enumerate(HOSTILE):
        name = f"s{index:02d}"
        asked = walk("partly", (0, 1, 1), answer=text, reason=text)
        asked["groups"][0]["message"] = text
        found = [{"code": "edited", "grade_id": text, "text": text}]
        cells = [cell(text, text, "ValueError", text), cell("x", text, stopped="time")]
        changed = {"name": text, "origin": text, "findings": found, "reason": text}
        save(tmp_path, result(name, [asked, why(text)], **changed), cells=cells)
        unread = result(f"u{index:02d}", notebook="", status="unreadable", **changed)
        save(tmp_path, unread)
    return tmp_path


def test_hostile_texts_do_nothing(hostile, browser):
    folder = report.write_report(hostile).parent
    harmless = copy.deepcopy(HOSTILE)
    assert len(list(folder.iterdir())) == 2 * len(harmless) + 2
    with watched(browser) as (page, open_file):
        for path in sorted(folder.iterdir()):
            html = path.read_text(encoding="utf-8")
            assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
            assert open_file(path) == [], path.name
            assert page.evaluate("window.pwned") is None
            tags = set(page.evaluate("[...document.querySelectorAll('*')].map(e => e.localName)"))
            assert not tags & {"script", "img", "svg", "iframe", "link", "object", "form", "b"}
            assert page.locator("style").count() == 1
            links = page.evaluate("[...document.links].map(a => a.getAttribute('href'))")
            assert all(link.startswith(("./s", "./u", "./answers.html", "#")) for link in links)
            assert page.locator("main").count() == 1
            if path.name.startswith("s"):
                # every heading is ours, the last paragraph is still there
                headings = page.locator("h3").all_inner_texts()
                assert len(headings) == 4, headings
                assert "partly right" in headings[0] and "by hand" in headings[1]
                assert page.get_by_text("Isolation while your code ran").is_visible()


def test_pages_fit_and_can_be_read(results, browser, tmp_path):
    """No page is wider than its window, and text stands out from its ground in both themes."""
    long = walk("partly", (0, 1, 0), answer="x" * 5_000 + "\n" + "é" * 3_000)
    save(results, result("zoe", [long, best("right", True), why("word " * 2_000)]))
    folder = report.write_report(results).parent
    contrast = """() => {
        const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
        const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const ground = element => {
            for (let e = element; e; e = e.parentElement) {
                const found = getComputedStyle(e).backgroundColor;
                if (found !== 'rgba(0, 0, 0, 0)') return found;
            }
        };
        return Math.min(...[...document.querySelectorAll('main *')].map(e => {
            const [a, b] = [getComputedStyle(e).color, ground(e)].map(rgb).map(light);
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        }));
    }"""
    for scheme, width in itertools.product(("light", "dark"), (420, 1280)):
        view = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
        with watched(browser, **view) as (page, open_file):
            for name in ("index.html", "answers.html", "bob.html", "zoe.html"):
                open_file(folder / name)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert page.evaluate(contrast) >= 4.5, (name, scheme)
                assert page.locator("html[lang=en] h1").count() == 1
                assert page.locator("th:not([scope])").count() == 0


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The page of a class that has handed in thirteen lessons."""
    folder = tmp_path_factory.mktemp("course")
    hebrew = "\u05e9\u05dc\u05d5\u05dd `lr` \u05d5 0.1"
    for student in ("Anna Blom", "B" * 60):
        for number in range(13):
            book = f"{number:02d}_linear_polynomial_cosine"
            asked = [walk("partly", (0, 1, 1)), why(hebrew)]
            name = "anna" if student.startswith("A") else "b"
            save(folder, result(name, asked, notebook=book, name=student))
    return report.write_report(folder)


@pytest.mark.parametrize("width", [360, 1280])
def test_names_stay_in_sight_beside_marks_that_scroll(course, browser, width):
    with watched(browser, viewport={"width": width, "height": 900}) as (page, open_file):
        open_file(course)
        totals = page.get_by_role("region", name="Totals")
        totals.evaluate("e => e.scrollLeft = e.scrollWidth")
        names, mark = totals.locator("tbody th").first, totals.locator("tbody td").last
        names.scroll_into_view_if_needed()
        own, region = names.bounding_box(), totals.bounding_box()
        assert own["x"] == pytest.approx(region["x"], abs=1)
        assert own["width"] < region["width"] / 2 < mark.bounding_box()["x"]
        place = [own["x"] + own["width"] / 2, own["y"] + 12]
        on_top = "([x, y]) => document.elementFromPoint(x, y).closest('tr > *').localName"
        assert page.evaluate(on_top, place) == "th"
        assert totals.locator("table").bounding_box()["width"] < 2000  # long heads wrap


def test_the_marks_of_a_whole_course_fit_on_paper(course, browser):
    with watched(browser, viewport={"width": 720, "height": 1000}) as (page, open_file):
        page.emulate_media(media="print")
        open_file(course)
        assert page.evaluate("document.documentElement.scrollWidth") <= 720
        assert all(each.bounding_box()["width"] <= 720 for each in page.locator("table").all())


def test_a_written_answer_is_read_in_its_own_direction(course, browser):
    with watched(browser) as (page, open_file):
        open_file(course.parent / "answers.html")
        answer = page.locator("pre").first
        box = answer.bounding_box()
        first = answer.evaluate(
            "e => { const r = document.createRange(); r.setStart(e.firstChild, 0);"
            " r.setEnd(e.firstChild, 1); return r.getBoundingClientRect().x; }"
        )
        assert first > box["x"] + box["width"] / 2  # Hebrew begins on the right


# Tables for other programs


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_csv_has_a_row_for_each_student_and_notebook(results, tmp_path):
    path = tmp_path / "scores.csv"
    write_csv(results, path)
    head, *rows = rows_of(path)
    assert head[:6] == ["student", "assignment", "notebook", "status", "score", "points"]
    assert rows[0][:6] == ["anna", "01_fixed_rates", "01_fixed_rates", "graded", "3", "6"]
    assert rows[1][:6] == ["bob", "01_fixed_rates", "01_fixed_rates", "graded", "0.5", "6"]
    assert dict(zip(head, rows[0]))["by_hand"] == "3"  # of the 6 points
    erin = dict(zip(head, rows[4]))
    assert (erin["status"], erin["score"], erin["points"]) == ("unreadable", "", "")
    assert erin["reason"].startswith("not JSON")
    assert b"\r" not in path.read_bytes() and len(rows) == 5
    assert {dict(zip(head, row))["late"] for row in rows} == {""}


def test_a_table_that_cannot_be_written_leaves_the_old_one(results, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    old = tmp_path / "scores.csv"
    write_csv(results, old)
    before = old.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_csv(results, old)
    assert old.read_bytes() == before and list(tmp_path.glob("*.csv*")) == [old]


def test_long_csv_has_a_row_for_each_question(results, tmp_path):
    path = tmp_path / "questions.csv"
    write_csv(results, path, long=True)
    head, *rows = rows_of(path)
    bob = [dict(zip(head, row)) for row in rows if row[0] == "bob"]
    assert [row["question"] for row in bob] == ["01-walk", "01-best-rate", "01-why"]
    assert [row["score"] for row in bob] == ["0.5", "0", ""]
    assert [row["status"] for row in bob] == ["partly", "wrong", "manual"]
    assert [row["name"] for row in bob] == ["bob"] * 3
    assert next(row for row in rows if row[0] == "erin")[3] == "unreadable"
    assert len(rows) == 4 * 3 + 1


# Marks of a person


def mark(path: Path, marks: dict, encoding="utf-8", **form) -> Path:
    """Write {(student, question): mark} into a long table, as a spreadsheet does."""
    head, *rows = rows_of(path)
    for row in rows:
        cells = dict(zip(head, row))
        row[head.index("mark")] = marks.get((cells["student"], cells["question"]), cells["mark"])
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, **form).writerows([head, *rows])
    return path


@pytest.fixture
def table(results, tmp_path):
    """The long table of the five students."""
    path = tmp_path / "questions.csv"
    assert write_csv(results, path, long=True)["waiting"] == 4
    return path


def scores_with(results, *tables):
    """What `scores.csv` says of each student, and how many answers wait."""
    path = tables[0].with_name("scores.csv")
    waiting = write_csv(results, path, marks=tables)["waiting"]
    head, *rows = rows_of(path)
    return {row[0]: dict(zip(head, row)) for row in rows}, waiting


@pytest.mark.parametrize(
    "form",
    [{}, {"delimiter": ";", "encoding": "utf-8-sig"}, {"delimiter": "\t"}, {"encoding": "cp1252"}],
)
def test_marks_arrive_in_the_scores(results, table, form):
    comma = "2,5" if "delimiter" in form else "2.5"
    mark(table, {("anna", "01-why"): "3", ("bob", "01-why"): f" {comma}", ("dan", "01-why"): 0,
                 ("cleo", "01-why"): " "}, **form)  # fmt: skip
    name = ",Änna,".encode(form.get("encoding", "utf-8"))
    table.write_bytes(table.read_bytes().replace(b",anna,", name))
    scores, waiting = scores_with(results, table)
    assert waiting == 1  # Cleo's
    got = {name: (row["score"], row["by_hand"], row["reason"]) for name, row in scores.items()}
    assert got["anna"] == ("6", "0", "")  # of 6: who is perfect gets everything
    assert got["bob"] == ("3", "0", "") and got["dan"] == ("0", "0", "")
    assert got["cleo"] == ("0", "3", "") and got["erin"][:2] == ("", "0")


def test_a_mark_in_place_of_the_graders_score_is_told(results, table):
    mark(table, {("bob", "01-walk"): "1", ("bob", "01-best-rate"): "0.75", ("anna", "01-walk"): 0})
    scores, _ = scores_with(results, table)
    assert (scores["bob"]["score"], scores["anna"]["score"]) == ("1.75", "2")
    assert scores["bob"]["reason"] == (
        "1.1: 1 by hand, 0.5 of the grader's; 1.3: 0.75 by hand, 0 of the grader's"
    )


def test_marks_outlive_another_grading(results, table):
    """The table is written anew with the marks in it, and a score that the grader has changed since
    is the new one: only the column of marks is read."""
    mark(table, {("anna", "01-why"): "3", ("bob", "01-walk"): "1"})
    save(results, result("bob", [walk("wrong", (0, 0, 0)), best("right", True), why()]))
    save(results, result("zoe", [walk("right", (1, 1, 1)), best("right", True), why()]))
    again = table.with_name("questions-2.csv")
    assert (
        write_csv(results, again, long=True, marks=[table])["waiting"] == 4
    )  # and Zoe's, but not Anna's
    for each in (table, again):
        scores, waiting = scores_with(results, each)
        assert waiting == 4
        got = {name: row["score"] for name, row in scores.items()}
        assert (got["anna"], got["bob"], got["zoe"]) == ("6", "3", "3")


@pytest.mark.parametrize(
    ("who", "question", "value", "words"),
    [
        ("anna", "01-why", "3.5", "row 4: mark must be a number from 0 to 3, got '3.5'"),
        ("anna", "01-why", "-1", "row 4: mark must be a number from 0 to 3, got '-1'"),
        ("anna", "01-why", "good", "row 4: mark must be a number from 0 to 3, got 'good'"),
        ("bob", "01-walk", "nan", "row 5: mark must be a number from 0 to 1, got 'nan'"),
    ],
)
def test_a_mark_that_cannot_be_right_stops_with_its_row(
    results, table, who, question, value, words
):
    mark(table, {(who, question): value})
    with pytest.raises(ValueError, match=r"questions\.csv, row \d+") as error:
        scores_with(results, table)
    assert words in str(error.value)
    assert not table.with_name("scores.csv").exists()


@pytest.mark.parametrize(
    ("old", "changed", "words"),
    [
        ("01-why,,,3,3,anna", "01-why,,3,3,,anna", "row 4: the points are in the column 'score'"),
        (",mark,", ",note,", "has no column 'mark'; expected the table"),
        ("student,", "", "has no column 'student'; expected the table"),
        (",name,", ",mark,", "has 2 columns 'mark'; expected the table"),
    ],
)
def test_a_table_that_was_changed_stops_with_its_row(results, table, old, changed, words):
    mark(table, {("anna", "01-why"): "3"}, lineterminator="\n")
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, changed))
    with pytest.raises(ValueError) as error:
        scores_with(results, table)
    assert words in str(error.value)


def test_a_mark_of_an_answer_that_is_gone_costs_no_other_its_mark(results, table):
    """A student who left, a question that was withdrawn, an id that a spreadsheet changed."""
    mark(table, {("anna", "01-why"): "3", ("bob", "01-why"): "2", ("cleo", "01-why"): "1"})
    shutil.rmtree(results / "students" / "anna")
    table.write_text(table.read_text().replace("cleo,", "Cleo,") + "a row that is cut off\n")
    scores = table.with_name("scores.csv")
    left_out = write_csv(results, scores, marks=[table])["marks_left_out"]
    assert [each.partition(", ")[2].partition(":")[0] for each in left_out] == ["row 4", "row 10"]
    assert "not in the results (student 'Cleo', " in left_out[1]
    head, *rows = rows_of(scores)
    assert {row[0]: row[head.index("by_hand")] for row in rows}["bob"] == "0"


def test_an_empty_table_of_marks_is_none(results, table):
    whole = table.read_text()
    table.write_text("")
    with pytest.raises(ValueError, match="has no column 'student'"):
        scores_with(results, table)
    table.write_text(f'{whole}"{"x" * 200_000}\n')
    with pytest.raises(ValueError, match=r"questions\.csv: field larger .*; save it as CSV anew"):
        scores_with(results, table)


def test_marks_of_two_markers_are_read_from_two_tables(results, table):
    other = table.with_name("other.csv")
    shutil.copy(table, other)
    mark(table, {("anna", "01-why"): "3", ("bob", "01-why"): "1"})
    mark(other, {("anna", "01-why"): "3,0", ("dan", "01-why"): "2"})
    scores, waiting = scores_with(results, table, other)
    assert waiting == 1  # Cleo's
    assert [scores[name]["score"] for name in ("anna", "bob", "dan")] == ["6", "1.5", "2"]
    mark(other, {("bob", "01-why"): "2"})
    with pytest.raises(ValueError, match=r"other\.csv, row 7: a second mark for bob .* leave one"):
        scores_with(results, table, other)


def test_a_mark_given_when_the_question_had_other_points_is_asked_about(results, table):
    mark(table, {("anna", "01-why"): "3"})
    save(results, result("anna", [{**why(), "points": 6.0}]))
    with pytest.raises(ValueError, match=r"row 4: the mark is one of 3 points, .* has 6 now"):
        scores_with(results, table)
    text = table.read_text()
    assert text.count("manual,01-why,,,3,3,anna") == 1
    for points in ("6", ""):
        now = text.replace("manual,01-why,,,3,3,anna", f"manual,01-why,,,{points},3,anna")
        table.write_text(now)
        assert scores_with(results, table)[0]["anna"]["score"] == "3"


def test_a_mark_finds_an_answer_whose_question_looks_like_a_formula(results, table):
    save(results, result("zoe", [{**why(), "grade_id": "=why"}]))
    write_csv(results, table, long=True)
    mark(table, {("zoe", "'=why"): "3"})
    assert scores_with(results, table)[0]["zoe"]["score"] == "3"


@pytest.mark.parametrize("long", [True, False])
def test_a_table_that_says_something_else_is_kept_beside_the_new_one(results, table, long):
    path = table if long else table.with_name("scores.csv")
    write_csv(results, path, long=long)
    assert write_csv(results, path, long=long)["kept"] == ""  # the same is written again
    new = path.read_bytes()
    path.write_text("")
    assert write_csv(results, path, long=long)["kept"] == ""  # as mktemp makes one
    path.write_text("marks of a person")
    os.utime(path, (time.mktime((2026, 11, 22, 21, 5, 9, 0, 0, -1)),) * 2)
    old, kept = path.read_bytes(), path.with_name(f"{path.stem}-2026-11-22-210509.csv")
    assert write_csv(results, path, long=long)["kept"] == str(kept)
    assert (path.read_bytes(), kept.read_bytes()) == (new, old)
    assert len(list(path.parent.glob(f"{path.stem}*"))) == 2


def test_marks_are_taken_over_into_the_table_that_they_stand_in(results, table):
    mark(table, {("anna", "01-why"): "3"})
    save(results, result("zoe", [why()]))
    done = write_csv(results, table, long=True, marks=[table])
    assert done["waiting"] == 4 and Path(done["kept"]).is_file()
    assert scores_with(results, table)[0]["anna"]["score"] == "6"


# Late, and again


def test_late_and_further_copies_are_told(tmp_path):
    right = [walk("right", (1, 1, 1)), best("right", True)]
    late = "all.zip/anna_LATE_12_346_01_fixed_rates-1.ipynb"
    save(tmp_path, result("anna", right, origin=late))
    save(tmp_path, result("bob", right))
    unread = {"status": "unreadable", "notebook": "", "assignment": ""}
    copy = "all.zip/anna_12_345_01_fixed_rates.ipynb"
    save(tmp_path, result("anna", origin=copy, reason=IGNORED.format(late), **unread))
    # of Cleo nothing was graded: her copy stays a row of its own
    gone = IGNORED.format("cleo/01_fixed_rates.ipynb")
    save(tmp_path, result("cleo", origin="cleo/old.ipynb", reason=gone, **unread))
    anna, bob, cleo = report.load(tmp_path)
    assert [each["code"] for each in anna["findings"]] == ["late", "copy"]
    assert copy in anna["findings"][1]["text"] and bob["findings"] == []
    assert cleo["status"] == "unreadable"
    write_csv(tmp_path, tmp_path / "scores.csv")
    head, *rows = rows_of(tmp_path / "scores.csv")
    assert [(row[0], dict(zip(head, row))["late"]) for row in rows] == [
        ("anna", "yes"),
        ("bob", ""),
        ("cleo", ""),
    ]
    text = text_of(report.write_report(tmp_path))
    assert "<dt>Not graded</dt><dd>1</dd>" in text
    assert "handed in late, as Canvas says" in text
    assert f"handed in as well and not graded: {copy}" in text
    assert copy in text_of(tmp_path / "report" / "anna.html")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n="])
def test_csv_holds_no_formula(tmp_path, start):
    text = start + 'HYPERLINK("http://127.0.0.1:9/","click"),x\n"y"'
    save(tmp_path, result("mallory", name=text, origin=text, status="unreadable", reason=text))
    write_csv(tmp_path, tmp_path / "scores.csv")
    head, row = rows_of(tmp_path / "scores.csv")
    for name in ("name", "reason", "origin"):
        assert dict(zip(head, row))[name] == "'" + text


def test_csv_holds_no_nul_and_numbers_in_full(tmp_path):
    third = {**walk("wrong", (0, 0, 0), reason="a\x00=b\ud800"), "score": 1 / 3}
    save(tmp_path, result("eve", [third]))
    for _ in range(2):
        assert write_csv(tmp_path, tmp_path / "long.csv", long=True)["kept"] == ""
    text = (tmp_path / "long.csv").read_bytes()
    assert b"a=b" in text and b"\x00" not in text and b",0.333333,1," in text
