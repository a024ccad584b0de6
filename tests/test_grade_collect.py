"""Collecting what students handed in: every layout, every hostile file, no student lost."""

import io
import json
import os
import re
import socket
import stat
import struct
import unicodedata
import warnings
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.grade.intake import archive
from course_lib.grade.intake import collect as module
from course_lib.grade.intake.assignment import Assignment, AssignmentCell
from course_lib.grade.intake.collect import collect, student_id
from course_lib.grade.intake.piles import namesakes
from course_lib.grade.intake.piles import said as SAID


def lesson(name):
    grade_id = f"{name}-answer"
    return Assignment(name, (AssignmentCell(grade_id, "answer", "code", "", "", f"id-{name}"),), ())


ASSIGNMENTS = {name: lesson(name) for name in ("01_rates", "02_decay")}
RATES = "01_rates.ipynb"


def notebook(of="01_rates", **more):
    cell = {"cell_type": "code", "source": "x = 1", "metadata": {"nbgrader": {}}}
    cell["metadata"]["nbgrader"]["grade_id"] = f"{of}-answer"
    return json.dumps({"nbformat": 4, "metadata": {}, "cells": [cell], **more})


TEXT = notebook()
DECAY = notebook("02_decay")


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def zipped(files, **options):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, content in files if isinstance(files, list) else files.items():
            made.writestr(name, content, **options)
    return memory.getvalue()


def found(folder):
    """(name, notebook, start of the problem) of each submission."""
    rows = collect(folder, ASSIGNMENTS)
    for row in rows:
        assert (row.text is None) == (row.problem is not None)
        assert row.problem is not None or row.notebook in ASSIGNMENTS
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,80}", row.student)
        json.dumps(vars(row), ensure_ascii=False).encode()
    origins = [row.origin for row in rows]
    assert len(set(origins)) == len(origins)
    graded = [(row.student, row.assignment, row.notebook) for row in rows if row.notebook]
    assert len(set(graded)) == len(graded)  # one result file each
    assert rows == collect(folder, ASSIGNMENTS)
    return [(row.name, row.notebook, row.problem) for row in rows]


def the(folder):
    """The only submission."""
    ((_, notebook, problem),) = found(folder)
    return notebook, problem


# Layouts

