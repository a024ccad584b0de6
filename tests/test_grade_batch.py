"""A batch of submissions: nothing is lost, whatever stops the grader, and twice is the same."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import grading
import psutil
import pytest
from grading import RIGHT, submission, write_solutions, write_submission
from grading import boxed as sandboxed

from course_lib.cli import main
from course_lib.grade import engine
from course_lib.grade.conditions import Conditions
from course_lib.grade.engine import preload
from course_lib.grade.examine import key_of
from course_lib.grade.intake.collect import Submission
from course_lib.grade.results.report import _of_question
from course_lib.grade.results.store import Store, StoreError, results
from course_lib.grade.walls.limits import LEVELS, Limits

pytestmark = sandboxed
STUDENTS = 14
LOOP = f"loop {os.getpid()}"  # what a process calls itself before its loop, to be seen from outside
NAMED = f"import ctypes; ctypes.CDLL(None).prctl(15, {LOOP.encode()})"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """solutions/ and submissions/ of 14 students, some wrong, one unreadable, one that hangs."""
    root = tmp_path_factory.mktemp("batch")
    write_solutions(root / "solutions")
    for number in range(STUDENTS):
        options = {}
        if number % 3 == 1:
            options["warm"] = f"def warm(step, *, peak, steps): return peak * {number}"
        if number == 5:
            options["fall"] = RIGHT["fall"] + "\nimport os; os._exit(1)"
        write_submission(root / "in", f"s{number:02d}", submission(**options))
    write_submission(root / "in", "s99", "{not json")
    return root


def command(folders, out, *more):
    arguments = grading.command(folders, "--jobs", "2", *more, out=out)
    return [sys.executable, "-m", "course_lib.cli", *arguments]


def grade(folders, out, *more, **options):
    return subprocess.run(command(folders, out, *more), capture_output=True, text=True, **options)


def kept(out: Path) -> dict[str, bytes]:
    """Every result file and its bytes, without the records of the runs."""
    files = sorted((out / "students").rglob("*.json"))
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in files
        if not path.name.endswith(".run.json")
    }


@pytest.fixture(scope="module")
def unbroken(folders):
    out = folders / "unbroken"
    run = grade(folders, out)
    assert run.returncode == 1, run.stderr  # s99 cannot be read
    assert "15 notebooks: 14 graded now, 0 before, 1 could not be graded" in run.stdout
    assert "unreadable: " in run.stdout
    return kept(out)


def test_the_same_submissions_give_the_same_bytes(folders, unbroken, tmp_path):
    assert len(unbroken) == STUDENTS + 1
    assert grade(folders, tmp_path, "--jobs", "1").returncode == 1
    assert kept(tmp_path) == unbroken


def test_killed_at_any_moment_nothing_is_lost_and_only_the_rest_is_graded(
    folders, unbroken, tmp_path
):
    drawn, kills = random.Random(0), 0
    for _ in range(6):
        before = len(kept(tmp_path)) if (tmp_path / "students").exists() else 0
        process = subprocess.Popen(
            command(folders, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wanted = before + drawn.randrange(4)
        while process.poll() is None:
            there = len(list((tmp_path / "students").rglob("*.json"))) / 2
            if there > wanted:
                break
            time.sleep(0.005)
        time.sleep(drawn.random() * 0.05)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        found = kept(tmp_path)
        assert found.items() <= unbroken.items()
        assert len(found) >= before
    assert kills >= 3
    done = sum(json.loads(each)["status"] == "graded" for each in kept(tmp_path).values())
    last = grade(folders, tmp_path)
    assert f"{STUDENTS - done} graded now, {done} before" in last.stdout
    assert kept(tmp_path) == unbroken
    assert not list(tmp_path.rglob("*.draft"))
    again = grade(folders, tmp_path)
    assert f"0 graded now, {STUDENTS} before" in again.stdout
    assert again.returncode == 1
    again = grade(folders, tmp_path, "--again")
    assert f"{STUDENTS} graded now, 0 before" in again.stdout
    assert kept(tmp_path) == unbroken


def test_what_changed_is_graded_and_nothing_else(folders, unbroken, tmp_path):
    shutil.copytree(folders / "in", tmp_path / "in")
    shutil.copytree(folders / "solutions", tmp_path / "solutions")
    (tmp_path / "in" / "s98").mkdir()
    (photo := tmp_path / "in" / "s98" / "photo.pdf").write_text("no notebook")
    assert grade(tmp_path, tmp_path / "out").returncode == 1
    photo.unlink()
    write_submission(tmp_path / "in", "s98", submission())
    write_submission(tmp_path / "in", "s01", submission())
    write_submission(tmp_path / "in", "s99", submission())
    write_submission(tmp_path / "in", "new", submission())
    run = grade(tmp_path, tmp_path / "out")
    assert "17 notebooks: 4 graded now, 13 before, 0 could not be graded" in run.stdout
    assert run.returncode == 0 and "of other submissions" not in run.stdout
    for student in ("s01", "s98", "s99", "new"):
        result = json.loads((tmp_path / f"out/students/{student}/09_small.json").read_text())
        assert result["score"] == 5.0


def test_two_graders_at_once_one_is_told_so(folders, tmp_path):
    with Store(tmp_path):
        second = grade(folders, tmp_path)
    assert second.returncode == 2
    assert "in use by another lr-course grade" in second.stderr
    assert str(os.getpid()) in second.stderr
    assert kept(tmp_path) == {}


def test_ctrl_c_ends_it_at_once_and_keeps_what_is_done(folders, tmp_path):
    write_submission(tmp_path / "in", "aa", submission())
    write_submission(tmp_path / "in", "bb", submission(after=f"{NAMED}\nwhile True:\n    pass"))
    words = [*command(folders, tmp_path / "out"), "--cell-seconds", "100"]
    words[words.index(str(folders / "in"))] = str(tmp_path / "in")
    process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not kept(tmp_path / "out"):
        assert process.poll() is None
        time.sleep(0.05)
    while LOOP not in [each.info["name"] for each in psutil.process_iter(["name"])]:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "interrupted; what is done is kept, run it again to go on" in said
    assert "Traceback" not in said
    assert list(kept(tmp_path / "out")) == ["students/aa/09_small.json"]


def boxed(*options):
    """The command runs in a box of its own, whose /out has these options."""
    return ["bwrap", "--dev-bind", "/", "/", *options]


@pytest.mark.parametrize(
    "options, words",
    [
        (["--size", "24576", "--tmpfs", "/mnt"], "No space left on device"),
        (["--ro-bind", "/mnt", "/mnt"], "Read-only file system"),
    ],
)
def test_a_full_disk_and_a_read_only_folder_are_clear_errors(folders, options, words):
    weak = ("--isolation", "process", "--allow-weak-isolation")
    run = subprocess.run(
        boxed(*options) + command(folders, "/mnt", *weak), capture_output=True, text=True
    )
    assert run.returncode == 2
    assert words in run.stderr and "/mnt" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_write_that_fails_halfway_leaves_nothing(tmp_path, monkeypatch):
    one = Submission("ann", "ann", "", "09_small", "{}", None, "ann/09_small.ipynb")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with Store(tmp_path) as store:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left on device; what is graded is kept"):
            store.save(one, {"key": "k", "status": "graded"}, {"key": "k"})
        assert store.result(one) is None
        assert os.listdir(tmp_path / "students" / "ann") == []
        monkeypatch.undo()
        store.save(one, {"key": "k", "status": "graded"}, {"key": "k"})
        assert store.has(one, "k") and not store.has(one, "other")
        store.path(one).write_text('{"key": "k", "sta')  # by a disk that lost power
        assert not store.has(one, "k")


def test_what_a_grader_that_was_killed_left_counts_for_nothing(tmp_path):
    one = Submission("ann", "ann", "", "09_small", "{}", None, "ann/09_small.ipynb")
    with Store(tmp_path) as store:
        with pytest.raises(TypeError):  # a record that cannot be written
            store.save(one, {"key": "k", "status": "graded"}, {"key": object()})
        assert store.result(one) is None  # the result is the last that is written
        draft = store.path(one).with_name(".09_small.json.1.draft")
        draft.write_text("{")
    with Store(tmp_path):
        assert not draft.exists()


def test_a_file_that_is_gone_or_can_be_read_now_has_no_row_any_more(tmp_path):
    """And every other row stays: of who cannot be read still, and of who is in another folder."""
    ann, bob, eve = (
        Submission(name, name, problem="no notebook here", origin=f"{name}/photo.pdf")
        for name in ("ann", "bob", "eve")
    )
    now = Submission("ann", "ann", "", "09_small", "{}", None, "ann/09_small.ipynb")
    with Store(tmp_path) as store:
        for each in (ann, bob, eve, now):
            store.save(each, {"key": "k", "status": "graded"}, {"key": "k"})
        store.forget_unreadable([now, bob])
        assert [store.has(each, "k") for each in (ann, bob, eve, now)] == [False, True, True, True]
        assert len(list(store.path(ann).parent.iterdir())) == 2  # nor a record of its run


def test_a_download_under_another_name_is_known_again(tmp_path):
    """And the result says where the file lies now: `late` is read from there."""
    one = Submission("ann", "ann", "", "09_small", "{}", None, "all.zip/ann_1_2_x.ipynb")
    now = replace(one, origin="all (1).zip/ann_LATE_1_2_x.ipynb")
    key = key_of(one, None, Conditions(Limits(), "none"))
    assert key_of(now, None, Conditions(Limits(), "none")) == key
    with Store(tmp_path) as store:
        store.save(one, {"key": key, "status": "graded", "origin": one.origin}, {"key": key})
        assert store.has(now, key) and store.result(now)["origin"] == now.origin


def test_another_week_s_submissions_take_no_row_away(tmp_path):
    """Ann sent an essay in the first week; her second week's notebook does not answer for it."""
    essay = Submission("ann", "ann", problem="no notebook here", origin="ann/essay.pdf")
    now = Submission("ann", "ann", "", "10_small", "{}", None, "ann/10_small.ipynb")
    for week, sent, forgotten in (("1", essay, False), ("2", now, False), ("1", now, True)):
        with Store(tmp_path, tmp_path / week) as store:
            store.save(sent, {"key": "k", "status": "graded"}, {"key": "k"})
            store.forget_unreadable([sent])
            assert store.has(essay, "k") is not forgotten


