"""From a submitted notebook to what is run of it: honest accidents cost nothing, tricks gain
nothing, and whatever the file is, the worst that happens is a ValueError in words."""

import ast
import copy
import json
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.grade.intake import notebook as reading
from course_lib.grade.intake.assignment import Assignment, AssignmentCell, Question
from course_lib.grade.intake.match import Finding, Plan, Step, match
from course_lib.grade.intake.notebook import parsed, read_notebook

SETUP = 'import math\n\nframework = "torch"  # or "tensorflow"'
WALK = (
    'def walk(start, lr):\n    """Positions of the ball."""\n    {}\n\n\n# Try it: walk(8.0, 0.1)'
)
RATE = 'def rate(hessian):\n    """The critical rate."""\n    {}\n\n\n# Try it: rate([[1]])'
STUB = "# YOUR CODE HERE\n    raise NotImplementedError()"
MY_WALK, MY_RATE = WALK.format("return [start, lr]"), RATE.format("return 2 / hessian")
CHECK = 'from course_lib.checks import check\n\ncheck("{}", {})'


def ours(grade_id, kind, source, released=None, points=0.0, cell_type="code", id=""):
    released = source if released is None else released
    return AssignmentCell(
        grade_id, kind, cell_type, source, released, id or f"id-{grade_id}", points
    )


def asked(grade_id, name, answer, exercise=""):
    return Question(grade_id, exercise, "", 1.0, (answer,), name)


LESSON = Assignment(
    "01_lesson",
    (
        ours("", "given", "# Lesson", cell_type="markdown", id="id-head"),
        ours("setup", "given", SETUP),
        ours("a-walk", "answer", WALK.format("return []"), WALK.format(STUB)),
        ours("c-walk", "check", CHECK.format(1, "walk") + "\nHIDDEN", CHECK.format(1, "walk"), 1.0),
        ours("more", "given", "TABLE = [1, 2]"),
        ours("a-rate", "answer", RATE.format("return 0"), RATE.format(STUB)),
        ours("c-rate", "check", CHECK.format(2, "rate") + "\nHIDDEN", CHECK.format(2, "rate"), 1.0),
        ours(
            "words", "question", "Why?", "Why does it\ngrow?\n\nYOUR ANSWER HERE", 3.0, "markdown"
        ),
    ),
    (
        asked("c-walk", "walk", "a-walk", "1"),
        asked("c-rate", "rate", "a-rate", "2"),
        asked("words", "", "words"),
    ),
)


def cell(source, grade_id=None, kind="code", id=None, **options):
    made = {"cell_type": kind, "metadata": {}, "source": source, "id": id or f"id-{grade_id}"}
    if grade_id is not None:
        made["metadata"]["nbgrader"] = {"grade_id": grade_id, **options}
    return made


def submitted():
    """An honest notebook, as the cells of a JSON file."""
    check = {"grade": True, "solution": False, "points": 1}
    return [
        cell("# Lesson", kind="markdown", id="id-head"),
        cell(SETUP, "setup", grade=False, solution=False),
        cell(MY_WALK, "a-walk", grade=False, solution=True),
        cell(CHECK.format(1, "walk"), "c-walk", **check),
        cell("TABLE = [1, 2]", "more"),
        cell(MY_RATE, "a-rate", grade=False, solution=True),
        cell(CHECK.format(2, "rate"), "c-rate", **check),
        cell("Why does it\ngrow?\n\nToo fast.", "words", "markdown",
             grade=True, solution=True, points=3),
    ]  # fmt: skip


def text_of(cells, **more):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **more})


def plan_of(cells, lesson=LESSON, **more):
    return match(read_notebook(text_of(cells, **more)), lesson)


def steps(plan):
    return [(step.kind, step.grade_id) for step in plan.steps]


def codes(plan):
    return [(each.code, each.grade_id) for each in plan.findings]


HONEST = [("given", "setup"), ("answer", "a-walk"), ("given", "more"), ("answer", "a-rate")]


def test_an_honest_notebook():
    plan = plan_of(submitted())
    assert steps(plan) == HONEST
    assert plan.findings == () and not plan.missing and not plan.blank
    assert plan.answers == {
        "a-walk": MY_WALK, "a-rate": MY_RATE, "words": "Why does it\ngrow?\n\nToo fast."
    }  # fmt: skip
    assert [step.source for step in plan.steps] == [SETUP, MY_WALK, "TABLE = [1, 2]", MY_RATE]