ALICE = [("alice", "01_rates", None)]
BO = "Bo_9_assignsubmission_file"  # as Moodle 4 writes it; until then `_` stood at the end
MOODLE = "Lee Ann_123_assignsubmission_file"
LAST = {f"zoe/{RATES}": TEXT}
LAYOUTS = {
    "a folder": ({f"alice/{RATES}": TEXT}, ALICE),
    "nested": ({f"alice/home/work/{RATES}": TEXT, "alice/home/data.csv": "1"}, ALICE),
    "a file": ({"alice.ipynb": TEXT}, ALICE),
    "a zip": ({"alice.zip": zipped({RATES: TEXT})}, ALICE),
    "a folder in a zip": ({"alice.zip": zipped({f"alice/x/{RATES}": TEXT})}, ALICE),
    "a zip in a folder": ({"alice/work.zip": zipped({RATES: TEXT})}, ALICE),
    "a zip in a zip": ({"alice.zip": zipped({"in.zip": zipped({RATES: TEXT})})}, ALICE),
    "names of Windows": ({"alice.zip": zipped({f"alice\\{RATES}": TEXT})}, ALICE),
    "what systems add": (
        {
            f"alice/{RATES}": TEXT,
            f"alice/.ipynb_checkpoints/{RATES}": "old",
            "alice/._x.ipynb": "",
            ".DS_Store": "",
            "Thumbs.db": "",
            f"__MACOSX/{RATES}": "",
            "roster.csv": "alice",
        },
        ALICE,
    ),
    "mixed": (
        {
            f"alice/{RATES}": TEXT,
            "alice.zip": zipped({"02_decay.ipynb": DECAY}),
            "bob.ipynb": TEXT,
            "carl.zip": zipped({RATES: TEXT}),
            "dora_99_7_01_rates.ipynb": TEXT,
            f"{MOODLE}/{RATES}": TEXT,
        },
        [
            ("Lee Ann", "01_rates", None),
            ("alice", "01_rates", None),
            ("alice", "02_decay", None),
            ("bob", "01_rates", None),
            ("carl", "01_rates", None),
            ("dora_99", "01_rates", None),
        ],
    ),
    "two weeks of Moodle's in one folder": (
        {
            MOODLE + f"/{RATES}": TEXT,
            "Lee Ann_200_assignsubmission_file/02_decay.ipynb": DECAY,
            f"{BO}/{RATES}": TEXT,
        },
        [("Bo", "01_rates", None), ("Lee Ann", "01_rates", None), ("Lee Ann", "02_decay", None)],
    ),
    "two weeks of Blackboard's in one folder": (
        {
            f"Rates_alee_attempt_2026-10-09-13-01-00_{RATES}": TEXT,
            "Decay_alee_attempt_2026-10-16-13-01-00_02_decay.ipynb": DECAY,
            f"Rates_bob_attempt_2026-10-09-13-01-00_{RATES}": TEXT,
        },
        [("alee", "01_rates", None), ("alee", "02_decay", None), ("bob", "01_rates", None)],
    ),
    "the teacher's own notes": (
        {
            "alice.ipynb": TEXT,
            "notes.txt": "",
            "README.md": "",
            "roster.xlsx": "",
            "zoe_7_9_answers.xlsx": "",
        },
        [*ALICE, ("zoe_7", None, "no notebook here; found answers.xlsx")],
    ),
    "folders with numbers, as only files of Canvas's have them": (
        {
            f"team_3_1_ann/{RATES}": TEXT,
            f"team_3_2_bob/{RATES}": TEXT,
            f"lee_2026_10_05/{RATES}": TEXT,
        },
        [(name, "01_rates", None) for name in ("lee_2026_10_05", "team_3_1_ann", "team_3_2_bob")],
    ),
    "Canvas's files in a folder with numbers": (
        {f"cs_101_2026_fall/{who}_7_{n}_{RATES}": TEXT for n, who in enumerate(("ann", "bob"))},
        [(name, "01_rates", None) for name in ("ann_7", "bob_7")],
    ),
    "one student's zip of Canvas, alone": (
        {"leeann_12_345_hw.zip": zipped({RATES: TEXT})},
        [("leeann_12", "01_rates", None)],
    ),
    "Canvas's files in a zip with numbers": (
        {
            "cs_101_2026_fall.zip": zipped(
                {f"{who}_7_{n}_{RATES}": TEXT for n, who in enumerate(("ann", "bob"))}
            )
        },
        [(name, "01_rates", None) for name in ("ann_7", "bob_7")],
    ),
    "Moodle's folders": (
        {
            f"{MOODLE}/{RATES}": TEXT,
            "Lee Ann_123_assignsubmission_onlinetext/onlinetext.html": "",
            "Lee Ann_123_assignsubmission_github/link.html": "",
            f"{BO}/x.pdf": "",
        },
        [("Bo", None, "no notebook here; found x.pdf"), ("Lee Ann", "01_rates", None)],
    ),
    "Moodle's namesakes": (
        {f"{MOODLE}/{RATES}": TEXT, f"{MOODLE.replace('123', '45')}/{RATES}": TEXT},
        [("Lee Ann_123", "01_rates", None), ("Lee Ann_45", "01_rates", None)],
    ),
    "Moodle's zip": (
        {"all.zip": zipped({f"{MOODLE}/{RATES}": TEXT, f"{BO}/{RATES}": TEXT})},
        [("Bo", "01_rates", None), ("Lee Ann", "01_rates", None)],
    ),
    "the zip of an old Moodle": (
        {"all.zip": zipped({f"{MOODLE}_/{RATES}": TEXT, f"{BO}_/{RATES}": TEXT})},
        [("Bo", "01_rates", None), ("Lee Ann", "01_rates", None)],
    ),
    "Moodle's zip, unpacked, beside others": (
        {
            f"week 1/{MOODLE}/{RATES}": TEXT,
            f"week 1/Bo_9_assignsubmission_file_{RATES}": TEXT,
            "alice.ipynb": TEXT,
        },
        [("Bo", "01_rates", None), ("Lee Ann", "01_rates", None), *ALICE],
    ),
    "Moodle's zip of one student": (
        {"all.zip": zipped({f"{MOODLE}/{RATES}": TEXT})},
        [("Lee Ann", "01_rates", None)],
    ),
    "Moodle's zips of two assignments": (
        {
            "1.zip": zipped({f"{MOODLE}/{RATES}": TEXT, f"{BO}/{RATES}": TEXT}),
            "2.zip": zipped({
                "Lee Ann_77_assignsubmission_file/02_decay.ipynb": DECAY,
                "Bo_8_assignsubmission_file/02_decay.ipynb": DECAY,
            }),
        },
        [
            ("Bo", "01_rates", None), ("Bo", "02_decay", None),
            ("Lee Ann", "01_rates", None), ("Lee Ann", "02_decay", None),
        ],
    ),
    "Canvas's zip": (
        {"submissions.zip": zipped({
            "leeann_LATE_12_345_01_rates.ipynb": TEXT,
            "leeann_12_346_02_decay-1.ipynb": DECAY,
            "bo_13_347_work.zip": zipped({RATES: TEXT}),
            "bo_14_348_notes.pdf": b"",
        })},
        [
            ("bo_13", "01_rates", None),
            ("bo_14", None, "no notebook here; found notes.pdf"),
            ("leeann_12", "01_rates", None), ("leeann_12", "02_decay", None),
        ],
    ),
    "Canvas's zip with a `_` in a name": (
        {"submissions.zip": zipped({
            "leeann_12_345_01_rates.ipynb": TEXT, "li_bo_LATE_13_346_01_rates.ipynb": TEXT,
            "cy_14_link.html": "",
        })},
        [
            ("cy_14", None, "no notebook here; found link.html"),
            ("leeann_12", "01_rates", None), ("li_bo_13", "01_rates", None),
        ],
    ),
    "Canvas's zip without names": (
        {"submissions.zip": zipped({
            "anon_x1Y2z_101_01_rates.ipynb": TEXT, "LATE_anon_Qq3rS_102_01_rates.ipynb": TEXT,
        })},
        [("anon_Qq3rS", "01_rates", None), ("anon_x1Y2z", "01_rates", None)],
    ),
    "Canvas's zip with a file of nobody's": (
        {"submissions.zip": zipped({
            "leeann_12_345_01_rates.ipynb": TEXT, "bo_13_346_01_rates.ipynb": TEXT,
            RATES: TEXT, "notes.txt": "",
        }), **LAST},
        [
            ("01_rates", "01_rates", None), ("bo_13", "01_rates", None),
            ("leeann_12", "01_rates", None), ("zoe", "01_rates", None),
        ],
    ),
    "Canvas's files, unpacked, with a file of nobody's": (
        {f"all/{name}": TEXT for name in ("leeann_12_345_x.ipynb", "bo_13_346_x.ipynb", RATES)},
        [("01_rates", "01_rates", None), ("bo_13", "01_rates", None),
         ("leeann_12", "01_rates", None)],
    ),
    "Moodle's zip with a file and a folder of nobody's": (
        {"all.zip": zipped({
            f"{MOODLE}/{RATES}": TEXT, f"{BO}/{RATES}": TEXT,
            "template.ipynb": TEXT, f"Extra/week 1/{RATES}": TEXT,
        })},
        [("Bo", "01_rates", None), ("Extra", "01_rates", None), ("Lee Ann", "01_rates", None),
         ("template", "01_rates", None)],
    ),
    "Blackboard's zip": (
        {"gradebook_CS1_Fixed.zip": zipped({
            "Fixed_rates_alee_attempt_2026-10-11-09-10-00.txt": "",
            f"Fixed_rates_alee_attempt_2026-10-11-09-10-00_{RATES}": TEXT,
            "Fixed_rates_bray_attempt_2026-10-11-09-10-00.txt": "",
        })},
        [("alee", "01_rates", None), ("bray", None, "no notebook here; found Fixed_rates_bray")],
    ),
    "Brightspace's zip": (
        {"Fixed rates Download Oct 12, 2026 1010 AM.zip": zipped({
            "index.html": "",
            f"1000-77 - Lee-Ann Lee - Oct 9, 2026 926 AM/{RATES}": TEXT,
            "1001-77 - Bo - Oct 10, 2026 1010 PM/x.pdf": "",
        })},
        [("Bo", None, "no notebook here; found x.pdf"), ("Lee-Ann Lee", "01_rates", None)],
    ),
    "Gradescope's zip": (
        {"assignment_77_export.zip": zipped({
            "assignment_77_export/submission_metadata.yml": "",
            f"assignment_77_export/submission_250171001/{RATES}": TEXT,
            f"assignment_77_export/submission_250171002/work/{RATES}": TEXT,
        }), **LAST},
        [
            ("submission_250171001", "01_rates", None),
            ("submission_250171002", "01_rates", None),
            ("zoe", "01_rates", None),
        ],
    ),
    "Gradescope's folders": (
        {"submission_metadata.yml": "", f"submission_250171001/{RATES}": TEXT},
        [("submission_250171001", "01_rates", None)],
    ),
    "Moodle's zip of one student, beside others": (
        {"CS1-Fixed rates-4711.zip": zipped({f"{MOODLE}/{RATES}": TEXT}), **LAST},
        [("Lee Ann", "01_rates", None), ("zoe", "01_rates", None)],
    ),
    "a student's zip with another's name within": (
        {"eve.zip": zipped({f"{MOODLE}/{RATES}": TEXT}), **LAST},
        [("eve", "01_rates", None), ("zoe", "01_rates", None)],
    ),
    "a student's folder with another's name within": (
        {f"eve/{MOODLE}/{RATES}": TEXT, "eve/notes.txt": "", **LAST},
        [("eve", "01_rates", None), ("zoe", "01_rates", None)],
    ),
    "a student's folder with a notebook that a browser renamed": (
        {"eve/01_rates.ipynb.txt": TEXT, f"eve/{MOODLE}/x": "", f"eve/{BO}/x": "", **LAST},
        [("eve", "01_rates", None), ("zoe", "01_rates", None)],
    ),
    "a student's zip with a name that could be Canvas's": (
        {"alice.zip": zipped({"rates_2024_10_final.ipynb": TEXT}), **LAST},
        [*ALICE, ("zoe", "01_rates", None)],
    ),
    "Moodle's folders beside a file of the teacher's": (
        {f"week 1/{MOODLE}/{RATES}": TEXT, f"week 1/{BO}/{RATES}": TEXT, "week 1/grades.xlsx": ""},
        [("Bo", "01_rates", None), ("Lee Ann", "01_rates", None)],
    ),
    "Canvas's files, of which one is a text": (
        {"week 1/leeann_12_346_01_rates.ipynb": TEXT, "week 1/bo_13_text.html": ""},
        [("bo_13", None, "no notebook here; found text.html"), ("leeann_12", "01_rates", None)],
    ),
    "nothing useful": (
        {"alice/essay.pdf": "", "bob.rar": "", "carl.zip": zipped({"a.txt": ""}), "d/e/f.py": ""},
        [
            ("alice", None, "no notebook here; found essay.pdf, expected .ipynb or .zip"),
            ("bob", None, "no notebook here; found bob.rar"),
            ("carl", None, "no notebook here; found a.txt"),
            ("d", None, "no notebook here; found f.py"),
        ],
    ),
}  # fmt: skip