@pytest.mark.parametrize("content", ['{"key": "k",}', "[]", "{}"])
def test_a_result_that_is_none_is_named(tmp_path, content):
    """Otherwise a student would be missing from the table, and nothing would say so."""
    one = Submission("ann", "ann", "", "09_small", "{}", None, "ann/09_small.ipynb")
    with Store(tmp_path) as store:
        store.path(one).parent.mkdir()
        store.path(one).write_text(content)
        assert not store.has(one, "k")  # it is graded again
    with pytest.raises(
        StoreError, match=r"ann/09_small\.json is not a result .* `lr-course grade`"
    ):
        list(results(tmp_path))


def test_what_failed_is_graded_again_and_what_another_level_graded(tmp_path):
    one = Submission("ann", "ann", "", "09_small", "{}", None, "ann/09_small.ipynb")
    keys = {key_of(one, None, Conditions(Limits(), level)) for level in LEVELS}
    assert len(keys) == 3
    with Store(tmp_path) as store:
        store.save(one, {"key": "k", "status": "failed"}, {"key": "k"})
        assert not store.has(one, "k")


def test_where_the_grader_itself_fails_a_row_says_so_and_the_next_begins_anew(monkeypatch):
    opened, closed = [], []

    def workshop(conditions):
        opened.append(SimpleNamespace(close=lambda: closed.append(opened[-1])))
        return opened[-1]

    def grade(level):
        return engine.grade_one(one, None, Conditions(Limits(), level))[0]

    one = Submission("ann", "ann", "", "09_small", "{}", None, "ann/09_small.ipynb")
    monkeypatch.setattr(engine, "workshop_for", workshop)
    monkeypatch.setattr(engine, "examine", lambda *_: ({"status": "graded"}, {}))
    assert {grade("process")["status"] for _ in range(3)} == {"graded"} and len(opened) == 1
    grade("none")  # under other conditions, as from another teacher on a cluster
    assert len(opened) == 2 and closed == opened[:1]
    monkeypatch.setattr(engine, "examine", lambda *_: {}["left"])
    failed = grade("none")
    assert (failed["status"], failed["student"]) == ("failed", "ann")
    assert failed["reason"] == "the grader failed, not the student: KeyError: 'left'"
    assert closed == opened and len(opened) == 2
    grade("none")
    assert len(opened) == 3 and closed == opened


