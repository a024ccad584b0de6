"""A student's progress: kept through crashes, damage and kernels at once, or said to be lost."""

import json
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import platformdirs
import pytest

from course_lib import exercises, files, progress

COURSE = {
    id: exercises.Exercise(id, "f", (), (), (), lesson=lesson, points=points)
    for id, lesson, points in [("1.1", "01_a", 1), ("1.2", "01_a", 2.5), ("2.1", "02_<b>", 4)]
}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "progress.json"
    monkeypatch.setenv("LR_COURSE_PROGRESS", str(path))
    monkeypatch.setattr(progress.NOTES, "memory", {})
    monkeypatch.setattr(progress.NOTES, "said", set())
    monkeypatch.setattr(exercises, "course", lambda: COURSE)
    return path


def counts():
    return [
        (row["solved"], row["tried"], row["earned"])
        for row in progress._rows(progress.NOTES.read())
    ]


# --- what is counted ------------------------------------------------------------------------------


def test_solved_and_tried_exercises_are_counted_lesson_by_lesson(place):
    assert counts() == [(0, 0, 0), (0, 0, 0)]
    assert progress.record("1.1", solved=False, answer="a") == 1
    progress.touch("2.1")
    assert counts() == [(0, 1, 0), (0, 1, 0)]
    progress.record("1.1", solved=True)
    progress.record("1.2", solved=True)
    assert counts() == [(2, 2, 3.5), (0, 1, 0)]
    assert progress.line("1.1") == "Lesson 1: 2 of 2 exercises solved, course: 2 of 3"
    assert progress.line("2.1") == "Lesson 2: 0 of 1 exercises solved, course: 2 of 3"
    assert sorted(json.loads(place.read_text())["exercises"]) == ["1.1", "1.2", "2.1"]
    assert [path.name for path in place.parent.glob("[!.]*")] == ["progress.json"]


def test_only_new_answers_are_new_tries():
    tries = [progress.record("1.1", solved=False, answer=each) for each in "aabba"]
    assert tries == [1, 1, 2, 2, 3]
    assert progress.record("1.1", solved=True) == 0
    assert progress.record("1.1", solved=False, answer="a") == 1
    assert counts()[0] == (1, 1, 1)  # solved once is solved


def test_what_could_not_be_written_stands_beside_what_the_file_has(place, monkeypatch):
    progress.record("1.2", solved=True)
    with monkeypatch.context() as broken:
        broken.setattr(files.os, "replace", Mock(side_effect=OSError(28, "No space left")))
        progress.record("1.1", solved=True)
    assert counts()[0] == (2, 2, 3.5)
    assert f"Not all kept in {place}" in repr(progress.progress())


def test_what_only_memory_held_is_forgotten_once_the_file_is_written(place, monkeypatch, capsys):
    with monkeypatch.context() as broken:
        broken.setattr(files.os, "replace", Mock(side_effect=OSError(28, "No space left")))
        progress.record("1.1", solved=True)
    assert "cannot be kept" in capsys.readouterr().out and counts()[0] == (1, 1, 1)
    assert "memory only" in repr(progress.progress())
    progress.record("1.2", solved=True)
    assert repr(progress.progress()).endswith(f"Kept in {place}")
    assert counts()[0] == (2, 2, 3.5)
    place.unlink()
    assert counts()[0] == (0, 0, 0)


def test_forgetting_is_complete(place):
    progress.record("1.1", solved=True)
    assert "course" in repr(progress.progress(reset=True))
    assert counts() == [(0, 0, 0), (0, 0, 0)]
    assert json.loads(place.read_text())["exercises"] == {}


def test_what_another_version_of_the_course_knew_is_kept(place):
    entry = {"solved": True, "failed": 0, "answer": ""}
    place.parent.mkdir()
    place.write_text(json.dumps({"version": 1, "exercises": {"9.9": entry}}))
    progress.record("1.1", solved=True)
    assert json.loads(place.read_text())["exercises"]["9.9"] == entry
    assert counts()[0] == (1, 1, 1)


# --- the table ------------------------------------------------------------------------------------


def test_the_table_as_text_and_as_html(place):
    progress.record("1.2", solved=True)
    for id in ("1.1", "1.2"):  # what is solved stays so
        progress.touch(id)
    table = progress.progress()
    title, *lines = repr(table).splitlines()
    rows = [line.split() for line in lines]
    assert title == "Your progress"
    assert rows[0] == ["Lesson", "solved", "tried", "exercises", "points"]
    assert rows[1:4] == [
        ["01_a", "1", "2", "2", "2.5", "of", "3.5"],
        ["02_<b>", "0", "0", "1", "0", "of", "4"],
        ["course", "1", "2", "3", "2.5", "of", "7.5"],
    ]
    assert lines[0].index("points") == lines[1].index("2.5 of") == lines[2].index("0 of 4")
    assert repr(table).endswith(f"Kept in {place}")
    page = table._repr_html_()
    assert "<td>02_&lt;b&gt;</td><td>0</td>" in page and "<td>2.5 of 3.5</td>" in page
    assert page.count("<tr>") == 4 and str(place) in page