def agree(rows, wanted):
    assert len(rows) == len(wanted), rows
    for (name, notebook, problem), (who, which, words) in zip(sorted(rows, key=str), wanted):
        assert (name, notebook) == (who, which)
        assert (problem or "").startswith(words or "") and (problem is None) == (words is None)


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(tmp_path, name):
    files, wanted = LAYOUTS[name]
    agree(found(write(tmp_path, files)), sorted(wanted, key=str))


@pytest.mark.parametrize("root", ["submitted", "."])
def test_nbgraders_layout(tmp_path, root):
    files = {
        f"submitted/alice/ps1/{RATES}": TEXT,
        "submitted/alice/ps1/timestamp.txt": "2026",
        f"submitted/alice/ps2/{RATES}": TEXT,
        f"submitted/alice/ps2/old/{RATES}": "{}",
        f"source/ps1/{RATES}": TEXT,
        "gradebook.db": "",
    }
    rows = collect(write(tmp_path, files) / root, ASSIGNMENTS)
    assert [(row.name, row.assignment, row.notebook) for row in rows] == [
        ("alice", "ps1", "01_rates"),
        ("alice", "ps2", "01_rates"),
        ("alice", "ps2", None),
    ]


def test_nbgraders_submissions_and_others_in_one_folder_are_refused(tmp_path):
    """Of two layouts only one would be read, and nobody would miss the students of the other."""
    write(tmp_path, {f"submitted/ann/ps1/{RATES}": TEXT, "roster.csv": "", "gradebook.db": ""})
    assert [row.name for row in collect(tmp_path, ASSIGNMENTS)] == ["ann"]
    write(tmp_path, {f"bob/{RATES}": TEXT, "moodle.zip": ONE})
    with pytest.raises(ValueError, match=r"has nbgrader's submitted/ and bob, moodle.zip: which"):
        collect(tmp_path, ASSIGNMENTS)


def test_other_assignments_in_nbgraders_folders_are_none_of_our_business(tmp_path):
    other = TEXT.replace("01-", "xx-").replace("01_", "xx_")
    files = {
        f"submitted/alice/ps1/{RATES}": TEXT,
        "submitted/alice/quickstart/problem1.ipynb": other,
        "submitted/bob/quickstart/problem1.ipynb": "{broken",
        "submitted/eve/quickstart/notes.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4}',
        "submitted/zoe/quickstart/problem1.ipynb": other,
    }
    rows = collect(write(tmp_path, files) / "submitted", ASSIGNMENTS)
    assert {
        row.name: (row.elsewhere, row.problem is None) for row in rows if row.name != "alice"
    } == {
        "bob": (False, False),
        "eve": (False, False),
        "zoe": (True, False),
    }
    assert sorted((row.elsewhere, row.assignment) for row in rows if row.name == "alice") == [
        (False, "ps1"),
        (True, "quickstart"),
    ]
    flat = collect(write(tmp_path / "flat", {"alice/problem1.ipynb": other}), ASSIGNMENTS)
    assert [row.elsewhere for row in flat] == [False]  # where nobody says that it is another one


# Which notebook


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("01_rates.ipynb", DECAY, "it is called 01_rates, and its cells are those"),
        ("01_rates.ipynb", notebook(cells=[]), "01_rates"),
        ("01_rates (1).ipynb", "{}", "01_rates"),
        ("01_rates-1.ipynb", "{}", "01_rates"),
        ("01_rates-Copy1.ipynb", "{}", "01_rates"),
        ("01_rates - Copy (2).ipynb", "{}", "01_rates"),
        ("Copy of 01_rates.ipynb", "{}", "01_rates"),
        ("01_RATES.IPYNB", "{}", "01_rates"),
        ("01_rates.ipynb.ipynb", "{}", "01_rates"),
        ("01_rates.ipynb.txt", "{}", "01_rates"),
        ("01_rates (1).ipynb.json", "{}", "01_rates"),
        ("homework.ipynb", DECAY, "02_decay"),
        ("homework.ipynb", notebook(cells=[{"id": "id-02_decay"}]), "02_decay"),
        ("01_rates.ipynb", notebook(cells=[{}] * 9 + [{"id": "id-02_decay"}]), "01_rates"),
        ("homework.ipynb", notebook("elsewhere"), "which assignment is it? Name it like"),
        ("homework.ipynb", notebook(cells=[]), "which assignment is it?"),
        ("homework.ipynb", "no notebook", "not a notebook: not JSON"),
        ("homework.ipynb", b"\xff\xfe{", "not UTF-8 text"),
        ("homework.ipynb", b"\xef\xbb\xbf" + TEXT.encode(), "01_rates"),
    ],
)
def test_which_assignment_a_notebook_is(tmp_path, name, content, wanted):
    notebook, problem = the(write(tmp_path, {f"alice/{name}": content}))
    assert notebook == wanted if problem is None else problem.startswith(wanted)