def test_a_blank_notebook_is_blank_whatever_its_spaces():
    cells = submitted()
    cells[2]["source"] = [line + "\n" for line in WALK.format(STUB).split("\n")] + ["\n", "   "]
    cells[5]["source"], cells[7]["source"] = RATE.format(STUB), LESSON.cells[7].released
    plan = plan_of(cells)
    assert plan.blank == {"a-walk", "a-rate", "words"} and not plan.missing
    assert steps(plan) == HONEST


def test_the_solution_itself_can_be_handed_in():
    cells = submitted()
    for made, own in zip(cells, LESSON.cells):
        made["source"] = own.source
    plan = plan_of(cells)
    assert steps(plan) == HONEST and plan.findings == ()


# Changes to single cells: (what is done to the cells, steps, findings)


def put(place, **change):
    return lambda cells: cells[place].update(change)


def marks(place, **change):
    return lambda cells: cells[place]["metadata"]["nbgrader"].update(change)


def add(place, *made):
    def change(cells):
        cells[place:place] = made

    return change


def drop(*places):
    return lambda cells: [cells.pop(place) for place in sorted(places, reverse=True)]


def both(*changes):
    return lambda cells: [change(cells) for change in changes]


EXTRA = ("extra", "")
WALK_FIRST, MORE_RATE = HONEST[:2], HONEST[2:]
CASES = {
    "own cells run, in their places": (
        both(add(8, cell("late = 1")), add(3, cell("mid = 1"), cell(" ")), add(0, cell("top = 1"))),
        [EXTRA, *WALK_FIRST, EXTRA, *MORE_RATE, EXTRA],
        [("extra", "")],
    ),
    "prose of one's own is nothing": (add(2, cell("Note", kind="markdown")), HONEST, []),
    "a check that was edited": (
        put(3, source=CHECK.format(1, "walk_2")),
        HONEST,
        [("edited", "c-walk")],
    ),
    "code added to a check": (
        put(3, source=f"import re\n{CHECK.format(1, 'walk')}  \nx = 1"),
        [*WALK_FIRST, EXTRA, *MORE_RATE],
        [("edited", "c-walk")],
    ),
    "a check that was removed": (drop(3), HONEST, [("removed", "c-walk")]),
    "a check made raw": (put(3, cell_type="raw"), HONEST, [("retyped", "c-walk")]),
    "a check twice": (add(8, submitted()[3]), HONEST, [("duplicated", "c-walk")]),
    "points raised": (marks(3, points=200), HONEST, [("edited", "c-walk")]),
    "points of odd types": (marks(3, points=[{}]), HONEST, [("edited", "c-walk")]),
    "flags turned": (marks(3, grade=False, solution=True), HONEST, [("edited", "c-walk")]),
    "an answer made a check": (marks(2, grade=True, points=9), HONEST, [("edited", "a-walk")]),
    "a given cell removed": (drop(1), HONEST, [("removed", "setup")]),
    "given prose removed": (drop(0), HONEST, []),
    "an answer removed": (drop(2), [HONEST[0], *MORE_RATE], [("removed", "a-walk")]),
    "an answer made raw": (put(2, cell_type="raw"), HONEST, [("retyped", "a-walk")]),
    "an answer made markdown": (put(2, cell_type="markdown"), HONEST, [("retyped", "a-walk")]),
    "a written answer made code": (put(7, cell_type="code"), HONEST, [("retyped", "words")]),
    "grade ids lost": (
        lambda cells: [each.update(metadata={}) for each in cells],
        HONEST,
        [],
    ),
    "cell ids doubled": (lambda cells: [each.update(id="same") for each in cells], HONEST, []),
    "a check above its answer": (
        lambda cells: cells.insert(2, cells.pop(3)),
        HONEST,
        [("moved", "c-walk")],
    ),
    "the second exercise first": (
        lambda cells: cells.insert(2, cells.pop(5)),
        [HONEST[0], HONEST[2], HONEST[3], HONEST[1]],
        [("moved", "a-rate")],
    ),
    "setup at the end": (
        lambda cells: cells.append(cells.pop(1)),
        HONEST,
        [("moved", "setup")],
    ),
    "code written over prose": (
        put(0, cell_type="code", source="import re"),
        [EXTRA, *HONEST],
        [("extra", "")],
    ),
    "magics are left to the sandbox": (
        add(3, cell("%%bash\nls")),
        [*WALK_FIRST, EXTRA, *MORE_RATE],
        [("extra", "")],
    ),
    "cells of another course": (
        add(3, cell("x = 1", "elsewhere")),
        [*WALK_FIRST, EXTRA, *MORE_RATE],
        [("extra", "")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_changed_notebooks(name):
    change, wanted, found = CASES[name]
    cells = submitted()
    change(cells)
    plan = plan_of(cells)
    assert (steps(plan), codes(plan)) == (wanted, found)
    assert "walk" not in plan.answers.get("a-rate", "")
    given = [step.source for step in plan.steps if step.kind == "given"]
    assert given == [SETUP, "TABLE = [1, 2]"]
    assert not any("check" in step.source for step in plan.steps)
    assert plan.missing == ({"a-walk"} if name == "an answer removed" else set())
    assert not plan.blank and plan.answers["words"].endswith("Too fast.")


# Given cells


@pytest.mark.parametrize("line", ['framework = "tensorflow"', "framework='tensorflow'"])
def test_the_framework_is_the_students_choice(line):
    cells = submitted()
    cells[1]["source"] = f'import math\n\n{line}  # or "tensorflow"'
    plan = plan_of(cells)
    assert plan.steps[0].source == SETUP.replace('"torch"', '"tensorflow"')
    assert steps(plan) == HONEST and plan.findings == ()


def test_of_two_framework_lines_the_last_one_counts_as_in_a_notebook():
    cells = submitted()
    cells[1]["source"] = SETUP + '\nframework = "tensorflow"'
    assert plan_of(cells).steps[-4].source == SETUP.replace('"torch"', '"tensorflow"')


@pytest.mark.parametrize("line", ['framework = "jax"', 'framework = "torch"; import os', "x = 1"])
def test_another_framework_is_not(line):
    cells = submitted()
    cells[1]["source"] = f"import math\n\n{line}"
    plan = plan_of(cells)
    assert Step("given", "setup", SETUP) in plan.steps and codes(plan) == [("edited", "setup")]


def test_what_was_added_to_a_given_cell_runs_before_it_and_replaces_nothing():
    cells = submitted()
    cells[1]["source"] = "import math, random\n\nframework = \"tensorflow\"\nTABLE = 'mine'"
    plan = plan_of(cells)
    assert steps(plan) == [("extra", "setup"), *HONEST] and codes(plan) == [("edited", "setup")]
    assert plan.steps[1].source == SETUP.replace('"torch"', '"tensorflow"')


def test_given_cells_keep_their_own_order():
    cells = submitted()
    cells[1], cells[4] = cells[4], cells[1]
    assert steps(plan_of(cells))[:3] == [
        ("given", "setup"),
        ("given", "more"),
        ("answer", "a-walk"),
    ]


def test_given_code_that_was_deleted_runs_right_after_what_it_followed():
    uses = ours("uses", "given", "walk(1, 2)")
    lesson = replace(LESSON, cells=(*LESSON.cells[:3], uses, *LESSON.cells[3:]))
    cells = submitted()
    cells.insert(3, cell("mine = 1", id="mine"))
    assert steps(plan_of(cells, lesson)) == [*HONEST[:2], ("given", "uses"), EXTRA, *HONEST[2:]]


# Answers elsewhere


def test_a_grade_id_counts_more_than_a_cell_id():
    cells = submitted()
    cells[2]["id"] = "new"
    cells.insert(4, cell("mine = 1", id="id-a-walk"))
    plan = plan_of(cells)
    assert plan.answers["a-walk"] == MY_WALK and EXTRA in steps(plan)
    assert ("duplicated", "a-walk") not in codes(plan)


def test_the_last_copy_of_an_answer_counts_and_the_others_may_help():
    cells = submitted()
    cells.insert(6, cell(WALK.format("return helper(start)"), "a-walk"))
    cells[2]["source"] = MY_WALK + "\n\ndef helper(x):\n    return x"
    plan = plan_of(cells)
    assert plan.answers["a-walk"] == WALK.format("return helper(start)")
    assert steps(plan) == [HONEST[0], EXTRA, *MORE_RATE, HONEST[1]]
    assert ("duplicated", "a-walk") in codes(plan) and not plan.missing
    assert plan.findings[0].text == "in the notebook 2 times; cell 7 counts"


LEFT = {  # finished above what raises, and written below what asks for it
    "returned": MY_WALK.replace("lr]", "lr]\n    " + STUB),
    "generated": WALK.format("yield start\n    return\n    " + STUB),
    "in one line": "walk = lambda start, lr: [start, lr]\n\n" + STUB.replace("    ", ""),
    "again": WALK.format(STUB) + "\n\n" + MY_WALK,
    "a class": "class walk(list):\n    pass\n\n\n" + STUB.replace("    ", ""),
}


@pytest.mark.parametrize("work", LEFT.values(), ids=LEFT)
def test_finished_work_above_the_lines_of_its_stub_counts(work):
    """Before a blank copy, a first draft in an own cell, and one in another exercise's check."""
    blank = cell(WALK.format(STUB), "a-walk")
    draft = "def walk(start, lr):\n    return 0"
    for place, added in [(3, blank), (2, cell(draft)), (6, None)]:
        cells = submitted()
        cells[2]["source"] = work
        if added:
            cells.insert(place, added)
        else:
            cells[place]["source"] = f"{draft}\n\n{cells[place]['source']}"
        plan = plan_of(cells)
        assert plan.answers["a-walk"] == work and not plan.blank
    alone = blank_of_last_year()
    alone[2]["source"] = work
    assert plan_of(alone).begun


def test_an_answer_in_words_below_the_line_that_asks_for_it_counts():
    cells = submitted()
    written = f"{UNWRITTEN}\n\nToo fast."
    cells[7]["source"] = written
    cells.append(cell(UNWRITTEN, "words", "markdown"))
    assert plan_of(cells).answers["words"] == written
    alone = blank_of_last_year()
    alone[7]["source"] = written
    assert plan_of(alone).begun


@pytest.mark.parametrize("copied", [WALK.format(STUB), "# Try it: walk(8.0, 0.1)", ""])
def test_an_untouched_copy_or_the_other_half_of_a_cell_does_not_count(copied):
    cells = submitted()
    cells.insert(3, cell(copied, "a-walk"))
    plan = plan_of(cells)
    assert plan.answers["a-walk"] == MY_WALK and not plan.blank
    assert Step("answer", "a-walk", MY_WALK) in plan.steps
    assert all(step.source != WALK.format(STUB) for step in plan.steps)


def test_an_answer_in_a_cell_of_ones_own_replaces_the_stub():
    cells = submitted()
    cells[2]["source"] = WALK.format(STUB)
    cells.insert(2, cell(MY_WALK))
    plan = plan_of(cells)
    assert steps(plan) == HONEST and plan.answers["a-walk"] == MY_WALK
    assert codes(plan) == [("found", "a-walk")] and not plan.blank


@pytest.mark.parametrize("stub", [True, False])
def test_an_answer_in_the_cell_of_another_exercise(stub):
    cells = submitted()
    cells[2]["source"] = MY_WALK + "\n\n" + MY_RATE
    if stub:
        cells[5]["source"] = RATE.format(STUB)
    else:
        cells.pop(5)
    plan = plan_of(cells)
    assert steps(plan) == HONEST[:3] and plan.answers["a-rate"] == cells[2]["source"]
    assert ("found", "a-rate") in codes(plan) and not plan.missing and not plan.blank


@pytest.mark.parametrize("place", [3, 6])
def test_an_answer_in_the_cell_of_a_check(place):
    """There the check says that it is right."""
    cells = submitted()
    cells[2]["source"] = WALK.format(STUB)
    cells[place]["source"] = f"{MY_WALK}\n\n{cells[place]['source']}"
    plan = plan_of(cells)
    assert plan.answers["a-walk"] == cells[place]["source"] and not plan.blank
    assert Step("extra", "", MY_WALK) in plan.steps
    assert all(step.source != WALK.format(STUB) for step in plan.steps)
    assert ("found", "a-walk") in codes(plan)


def test_of_several_answers_in_cells_of_other_kinds_the_last_counts():
    cells = submitted()
    cells[2]["source"] = WALK.format(STUB)
    for place in (1, 5):
        cells[place]["source"] += f"\n\ndef walk(start, lr):\n    return {place}"
    assert plan_of(cells).answers["a-walk"] == cells[5]["source"]


def test_a_function_in_prose_answers_nothing():
    cells = submitted()
    cells[2]["source"] = WALK.format(STUB)
    cells[0]["source"] = cells[7]["source"] = MY_WALK
    plan = plan_of(cells)
    assert plan.blank == {"a-walk"} and ("found", "a-walk") not in codes(plan)


def test_what_was_handed_out_before_a_change_accuses_nobody():
    cells = submitted()
    cells[3]["metadata"]["nbgrader"]["points"] = 2
    cells[6]["source"] = CHECK.format(2, "critical_rate")
    found = plan_of(cells).findings
    assert [each.grade_id for each in found] == ["c-walk", "c-rate"]
    assert all("not as it is handed out now" in each.text for each in found)
    assert not any(word in each.text for each in found for word in ("student", "changed"))


@pytest.mark.parametrize("source", [MY_WALK, "walk = lambda start, lr: []"])
def test_an_answer_that_lost_its_ids(source):
    cells = submitted()
    cells[2] = cell(source, id="new")
    plan = plan_of(cells)
    assert steps(plan) == HONEST and plan.answers["a-walk"] == source and not plan.missing
    assert [each.text for each in plan.findings] == ["taken from cell 3, which defines its name"]


def test_a_written_answer_that_lost_its_ids():
    cells = submitted()
    cells[7] = cell("Why does it\ngrow?\n\nIt does not.", kind="markdown", id="new")
    plan = plan_of(cells)
    assert plan.answers["words"].endswith("It does not.") and not plan.missing


UNWRITTEN = LESSON.cells[7].released


@pytest.mark.parametrize("kind", ["markdown", "code", "raw"])
@pytest.mark.parametrize("left", [UNWRITTEN, UNWRITTEN.replace("Why", "How"), "", None])
def test_a_written_answer_in_new_cells_below_its_question(left, kind):
    """The usual way in JupyterLab, where a new cell is one of code at first."""
    cells, words = submitted(), ["# Every step is larger than\n# the last.", "Too fast."]
    cells[7:] = [] if left is None else [cell(left, "words", "markdown")]
    cells += [cell(words[0], kind=kind, id="new"), cell(words[1], kind="markdown", id="newer")]
    plan = plan_of(cells)
    assert plan.answers["words"].endswith("\n\n".join(words)) and plan.begun
    assert "words" not in plan.missing | plan.blank
    place = 8 + (left is not None)
    assert Finding("found", "words", f"answered below it, from cell {place} on") in plan.findings
    assert ("removed", "words") not in codes(plan)


@pytest.mark.parametrize("source", ['"""{}"""', 'answer = """{}"""', 'print(f"""{{x}}: {}""")'])
def test_an_answer_in_words_may_be_a_text_in_a_cell_of_code(source):
    cells = submitted()
    cells[7]["source"] = UNWRITTEN
    source = source.format("Every step is larger than\nthe last one.")
    plan = plan_of([*cells, cell(source, id="new")])
    assert "the last one." in plan.answers["words"] and plan.blank == set()


@pytest.mark.parametrize(
    "added",
    [
        cell("", kind="markdown", id="new"),
        cell("for step in range(9):\n    print(walk(step, 0.1))", id="new"),
        cell("# Lesson", kind="markdown", id="the editor changed it"),
        cell("from x import cosine as c", id="new"),
        cell("x = a if b else c", id="new"),
        cell("assert x is not None and y", id="new"),
        cell("print('the rate')", id="new"),
    ],
)
def test_what_is_no_answer_in_words_stays_none(added):
    cells = submitted()
    cells[7]["source"] = UNWRITTEN
    cells[0:1] = [] if added["source"] == "# Lesson" else cells[0:1]
    plan = plan_of([*cells, added])
    assert plan.blank == {"words"} and plan.answers["words"] == UNWRITTEN


def test_one_cell_of_words_answers_one_question():
    """Where the questions themselves are gone."""
    more = ours("more-words", "question", "How?", "How\nfar?\n\nYOUR ANSWER HERE", 3.0, "markdown")
    questions = (*LESSON.questions, asked("more-words", "", "more-words"))
    lesson = replace(LESSON, cells=(*LESSON.cells, more), questions=questions)
    cells = [*submitted()[:7], cell("Every step is larger.", kind="markdown", id="new")]
    plan = plan_of(cells, lesson)
    assert plan.answers.keys() == {"a-walk", "a-rate", "words"} and plan.missing == {"more-words"}


def test_words_below_another_cell_or_a_written_answer_are_notes():
    cells, note = submitted(), "A note about what I saw in the run."
    cells.insert(3, cell(note, kind="markdown", id="new"))
    plan = plan_of([*cells, cell(note, kind="markdown", id="newer")])
    assert plan.answers["words"] == cells[8]["source"] and plan.findings == ()
    for own in ([], [cells[0]], [cells[0], cells[1]]):  # a lesson has its first cells alone
        assert plan_of([*own, cells[3]]).missing == set(plan.answers)


def blank_of_last_year():
    """All as it was handed out, before a docstring was put right."""
    cells = submitted()
    cells[2]["source"] = WALK.format(STUB).replace("Positions", "Positons")
    cells[5]["source"], cells[7]["source"] = RATE.format(STUB), UNWRITTEN
    return cells


def test_a_stub_of_before_a_change_is_no_work():
    cells = blank_of_last_year()
    assert not plan_of(cells).begun and plan_of(submitted()).begun
    plan = plan_of([*cells[:2], cell(MY_WALK, id="new"), *cells[2:]])
    assert plan.answers["a-walk"] == MY_WALK and plan.begun
    cells[2]["source"] = WALK.format("return [start, lr]\n    " + STUB)  # what works is run
    assert "a-walk" not in plan_of(cells).blank


@pytest.mark.parametrize("place", ["answer", "own", "check", "other check"])
def test_a_function_under_the_name_that_its_check_asks_for(place):
    """In the notebook the check says "Correct"."""
    cells, mine = submitted(), MY_WALK.replace("def walk", "def my_walk")
    cells[2]["source"] = mine if place == "answer" else WALK.format(STUB)
    cells[3]["source"] = CHECK.format(1, "my_walk")
    if place == "own":
        cells.insert(2, cell(mine, id="new"))
    elif place != "answer":
        number = 3 if place == "check" else 6
        cells[number]["source"] = f"{mine}\n\n{cells[number]['source']}"
    plan = plan_of(cells)
    assert plan.called == {"c-walk": "my_walk"} and not plan.blank | plan.missing
    assert mine in plan.answers["a-walk"]
    assert any("`my_walk`" in each.text for each in plan.findings if each.grade_id == "c-walk")


@pytest.mark.parametrize(
    "form",
    [
        'check(\n    "1",\n    my_walk,\n)',  # as Black and Ruff write it
        'check("1", answer=my_walk)',
        'result = check("1", my_walk)  # mine',
        '%matplotlib inline\ncheck("1", my_walk);',
    ],
)
def test_a_check_may_be_written_in_any_way(form):
    cells = submitted()
    cells[2]["source"] = MY_WALK.replace("def walk", "def my_walk")
    cells[3]["source"] = f"from course_lib.checks import check\n\n{form}"
    assert plan_of(cells).called == {"c-walk": "my_walk"}


@pytest.mark.parametrize(
    "check",
    [
        CHECK.format(1, "walk") + '\ncheck("1", my_walk)',
        CHECK.format(1, "my_walk(1)"),
        CHECK.format(1, "nobody_s"),
        CHECK.format(2, "my_walk"),
        'check("1", my_walk',
    ],
)
def test_a_check_that_asks_for_ours_or_for_nothing_changes_no_name(check):
    cells = submitted()
    cells[3]["source"] = check
    cells.insert(2, cell("def my_walk():\n    pass", id="new"))
    assert plan_of(cells).called == {}


@pytest.mark.parametrize("name", ["walk", "my_walk"])
def test_a_helper_beside_a_stub_does_not_finish_it(name):
    cells, mine = submitted(), MY_WALK.replace("def walk", f"def {name}")
    cells[2]["source"] = "def helper(x):\n    return x\n\n\n" + WALK.format(STUB)
    cells[3]["source"] = CHECK.format(1, name)
    cells.insert(3, cell(mine, id="new"))
    plan = plan_of(cells)
    assert plan.answers["a-walk"] == mine
    assert plan.called == ({} if name == "walk" else {"c-walk": name})


@pytest.mark.parametrize("place", ["own", "other"])
def test_a_name_left_over_in_a_check_costs_a_finished_answer_nothing(place):
    cells = submitted()
    cells[3]["source"] = CHECK.format(1, "old_walk")
    old = "def old_walk(start, lr):\n    return []"
    if place == "own":
        cells.insert(2, cell(old, id="new"))
    else:
        cells[2]["source"] = f"{old}\n\n{MY_WALK}"
    assert plan_of(cells).called == {}


def test_an_empty_notebook_has_nothing():
    plan = plan_of([])
    assert steps(plan) == [("given", "setup"), ("given", "more")]
    assert plan.missing == {"a-walk", "a-rate", "words"} and plan.answers == {}


# Reading


def test_every_way_to_write_a_cell():
    odd = [
        {"cell_type": "code", "source": ["a = 1\n", "b = 2"]},
        {"cell_type": "code"},
        {"cell_type": "heading", "source": "Title", "metadata": None},  # of nbformat 3
        {"cell_type": ["code"], "source": "x", "metadata": {"nbgrader": 3}},
        {
            "cell_type": "code",
            "source": "c = '\ud800'\r\n",
            "metadata": {"nbgrader": {"grade_id": 5}},
        },
        {
            "cell_type": "code",
            "source": "",
            "id": {},
            "metadata": {"nbgrader": {"grade_id": ["x"]}},
        },
    ]
    cells = read_notebook("\ufeff" + text_of(odd, nothing=float("nan")))
    assert [each.cell_type for each in cells] == ["code", "code", "raw", "raw", "code", "code"]
    assert [each.source for each in cells] == ["a = 1\nb = 2", "", "Title", "x", "c = '?'\n", ""]
    assert {(each.id, each.grade_id) for each in cells} == {("", "")}


def test_of_a_key_written_twice_the_last_counts():
    text = '{"nbformat": 9, "nbformat": 4, "cells": [3], "cells": []}'
    assert read_notebook(text) == ()


DEEP = "[" * 100_000
REFUSED = {
    "": "not JSON",
    "{": "not JSON",
    DEEP: "nested too deeply",
    '{"a":' * 100_000: "nested too deeply",
    '{"nbformat": 4, "cells": ' + "9" * 10_000 + "}": "not JSON",
    "[]": "a JSON list, expected an object",
    "null": "a JSON NoneType",
    "{}": "nbformat is not 4",
    '{"nbformat": 3}': "nbformat is not 4",
    '{"nbformat": 5}': "nbformat is not 4",
    '{"nbformat": [4]}': "nbformat is not 4",
    '{"nbformat": NaN}': "nbformat is not 4",
    '{"nbformat": 4}': "cells are a NoneType",
    '{"nbformat": 4, "cells": {}}': "cells are a dict",
    text_of([[]]): "cell 1 is a list",
    text_of([cell(5)]): "source of its cell 1 is not text",
    text_of([cell(["a", 5])]): "source of its cell 1 is not text",
    text_of([cell("")] * (reading.MOST_CELLS + 1)): "2,001 cells",
}


@pytest.mark.parametrize("text", REFUSED, ids=REFUSED.values())
def test_what_cannot_be_read_is_said(text):
    with pytest.raises(ValueError) as error:
        read_notebook(text)
    assert REFUSED[text] in str(error.value) and len(str(error.value)) < 300
    assert type(error.value) is ValueError


def test_an_answer_in_words_that_was_cut_says_so():
    cells = submitted()
    for each in cells:
        if each["cell_type"] == "markdown":
            each["source"] += "x" * 200_000
    words = plan_of(cells).answers["words"]
    assert len(words) > 190_000 and words.endswith("xxx\n\n(cut here: it was longer)")


@pytest.mark.parametrize("place", range(8))
def test_a_cell_that_is_too_long_costs_itself(place):
    """An answer, an own cell, prose or a picture pasted into an answer in words."""
    cells = submitted()
    cells[place]["source"] = "x" * 10**7
    plan = plan_of([*cells, cell("#" * 10**7)])
    answers = {"a-walk": MY_WALK, "a-rate": MY_RATE, "words": "Why does it\ngrow?\n\nToo fast."}
    kept = {id: text for id, text in answers.items() if plan.answers[id] == text}
    assert len(kept) == (2 if place in (2, 5, 7) else 3)
    assert {id for kind, id in steps(plan) if kind == "answer"} == {"a-walk", "a-rate"}
    assert all(len(step.source) <= reading.LONGEST_SOURCE for step in plan.steps)
    with pytest.raises(ValueError, match="10,000,000 characters, more than 200,000"):
        exec(plan.steps[-1].source)


@pytest.mark.parametrize(
    "source",
    [
        "a = " + "-" * 199_000,
        "\n" * 200_000,
        "a\n" * 99_000,
        "def f(): 1\n" * 14_000,
        "x" * 200_000,
    ],
    ids=["minus", "lines", "names", "functions", "word"],
)
def test_matching_long_sources_does_not_hang(source):
    """Twenty such cells among which three lost answers are looked for."""
    plan = plan_of([cell(source, id=str(number)) for number in range(20)])
    assert len([step for step in plan.steps if step.kind != "given"]) in (0, 20)


def test_odd_ids_are_only_ids_that_nobody_knows():
    odd = [
        "a-w\u0430lk",
        "a-walk\0",
        "a-walk ",
        "A-WALK",
        "x" * 10_000,
        "",
        None,
        5,
        ["a-walk"],
        {},
    ]
    cells = [cell("y = 1", each, id=f"{number}") for number, each in enumerate(odd)]
    plan = plan_of(cells)
    assert plan.missing == {"a-walk", "a-rate", "words"}
    assert all(len(each.text) < 200 and len(each.grade_id) < 20 for each in plan.findings)


# Anything at all


def holds(plan):
    """What every plan must keep, whatever was handed in."""
    assert isinstance(plan, Plan) and all(isinstance(each, Finding) for each in plan.findings)
    given = [step.grade_id for step in plan.steps if step.kind == "given"]
    assert given == ["setup", "more"]
    answers = [step.grade_id for step in plan.steps if step.kind == "answer"]
    assert len(set(answers)) == len(answers) and set(answers) <= {"a-walk", "a-rate"}
    places = {step.grade_id: place for place, step in enumerate(plan.steps) if step.kind != "extra"}
    for answer, before in (("a-walk", "setup"), ("a-rate", "setup"), ("a-rate", "more")):
        assert places.get(answer, 99) > places[before]
    assert plan.missing | plan.answers.keys() == {"a-walk", "a-rate", "words"}
    assert not plan.missing & plan.answers.keys() and plan.blank <= plan.answers.keys()
    json.dumps([vars(step) for step in plan.steps]).encode()
    "".join(step.source for step in plan.steps).encode()


def try_it(text):
    try:
        notebook = read_notebook(text)
        plan = match(notebook, LESSON)
    except ValueError as error:
        assert type(error) is ValueError and str(error)
        return
    holds(plan)
    assert plan == match(notebook, LESSON)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)
IDS = st.sampled_from(["setup", "a-walk", "c-walk", "more", "a-rate", "c-rate", "words", "x", ""])
SOURCES = st.sampled_from(
    [SETUP, MY_WALK, MY_RATE, WALK.format(STUB), RATE.format(STUB), f"{MY_WALK}\n\n{MY_RATE}", "x"]
)
CELLS = st.builds(
    lambda source, grade_id, kind, id: cell(source, grade_id, kind, id),
    SOURCES | VALUES,
    IDS | VALUES,
    st.sampled_from(["code", "markdown", "raw"]) | VALUES,
    IDS.map("id-{}".format) | VALUES,
)
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(st.text(max_size=30) | VALUES.map(json.dumps))
def test_any_text_is_read_or_refused(text):
    try_it(text)


@many
@given(st.lists(CELLS | VALUES, max_size=12), st.just(4) | VALUES)
def test_any_cells_are_matched_or_refused(cells, version):
    try_it(json.dumps({"nbformat": version, "cells": cells}))


@many
@given(st.data())
def test_any_change_of_an_honest_notebook(data):
    cells = submitted()
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(cells) - 1)) if cells else 0
        what = data.draw(st.sampled_from(["drop", "copy", "move", "source", "id", "type", "new"]))
        if what == "new" or not cells:
            cells.insert(place, data.draw(CELLS))
        elif what == "drop":
            cells.pop(place)
        elif what == "copy":
            cells.append(copy.deepcopy(cells[place]))
        elif what == "move":
            cells.insert(data.draw(st.integers(0, len(cells))), cells.pop(place))
        elif what == "source":
            cells[place]["source"] = data.draw(SOURCES)
        elif what == "id":
            cells[place]["metadata"] = {"nbgrader": {"grade_id": data.draw(IDS)}}
        else:
            cells[place]["cell_type"] = data.draw(st.sampled_from(["code", "markdown", "raw"]))
    try_it(text_of(cells))


def test_any_bytes_of_an_honest_notebook_changed():
    text, dice = text_of(submitted()), random.Random(3)
    for _ in range(300):
        made = list(text)
        for _ in range(dice.randint(1, 5)):
            made[dice.randrange(len(made))] = dice.choice('{}[]",:\\0a\n\u00e9')
        try_it("".join(made))


def test_a_line_of_plain_python_may_begin_with_a_percent_sign():
    assert "Mod()" in ast.dump(parsed("seven = (\n    15\n    % 8\n)"))
    assert "Mod()" not in ast.dump(parsed("%matplotlib inline\nx = 1"))