# --- where it is kept -----------------------------------------------------------------------------


def test_the_file_lies_where_the_platform_keeps_data(tmp_path, monkeypatch):
    monkeypatch.delenv("LR_COURSE_PROGRESS")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name, **_: tmp_path / name)
    assert progress.NOTES.place() == tmp_path / "lr-course" / "progress.json"


def test_the_named_file_may_begin_with_a_tilde(monkeypatch):
    """In a Dockerfile or a Hub's settings no shell puts the home in."""
    monkeypatch.setenv("LR_COURSE_PROGRESS", "~/mine/p.json")
    assert progress.NOTES.place() == Path.home() / "mine" / "p.json"


def test_only_true_erases_progress(place):
    """forget("3.a") takes an id; by analogy progress(reset="3.1") would have erased everything."""
    progress.record("1.1", solved=True)
    with pytest.raises(ValueError, match="reset must be True or False"):
        progress.progress(reset="3.1")
    assert "1.1" in place.read_text()


@pytest.mark.parametrize("name, value", [("LR_COURSE_PROGRESS", ""), ("NBGRADER_EXECUTION", "1")])
def test_nothing_is_kept_where_it_is_not_wanted(place, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert [progress.record("1.1", solved=False, answer=each) for each in "ab"] == [1, 2]
    assert progress.line("1.1") == "" and not place.parent.exists()
    assert "memory only" in repr(progress.progress())
    assert counts()[0] == (0, 1, 0)


# --- trouble --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"exercises": []}',
        b'{"exercises": {"1.1": 5}}',
        b'{"exercises": {"1.1": {"solved": "yes", "failed": 0, "answer": ""}}}',
        b'{"exercises": {"1.1": {"solved": true, "failed": 0}}}',
        b"[" * 100_000,
    ],
    ids=range(10),
)
def test_a_damaged_file_is_put_aside_and_said(place, capsys, damage):
    place.parent.mkdir()
    place.write_bytes(damage)
    progress.record("1.1", solved=True)
    assert counts()[0] == (1, 1, 1)
    (aside,) = place.parent.glob("progress.json.broken-*")
    assert aside.read_bytes() == damage
    said = capsys.readouterr()
    start = "Your progress could not be read and a new file is begun; the old one is"
    assert said.out == f"{start} {aside}.\n"
    assert said.err == ""


def test_a_place_that_cannot_be_written_is_said_once_and_costs_nothing(place, capsys):
    place.parent.write_text("a file, not a folder")
    assert [progress.record("1.1", solved=False, answer=each) for each in "ab"] == [1, 2]
    progress.record("1.2", solved=True)
    assert counts()[0] == (1, 2, 2.5)
    said = capsys.readouterr()
    assert said.out == f"Your progress cannot be kept: {place} cannot be written (File exists).\n"
    assert said.err == ""


def test_the_folder_may_be_as_new_as_its_parents(tmp_path, monkeypatch):
    path = tmp_path / "a" / "b" / "progress.json"
    monkeypatch.setenv("LR_COURSE_PROGRESS", str(path))
    progress.touch("1.1")
    assert path.exists()


def test_a_write_that_is_cut_off_leaves_the_old_file(place, monkeypatch):
    progress.record("1.1", solved=True)
    before = place.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    progress.record("1.2", solved=True)
    assert place.read_bytes() == before


def test_a_lock_whose_owner_was_killed_is_free(place):
    place.parent.mkdir()
    holding = (
        "import pathlib, sys, time\nfrom course_lib.files import alone\n"
        "with alone(pathlib.Path(sys.argv[1])):\n    print('in', flush=True); time.sleep(60)"
    )
    owner = [sys.executable, "-c", holding, str(place)]
    with subprocess.Popen(owner, stdout=subprocess.PIPE) as running:
        running.stdout.readline()
        running.kill()
    progress.record("1.1", solved=True)
    assert counts()[0][0] == 1


def test_kernels_at_once_lose_nothing(place):
    code = (
        "import sys\nfrom course_lib import progress\n"
        "for i in range(25):\n"
        "    progress.record(f'{sys.argv[1]}.{i}', solved=True)\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(i)]) for i in range(4)]
    assert [each.wait() for each in running] == [0] * 4
    entries = json.loads(place.read_text())["exercises"]
    assert len(entries) == 100 and all(each["solved"] for each in entries.values())