def test_of_several_copies_one_is_graded_and_the_others_say_which(tmp_path):
    files = {f"alice/{RATES}": TEXT, "alice/01_rates (1).ipynb": TEXT, "alice/mine.ipynb": TEXT}
    write(tmp_path, {**files, f"alice/old/{RATES}": TEXT})
    rows = collect(tmp_path, ASSIGNMENTS)
    assert [row.origin for row in rows if row.text] == ["alice/01_rates (1).ipynb"]
    words = {"second copy ignored: alice/01_rates (1).ipynb is graded"}
    assert len(rows) == 4 and {row.problem for row in rows if not row.text} == words


@pytest.mark.parametrize(
    "names",
    [
        [f"{who}/{RATES}" for who in "abcdef"],
        [f"{who}_attempt_2026-01_rates.ipynb" for who in "abcdef"],
        [f"{who}.zip" for who in "abcdef"],
    ],
)
def test_a_class_under_one_name_is_never_ignored_as_copies(tmp_path, names):
    """A zip whose layout nobody knows. Copies would be left out of the report's list of files
    without a score, and of the exit status."""
    for few in (6, 2):
        files = {each: notebook(more=each) for each in names[:few]}
        files = {
            each: zipped({RATES: text}) if each.endswith(".zip") else text
            for each, text in files.items()
        }
        rows = collect(write(tmp_path, {"class.zip": zipped(files)}), ASSIGNMENTS)
        problems = [row.problem for row in rows if row.problem]
        assert len(rows) == few and len(problems) == few - 1
        assert all("nothing says which of them counts" in each for each in problems)


@pytest.mark.parametrize(
    "names",
    [
        [f"s{n}_{n}_{100 + n}_01_rates.ipynb" for n in range(3)],
        [f"{n}-7 - S{n} - Oct {n}, 2026 101 PM/{RATES}" for n in range(1, 4)],
        [f"Rates_s{n}_attempt_2026-10-0{n}-09-10-00_{RATES}" for n in range(1, 4)],
    ],
    ids=["Canvas", "Brightspace", "Blackboard"],
)
def test_files_that_a_platform_gives_to_several_are_never_copies_of_one_students(tmp_path, names):
    """However sure the later date or number looks. A file beside them, or a name that fits nobody,
    hides whose folder this is."""
    files = {f"week 1/{each}": notebook(more=each) for each in [*names, "mine.ipynb"]}
    rows = collect(write(tmp_path, {**files, **LAST}), ASSIGNMENTS)
    problems = [row.problem for row in rows if row.problem]
    assert len(rows) == 5 and len(problems) == 3
    assert sum("nothing says which of them counts" in each for each in problems) >= 2


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "names",
    [
        ["hw_rates_2_1234_ann", "hw_rates_2_1235_bob"],
        ["01_rates_2026_10_ann", "01_rates_2026_11_bob"],
    ],
)
def test_files_with_numbers_as_canvas_writes_them_are_never_copies_of_one_students(
    tmp_path, names, packed
):
    files = {f"{name}.ipynb": notebook(more=name) for name in names}
    write(tmp_path, {"class.zip": zipped(files)} if packed else files)
    rows = collect(tmp_path, ASSIGNMENTS)
    assert len(rows) == 2 and all("nothing says" in row.problem for row in rows if row.problem)
    assert any(row.text for row in rows)


def test_an_accent_is_written_in_two_ways(tmp_path):
    """macOS takes `é` apart, so that a folder and a zip may spell one student in two ways."""
    names = [unicodedata.normalize(form, "jos\u00e9") for form in ("NFC", "NFD")]
    write(tmp_path, {f"{names[0]}/{RATES}": TEXT, f"{names[1]}/02_decay.ipynb": DECAY})
    assert {row.name for row in collect(tmp_path, ASSIGNMENTS)} == {names[0]}
    assert len({SAID(f"{name}_12_assignsubmission_file/x.ipynb") for name in names}) == 1


def test_outputs_are_left_out_of_what_is_kept(tmp_path):
    """They decide nothing, and a class of them fills the memory."""
    made = json.loads(TEXT)
    made["cells"][0] |= {"outputs": [{"text": "\U0001f600"}], "execution_count": 3}
    write(tmp_path, {"alice.ipynb": json.dumps(made, ensure_ascii=False), "bob.ipynb": TEXT})
    alice, bob = collect(tmp_path, ASSIGNMENTS)
    assert alice.text == bob.text and "outputs" not in alice.text


def test_students_of_whom_nobody_can_say_who_is_who_are_told():
    """Moodle's number is another one in each assignment."""

    def row(number, name="Anna", notebook="01"):
        origin = f"week.zip/Anna_{number}_assignsubmission_file/x.ipynb"
        return {"name": name, "notebook": notebook, "origin": origin}

    first, second = row(1, "Anna_1"), row(2, "Anna_2")
    assert namesakes([first, second]) == namesakes([row(1), row(3, notebook="02")]) == []
    assert namesakes([row(1), first, second]) == ["Anna, Anna_1, Anna_2"]
    assert namesakes([first, second, row(3, "Anna_3", "02")]) == ["Anna_1, Anna_2, Anna_3"]
    assert namesakes([{"name": "ann", "notebook": "01", "origin": f"ann/{RATES}"}]) == []


def test_a_students_own_versions_are_copies(tmp_path):
    """Where the names tell which is the last, or they are the same."""
    names = [f"walk_v{number}.ipynb" for number in range(9)] + [f"old/{RATES}", RATES]
    versions = {name: notebook(more=name) for name in [*names, "01_rates (1).ipynb"]}
    own = {f"alice/{name}": text for name, text in versions.items()}
    same = {f"bob/{place}/{RATES}": TEXT for place in "abcdef"}
    rows = collect(write(tmp_path / "own", own | same), ASSIGNMENTS)
    assert [row.origin for row in rows if row.text] == [
        "alice/01_rates (1).ipynb",
        f"bob/a/{RATES}",
    ]
    assert all(row.problem.startswith("second copy") for row in rows if row.problem)
    weeks = {f"{n}.zip": zipped({f"{who}/{RATES}": TEXT for who in (MOODLE, BO)}) for n in range(9)}
    rows = collect(write(tmp_path / "weeks", weeks), ASSIGNMENTS)
    assert all(row.problem.startswith("second copy") for row in rows if row.problem)


LESSON = notebook(cells=[{"cell_type": "code", "source": "print(1)", "id": "read"}])
MODEL = TEXT.replace("x = 1", "### BEGIN SOLUTION\\nx = 1\\n### END SOLUTION")