@pytest.mark.parametrize(
    "status, begun", [("missing", False), ("not begun", False), ("wrong", True)]
)
def test_who_has_not_begun_is_counted(status, begun):
    answer = {"grade_id": "09-warm", "exercise": "9.1", "title": "", "status": status}
    answer |= {"points": 2.0, "score": 0.0, "groups": [], "reason": ""}
    assert _of_question([answer])["not_begun"] == (not begun)


def test_no_two_results_share_a_file(tmp_path):
    store, paths = Store(tmp_path), set()
    for assignment in (
        "",
        "ps1",
        "ps 1",
        "ps_1",
        "\u4f5c\u4e1a",
        "\u8bfe\u7a0b",
        "x" * 61,
        "x" * 62,
    ):
        each = Submission("ann", "ann", assignment, "09_small", "{}", None, f"ann/{assignment}")
        paths.add(store.path(each).name)
    assert len(paths) == 8 and {"09_small.json", "ps1.09_small.json"} < paths


def test_what_is_loaded_beforehand():
    setup = 'import numpy as np\n\nframework = "torch"  # or "tensorflow"'
    assert preload([setup, json.dumps({"source": setup}), None]) == ()
    assert preload(["import torch.nn as nn"]) == preload(["from torch import nn"]) == ("torch",)
    assert preload(["from keras import layers"]) == ("tensorflow", "keras")
    for ours in ("import course_lib.pytorch", "from course_lib import lr_finder"):
        assert preload([ours]) == ("torch", "tensorflow", "keras")
    assert preload(["import " * 700_000]) == ()  # a regular expression took days for it