def test_a_notebook_without_one_of_our_cells_is_not_graded_beside_an_answer(tmp_path):
    """A scratch book, or the lessons of a hand-out that was handed in whole."""
    files = {RATES: TEXT, "Untitled.ipynb": LESSON}
    files |= {f"notebooks/{name}.ipynb": LESSON for name in ASSIGNMENTS}
    write(tmp_path, {f"alice/{name}": text for name, text in files.items()})
    write(tmp_path, {"bob/Untitled.ipynb": LESSON, f"carl/week1/{RATES}": TEXT})
    write(tmp_path, {"carl/week2/Untitled.ipynb": LESSON, "dora/02_decay.ipynb": LESSON})
    write(tmp_path, {f"eve/{RATES}": TEXT, "eve/Untitled.ipynb": TEXT[:-9]})
    rows = [(row.name, row.notebook, row.problem) for row in collect(tmp_path, ASSIGNMENTS)]
    alice = [(notebook, problem) for name, notebook, problem in rows if name == "alice"]
    ignored = f"second copy ignored: alice/{RATES} is graded"
    assert sorted(alice, key=str) == [("01_rates", None), *[(None, ignored)] * 3]
    others = {name: problem for name, _, problem in rows if problem and name != "alice"}
    words = "which assignment is it?"
    assert others.keys() == {"bob", "carl", "eve"} and others["eve"].startswith("not a notebook")
    assert others["bob"].startswith(words) and others["carl"].startswith(words)


def test_of_a_clone_the_exercise_is_graded_and_not_its_solution(tmp_path):
    """However the two are called, and though only the solution has answers."""
    files = {f"exercises/{RATES}": BLANK, f"solutions/{RATES}": MODEL, f"notebooks/{RATES}": LESSON}
    write(tmp_path, {"alice.zip": zipped({f"course-main/{n}": t for n, t in files.items()})})
    write(tmp_path, {f"bob/z/{RATES}": BLANK, f"bob/{RATES}": MODEL})
    rows = collect(tmp_path, ASSIGNMENTS)
    assert [row.text for row in rows if row.text] == [BLANK, BLANK]
    assert all(row.problem.startswith("second copy") for row in rows if row.problem)


BLANK = TEXT.replace("x = 1", "")
# As it was handed out before a change of its docstring.
OLD = TEXT.replace("x = 1", "# YOUR CODE HERE\\nraise NotImplementedError()")
COPIES = {  # the first of each is graded
    "a browser": [("01_rates (2)", TEXT), ("01_rates (1)", TEXT), ("01_rates", TEXT)],
    "a browser, often": [("01_rates (10)", TEXT), ("01_rates (9)", TEXT)],
    "macOS": [("01_rates 2", TEXT), ("01_rates", TEXT)],
    "Jupyter": [("01_rates", TEXT), ("01_rates-Copy1", TEXT), ("01_rates-Copy2", TEXT)],
    "Windows": [("01_rates", TEXT), ("01_rates - Copy", TEXT), ("01_rates - Copy (2)", TEXT)],
    "Google Drive": [("01_rates", TEXT), ("Copy of 01_rates", TEXT)],
    "only copies": [("01_rates-Copy2", TEXT), ("01_rates-Copy1", TEXT), ("mine", TEXT)],
    "a blank that was fetched again": [("01_rates", TEXT), ("01_rates (1)", BLANK)],
    "the blank and the work": [("mine", TEXT), ("01_rates", BLANK)],
    "an old blank and the work": [("01_rates-Copy1", TEXT), ("01_rates", OLD)],
    "all blank": [("01_rates (1)", BLANK), ("01_rates", BLANK)],
    "a later one that is broken": [("01_rates", TEXT), ("01_rates (1)", TEXT[:-9])],
    "an older folder": [("01_rates", TEXT), ("old/01_rates (1)", TEXT)],
    "a zip": [("work.zip/01_rates (1)", TEXT), ("01_rates", TEXT)],
}
CANVAS = {
    "twice": ["leeann_12_346_01_rates-1", "leeann_12_345_01_rates"],
    "twice, as numbers": ["leeann_12_1000_01_rates-10", "leeann_12_999_01_rates-9"],
    "late": ["leeann_LATE_12_346_01_rates", "leeann_12_345_01_rates"],
    "in time, late the first": ["leeann_12_346_01_rates", "leeann_LATE_12_345_01_rates-1"],
}


def put(folder, files):
    for name, text in files:
        packed, _, inside = name.rpartition(".zip/")
        data = {f"{packed}.zip": zipped({f"{inside}.ipynb": text})} if packed else None
        write(folder, data or {f"{name}.ipynb": text})


@pytest.mark.parametrize("older", ["the first", "the last"])
@pytest.mark.parametrize("name", COPIES)
def test_which_copy_is_graded(tmp_path, name, older):
    """In each layout, whatever the files' dates say."""
    homes = ["alice", f"moodle/{MOODLE}", "submitted/alice/01_rates"]
    for layout, home in enumerate(homes):
        root = tmp_path / str(layout)
        put(root / home, COPIES[name])
        if "moodle" in home:
            put(root / f"moodle/{BO}", COPIES[name])
        files = sorted(path for path in root.rglob("*") if path.is_file())
        for age, path in enumerate(files if older == "the first" else files[::-1]):
            os.utime(path, (age, age))
        graded = {row.origin for row in collect(root, ASSIGNMENTS) if row.text}
        wanted = {f"{home}/{COPIES[name][0][0]}.ipynb"}
        wanted |= {each.replace(MOODLE, BO) for each in wanted} if "moodle" in home else set()
        assert graded == wanted


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", CANVAS)
def test_of_canvas_the_last_upload_is_graded(tmp_path, name, packed):
    files = {f"{each}.ipynb": TEXT for each in [*CANVAS[name], "bo_13_2_01_rates"]}
    write(tmp_path, {"all.zip": zipped(files)} if packed else files)
    graded = [Path(row.origin).stem for row in collect(tmp_path, ASSIGNMENTS) if row.text]
    assert graded == ["bo_13_2_01_rates", CANVAS[name][0]]


@pytest.mark.parametrize(
    "name",
    [
        "Rates_bo_attempt_2026-10-{}-09-10-00_01_rates.ipynb",
        "1-7 - Bo - Oct {}, 2026 101 PM/01_rates.ipynb",
        "1-7 - Bo - Oct 9, 2026 {}59 PM/01_rates.ipynb",
    ],
)
def test_of_other_platforms_the_last_upload_is_graded(tmp_path, name):
    """Whatever it is called."""
    last = name.format("11").replace("01_rates", "homework")
    files = {name.format(each): notebook(more=each) for each in ("09", "10")} | {last: TEXT}
    rows = collect(write(tmp_path, {"all.zip": zipped(files)}), ASSIGNMENTS)
    assert [row.origin for row in rows if row.text] == [f"all.zip/{last}"]
    assert all(row.problem.startswith("second copy") for row in rows if row.problem)


def test_an_impossible_date_is_none():
    assert SAID("1-7 - Bo - Foo 99, 2026 9999 PM").date == 0


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("leeann_LATE_12_345_01_rates.ipynb", (True, 345)),
        ("all.zip/leeann_12_345_work.zip/01_rates.ipynb", (False, 345)),
        ("alice/01_rates.ipynb", (False, 0)),
        ("LATE/alice_LATE.ipynb", (False, 0)),
        ("all.zip/lee_ann_LATE_12_345_01_rates.ipynb", (True, 345)),
        ("all.zip/LATE_anon_x1Y2z_345_01_rates.ipynb", (True, 345)),
        ("cs_101_2026_fall.zip/bob_LATE_72_902_01_rates.ipynb", (True, 902)),
        ("week_1_2026_10/bob_LATE_72_902_01_rates.ipynb", (True, 902)),
    ],
)
def test_what_canvas_says(origin, said):
    assert SAID(origin)[3:5] == said


def test_a_copy_that_can_be_read_is_better_than_one_that_cannot(tmp_path):
    write(tmp_path, {f"alice/{RATES}": b"\xff", "alice/01_rates (1).ipynb": TEXT})
    agree(found(tmp_path), [("alice", "01_rates", None), ("alice", None, "not UTF-8 text")])
    (tmp_path / "alice" / "01_rates (1).ipynb").unlink()
    agree(found(tmp_path), [("alice", "01_rates", "not UTF-8 text")])


def test_nobody_hands_in_for_others(tmp_path):
    """A zip in which one file is not named as an LMS does, or all have one name, is a student's
    own; and what a student handed in under the own name comes first."""
    fake = {"Bob_1_assignsubmission_file_/01_rates (1).ipynb": notebook(more="Mallory's")}
    write(tmp_path, {"Bob.ipynb": TEXT, "mallory.zip": zipped(fake)})
    agree(found(tmp_path), [("Bob", "01_rates", None), ("mallory", "01_rates", None)])
    fake["Cleo_2_assignsubmission_file_/01_rates.ipynb"] = TEXT
    write(tmp_path, {"mallory.zip": zipped(fake)})
    mixed = {"eve.zip": zipped({**fake, RATES: TEXT}), "Bob.ipynb": TEXT}
    assert {row[0] for row in found(write(tmp_path / "mixed", mixed))} == {"Bob", "eve"}
    (tmp_path / "mixed" / "eve.zip").unlink()
    rows = {row.origin: row for row in collect(tmp_path, ASSIGNMENTS)}
    assert rows["Bob.ipynb"].text == TEXT
    assert "second copy ignored" in rows[f"mallory.zip/{next(iter(fake))}"].problem


def test_a_file_beside_the_platforms_zip_replaces_nobodys_answers(tmp_path):
    """Which of the two is forged, nothing says."""
    theirs = {f"{who}/{RATES}": TEXT for who in (MOODLE, BO)}
    forged = {f"{who}/{RATES}": notebook(more="Mallory's") for who in (MOODLE, BO)}
    forged[f"Cleo_3_assignsubmission_file/{RATES}"] = TEXT
    write(tmp_path, {"moodle.zip": zipped(theirs), "mallory.zip": zipped(forged)})
    both = "mallory.zip and moodle.zip have different copies of this notebook; keep the one"
    names = [("Lee Ann", None, both), ("Lee Ann", None, both), ("Bo", None, both)]
    agree(found(tmp_path), sorted([*names, ("Bo", None, both), ("Cleo", "01_rates", None)]))
    write(tmp_path, {f"{BO}/{RATES}": TEXT})  # found under the own name: that one counts
    rows = {row.origin: row for row in collect(tmp_path, ASSIGNMENTS)}
    assert rows[f"{BO}/{RATES}"].text == TEXT
    write(tmp_path, {"mallory.zip": zipped(theirs)})  # the same twice is no question
    assert [row.name for row in collect(tmp_path, ASSIGNMENTS) if row.text] == ["Bo", "Lee Ann"]


def test_a_copy_with_answers_comes_before_a_blank_one_wherever_it_lies(tmp_path):
    """A download of all, and a folder into which the student's exercise was only fetched."""
    theirs = {f"{who}/{RATES}": TEXT for who in (MOODLE, BO)}
    write(tmp_path, {"moodle.zip": zipped(theirs), f"{BO}/{RATES}": BLANK})
    graded = {row.name: row.text for row in collect(tmp_path, ASSIGNMENTS) if row.text}
    assert graded == {"Lee Ann": TEXT, "Bo": TEXT}


# Hostile files


def member(name, mode=0o100644, system=3):
    info = zipfile.ZipInfo(name)
    info.external_attr, info.create_system = mode << 16, system
    return info


def patched(data, start, **fields):
    """A zip of one file with other numbers in its local header and its table of contents."""
    places = {"flags": (6, 8, "<H"), "method": (8, 10, "<H"), "crc": (14, 16, "<L"),
              "packed": (18, 20, "<L"), "size": (22, 24, "<L")}  # fmt: skip
    data, table = bytearray(data), data.rindex(b"PK\1\2")
    for field, value in fields.items():
        local, central, form = places[field]
        struct.pack_into(form, data, start + local, value)
        struct.pack_into(form, data, table + central, value)
    return bytes(data)


ZEROS = b"0" * 20_000_000
PACKED = zipped({RATES: ZEROS})
ONE = zipped({RATES: TEXT})
PRESENT, ZIP_ENTRY = "a symbolic link, not a file; it was not read", "leads out of the zip"
ZIPS = {
    "a bomb that says it is small": (patched(PACKED, 0, size=100), "cannot be read (BadZipFile"),
    "a wrong checksum": (patched(ONE, 0, crc=1), "cannot be read (BadZipFile: Bad CRC-32"),
    "encrypted": (patched(ONE, 0, flags=1), "encrypted; hand in without a password"),
    "lzma": (patched(ONE, 0, method=14), "packed in an unusual way"),
    "garbage inside": (ONE[:45] + b"\xff" * 30 + ONE[75:], "cannot be read (error"),
    "cut off": (ONE[:-30], "not a zip, or cut off"),
    "empty": (b"", "not a zip, or cut off"),
    "no zip": (b"Rar!" * 100, "not a zip, or cut off"),
    "only the end": (b"PK\5\6" + b"\xff" * 18, "a zip with too many"),
    "a lying end": (b"PK\5\6" + b"\0" * 8 + struct.pack("<LLH", 1000, 0, 0), "not a zip that can"),
    "zip64": (ONE[:-22] + b"PK\6\7" + bytes(16) + ONE[-22:], "a zip with too many"),
    "slip": (zipped({f"../../{RATES}": TEXT}), "its name leads out of the zip; it was not read"),
    "slip inside": (zipped({f"a/../../{RATES}": TEXT}), "its name leads out of the zip"),
    "slip of Windows": (zipped({f"..\\{RATES}": TEXT}), "its name leads out of the zip"),
    "absolute": (zipped({f"/etc/{RATES}": TEXT}), "its name leads out of the zip"),
    "a drive": (zipped({f"C:\\{RATES}": TEXT}), "its name leads out of the zip"),
    "a symlink": (zipped([(member(RATES, 0o120777), "/etc/passwd")]), PRESENT),
    "a device": (zipped([(member(RATES, 0o020666), "")]), "a device, not a file; it was not read"),
    "levels": (
        zipped({"a.zip": zipped({"b.zip": zipped({RATES: TEXT})})}),
        "a zip in a zip in a zip",
    ),
    "a bad zip within": (zipped({"a.zip": "PK"}), "not a zip, or cut off"),
}  # fmt: skip