def test_a_lesson_that_nobody_handed_in_loads_nothing_beforehand(tmp_path, monkeypatch):
    write_solutions(tmp_path / "solutions")
    small = (tmp_path / "solutions" / "09_small.ipynb").read_text()
    other = small.replace("import math", "import math, torch").replace("09_small", "10_other")
    (tmp_path / "solutions" / "10_other.ipynb").write_text(other)
    write_submission(tmp_path / "in", "ann", submission())
    loaded = []
    monkeypatch.setattr(engine, "preload", lambda texts: loaded.append(preload(texts)) or ())
    assert main(grading.command(tmp_path, out=tmp_path / "out")) == 0
    (tmp_path / "solutions" / "09_small.ipynb").write_text(
        small.replace("import math", "import keras")
    )
    assert main(grading.command(tmp_path, out=tmp_path / "out")) == 0
    assert loaded == [(), ("tensorflow", "keras")]


@pytest.mark.parametrize(
    "more, words",
    [
        (["--jobs", "0"], "--jobs must be at least 1, got 0"),
        (["--cell-seconds", "-1"], "cell_seconds"),
        (["--solutions", "/nowhere"], "/nowhere"),
        (["--isolation", "process"], "--allow-weak-isolation"),
        (["--scheduler", "tcp://127.0.0.1:9"], "no dask scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_what_cannot_run_is_said_before_anything_is_written(folders, tmp_path, more, words, capsys):
    assert main(grading.command(folders, *more, out=tmp_path / "out")) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))