@pytest.mark.parametrize("name", ZIPS)
def test_hostile_zips(tmp_path, name, monkeypatch):
    data, words = ZIPS[name]
    write(tmp_path / "in", {"alice.zip": data, f"bob/{RATES}": TEXT})
    monkeypatch.chdir(tmp_path)
    alice, bob = found(tmp_path / "in")
    assert alice[0] == "alice" and alice[2].startswith(words), alice
    assert bob == ("bob", "01_rates", None)
    assert sorted(os.listdir(tmp_path)) == ["in"] and len(os.listdir(tmp_path / "in")) == 2


def test_a_bomb_is_stopped_by_the_bytes_that_come_out(tmp_path, monkeypatch):
    """The header says 4.9 MB; 20 MB are there. Almost none are unpacked."""
    out = []
    real = archive.zipfile.ZipExtFile.read
    monkeypatch.setattr(
        archive.zipfile.ZipExtFile, "read", lambda *a: out.append(real(*a)) or out[-1]
    )
    files = {"alice.zip": patched(PACKED, 0, size=4_900_000)}
    monkeypatch.setattr(module, "LARGEST_FILE", 1_000_000)
    problem = collect(write(tmp_path, files), ASSIGNMENTS)[0].problem
    assert problem == "larger than 1 MB; clear its outputs, save and hand in again"
    assert 900_000 < sum(map(len, out)) < 1_200_000 and max(map(len, out)) <= archive.CHUNK


def test_one_students_zips_together_are_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_TOTAL", 1_000_000)
    inner = zipped({RATES: TEXT + " " * 400_000})
    files = {f"{count}.zip": zipped({f"{count}.ipynb": os.urandom(300_000)}) for count in range(9)}
    write(tmp_path, {"alice.zip": zipped({**files, "z.zip": inner})})
    rows = found(tmp_path)
    assert len(rows) == 10 and any("have more than 1 MB" in row[2] for row in rows)


def test_what_is_refused_counts_as_read(tmp_path, monkeypatch):
    opened = []
    really = zipfile.ZipFile.open

    def counted(*args):
        opened.append(args)
        return really(*args)

    files = {f"{n}.ipynb": " " * 3_000 + "x" * 3_000 for n in range(9)}
    write(tmp_path, {"alice.zip": zipped(files)})
    monkeypatch.setattr(zipfile.ZipFile, "open", counted)
    monkeypatch.setattr(module, "LARGEST_FILE", 2_000)
    monkeypatch.setattr(module, "LARGEST_TOTAL", 5_000)
    rows = collect(tmp_path, ASSIGNMENTS)
    assert len(opened) == 3 and sum("have more than" in row.problem for row in rows) == 6


def test_a_file_may_unpack_to_any_multiple_of_its_size(tmp_path):
    """A training that has diverged prints the same line for ever."""
    files = {"alice.zip": zipped({RATES: TEXT + " " * 6_000_000})}
    agree(found(write(tmp_path, files)), ALICE)


def test_a_file_that_is_smaller_than_the_zip_says_is_read(tmp_path):
    agree(found(write(tmp_path, {"alice.zip": patched(ONE, 0, size=2**31)})), ALICE)


def test_a_nul_hides_no_name(tmp_path):
    data = zipped({"01_rates.ipynb?.txt": TEXT}).replace(b"b?.txt", b"b\0.txt")
    assert "leads out of the zip" in the(write(tmp_path, {"alice.zip": data}))[1]


@pytest.mark.parametrize(
    ("place", "make", "words"),
    [
        (RATES, lambda path: path.symlink_to("/etc/passwd"), "a symbolic link, not a file"),
        ("all", lambda path: path.symlink_to("/etc"), "a symbolic link, not a file"),
        (RATES, os.mkfifo, "a named pipe, not a file"),
        (RATES, lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5)), "a device"),
        (RATES, lambda path: socket.socket(socket.AF_UNIX).bind(str(path)), "a socket"),
        (RATES, lambda path: path.mkdir(), "no notebook here; found nothing"),
        (RATES, lambda path: path.write_bytes(b"0" * 25_000_001), "larger than 25 MB; clear its"),
    ],
    ids=["link", "folder link", "pipe", "device", "socket", "folder", "large"],
)
def test_only_regular_files_are_opened(tmp_path, monkeypatch, place, make, words):
    """A pipe would be waited for, for ever."""
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    for folder in ("alice", "."):
        name = place if folder == "alice" else f"carl{place}"
        Path("in", folder).mkdir(parents=True, exist_ok=True)
        make(Path("in", folder, name))
    rows = {name: problem for name, _, problem in found(Path("in"))}
    assert len(rows) == 2 and all(problem.startswith(words) for problem in rows.values()), rows


def test_a_link_among_a_platforms_folders_makes_no_one_student_of_the_class(tmp_path):
    week = write(tmp_path, {f"week/{each}/{RATES}": TEXT for each in (MOODLE, BO)}) / "week"
    (week / "latest").symlink_to(week / BO)
    assert [name for name, *_ in found(tmp_path)] == ["Bo", "Lee Ann"]


def test_a_file_that_becomes_a_pipe_is_not_waited_for(tmp_path):
    path = tmp_path / RATES
    path.write_text(TEXT)
    item = archive.on_disk(path, (RATES,), RATES)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(archive.Refused, match="not a regular file"):
        archive.read(item, 100)
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(archive.Refused, match="cannot be read"):
        archive.read(item, 100)


def test_of_too_many_files_the_notebooks_are_looked_at_first(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_FILES", 5)
    files = {f"a/{n}.txt": "x" for n in range(9)} | {f"z/{RATES}": TEXT}
    rows = found(write(tmp_path, {"alice.zip": zipped(files)}))
    assert ALICE[0] in rows and any("more than 5 files" in str(problem) for _, _, problem in rows)


def test_the_rest_of_very_many_files_is_not_looked_at(tmp_path):
    write(
        tmp_path, {f"alice/{count:03}.txt": "" for count in range(500)} | {f"alice/{RATES}": TEXT}
    )
    write(tmp_path, {"bob.zip": zipped({RATES: TEXT} | {f"{c}.txt": "" for c in range(300)})})
    deep = "/".join("abcdefghijklmnop")
    write(tmp_path, {f"carl/{deep}/{RATES}": TEXT})
    rows = found(tmp_path)
    assert [row[:2] for row in rows if row[2] is None] == [
        ("alice", "01_rates"),
        ("bob", "01_rates"),
        ("carl", "01_rates"),
    ]
    problems = {row[0]: row[2] for row in rows if row[2]}
    assert all(words.startswith("more than 200 files") for words in problems.values())
    assert problems.keys() == {"alice", "bob"}


# Names


def test_safe_names_stay_as_they_are():
    names = ["alice", "s123456", "a.b-c_d", "x" * 80]
    assert [*map(student_id, names)] == names


ODD = [
    "Lee Ann", "bob", "Bob", "BOB", "CON", "con.txt", "nul", ".", "..", "...", "", " ", "-rf", "~",
    "a/b", "a\\b", "../x", "/etc", "a\0b", "a\nb", "\x1b[31m", "x" * 81, "x" * 82, "\u0430lice",
    "\uff41lice", "alice", "alice ", "Zo\u00eb", "Zoe\u0308", "\u202egnp", "\udcff", "\u5f20\u4f1f",
    "<b>", "a;b", "$(id)", "a.", ".a", "COM1", "student",
]  # fmt: skip


def test_odd_names_become_safe_and_stay_distinct():
    ids = {name: student_id(name) for name in ODD}
    assert len({id.lower() for id in ids.values()}) == len(ODD)
    assert ids["alice"] == "alice" and ids["Lee Ann"].startswith("Lee_Ann-")
    assert ids["\uff41lice"].startswith("alice-") and ids["\u0430lice"].startswith("lice-")
    for id in ids.values():
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}", id) and not id.endswith(".")


@pytest.mark.parametrize("name", ["Lee Ann", "lee ann"])
def test_a_name_that_copies_the_id_of_another(name):
    names = [name, copied := student_id(name), copied.upper()]
    assert len({student_id(each).lower() for each in names}) == 3


@given(st.lists(st.text(max_size=100), unique=True, max_size=20))
def test_any_names(names):
    ids = [*map(student_id, names)]
    assert len({id.lower() for id in ids}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,80}", id) for id in ids)


def test_names_of_bytes_on_disk(tmp_path):
    odd = [b"\xff\xfe", b"a\nb", b"\x1b[2J", "\u202etxt".encode(), b"a\\b", b"CON", b"bob", b"Bob"]
    for name in odd:
        os.makedirs(os.path.join(os.fsencode(tmp_path), name))
    rows = found(tmp_path)
    assert len(rows) == len(odd) and all(row[2].startswith("no notebook") for row in rows)
    assert all(row[0].isprintable() for row in rows)


def test_endless_names_in_a_zip_cost_no_time(tmp_path):
    """An expression that looks for the end of a name took minutes for each of these."""
    names = [f"{'-' * 65_000}{count}.ipynb" for count in range(90)]
    write(tmp_path, {"alice.zip": zipped([(name, TEXT) for name in names])})
    assert {row[1] for row in found(tmp_path)} == {"01_rates", None}


def test_a_zip_that_does_not_say_that_its_names_are_utf8(tmp_path):
    """As the Finder of macOS packs: `ö` was read as two other signs, and was another student."""
    data = zipped({f"Cem O\u0308z_1_assignsubmission_file/{RATES}": TEXT})
    table = data.rindex(b"PK\1\2")
    data = bytearray(data)
    data[7] = data[table + 9] = 0  # the flags
    write(tmp_path / "macos", {"all.zip": bytes(data)})
    data = data.replace("O\u0308".encode(), b"\x99__")  # and as an old Windows packs
    write(tmp_path / "windows", {"all.zip": bytes(data)})
    names = [found(tmp_path / each)[0][0] for each in ("macos", "windows")]
    assert names == ["Cem Öz", "Cem Ö__z"]


def test_a_zip_with_odd_names(tmp_path):
    names = ["a\x1b[2J.ipynb", "\u202ebnypi.ipynb", "x" * 3000 + ".ipynb", RATES, RATES]
    write(tmp_path, {"alice.zip": zipped([(name, TEXT) for name in names])})
    rows = collect(tmp_path, ASSIGNMENTS)
    assert [row.notebook for row in rows].count("01_rates") == 1 and len(rows) == 5
    assert len(found(tmp_path)) == 5
    assert all(len(row.origin) < 400 and row.origin.isprintable() for row in rows)


# The whole folder


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "does not exist; expected a folder"),
        (lambda path: path.mkdir(), "empty; expected a folder, zip or notebook for each student"),
        (lambda path: write(path, {".hidden": "", "roster.csv": ""}), "empty; expected"),
        (lambda path: path.write_text("x"), "is a file; put it into a folder"),
    ],
)
def test_what_is_no_folder_of_submissions(tmp_path, make, words):
    make(tmp_path / "in")
    with pytest.raises(ValueError, match=words):
        collect(tmp_path / "in", ASSIGNMENTS)


def test_a_folder_without_rights(tmp_path, monkeypatch):
    """As root sees no such folder, listing it fails here."""
    write(tmp_path, {f"alice/{RATES}": TEXT, f"bob/{RATES}": TEXT})
    real = os.listdir

    def listdir(path):
        if Path(path).name == refused:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    refused = "alice"
    alice, bob = found(tmp_path)
    assert alice == ("alice", None, "cannot be read: Permission denied") and bob[2] is None
    refused = tmp_path.name
    with pytest.raises(ValueError, match=r"cannot be read [(]Permission denied"):
        collect(tmp_path, ASSIGNMENTS)


def test_a_folder_that_can_be_listed_but_not_entered_costs_itself(tmp_path, monkeypatch):
    """As root enters every folder, looking at what is in it fails here."""
    write(tmp_path, {f"alice/work/{RATES}": TEXT, f"bob/{RATES}": TEXT})

    def refusing(real):
        def look(path, *more, **options):
            if not isinstance(path, int) and Path(path).parent.name == "alice":
                raise PermissionError(13, "Permission denied")
            return real(path, *more, **options)

        return look

    for name in ("lstat", "stat"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name)))
    alice, bob = found(tmp_path)
    assert alice == ("alice", None, "cannot be read: Permission denied") and bob[2] is None


def test_a_thousand_students_and_no_open_file_left(tmp_path):
    folders = {f"s{count:04}/{RATES}": TEXT for count in range(500)}
    zips = {f"z{count:04}.zip": ONE for count in range(500)}
    write(tmp_path, folders | zips)
    before = len(os.listdir("/proc/self/fd"))
    rows = collect(tmp_path, ASSIGNMENTS)
    assert len(rows) == 1000 and all(row.text == TEXT for row in rows)
    assert len(os.listdir("/proc/self/fd")) == before
    assert [row.student for row in rows] == sorted(row.student for row in rows)


@given(st.binary(max_size=200), st.integers(0, len(ONE)), st.integers(0, 40))
def test_any_bytes_for_a_zip(tmp_path_factory, noise, at, length):
    folder = tmp_path_factory.mktemp("in")
    write(folder, {"a.zip": noise, "b.zip": ONE[:at] + noise + ONE[at + length :]})
    rows = collect(folder, ASSIGNMENTS)
    assert {row.name for row in rows} == {"a", "b"}
    assert all(row.problem or zlib.crc32(row.text.encode()) for row in rows)
    assert replace(rows[0], text=None) is not rows[0]
