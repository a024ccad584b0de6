"""Grading on a real dask.distributed cluster of processes on this machine."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from clusters import scheduler
from grading import boxed, command, submission, write_solutions, write_submission

from course_lib.grade.results.store import results

pytestmark = boxed
STUDENTS = 40
CLI = [sys.executable, "-m", "course_lib.cli"]


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler, and its two workers."""
    with scheduler(tmp_path) as (address, worker):
        yield address, [worker("one"), worker("two")]


def test_a_lost_worker_loses_no_submission(cluster, tmp_path):
    address, workers = cluster
    write_solutions(tmp_path / "solutions")
    for number in range(STUDENTS):
        wrong = {"warm": "def warm(*a, **k): return 1"} if number % 4 == 0 else {}
        write_submission(tmp_path / "in", f"s{number:02d}", submission(**wrong))
    arguments = command(tmp_path, "--json", "--scheduler", address)
    grader = subprocess.Popen([*CLI, *arguments], stdout=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("out/students/*/09_small.json")):
        assert grader.poll() is None
        time.sleep(0.02)
    os.kill(workers[0].pid, signal.SIGKILL)
    output = json.loads(grader.communicate()[0])
    assert grader.returncode == 0
    assert output["graded_now"] == STUDENTS
    found = {each["student"]: each["score"] for _, each in results(tmp_path / "out")}
    assert found == {f"s{n:02d}": 3.0 if n % 4 == 0 else 5.0 for n in range(STUDENTS)}
    assert workers[1].poll() is None


def test_two_teachers_on_one_cluster_get_their_own_results(cluster, tmp_path):
    address, _ = cluster
    graders = []
    for teacher, answer in (("ann", {}), ("ben", {"warm": "def warm(*a, **k): return 1"})):
        for number in range(6):
            write_submission(tmp_path / teacher / "in", f"s{number}", submission(**answer))
        write_solutions(tmp_path / teacher / "solutions")
        arguments = command(tmp_path / teacher, "--scheduler", address, "--quiet")
        graders.append(subprocess.Popen([*CLI, *arguments]))
    assert [grader.wait() for grader in graders] == [0, 0]
    assert {each["score"] for _, each in results(tmp_path / "ann" / "out")} == {5.0}
    assert {each["score"] for _, each in results(tmp_path / "ben" / "out")} == {3.0}


def test_a_scheduler_without_workers_is_said(tmp_path):
    from distributed import LocalCluster

    write_solutions(tmp_path / "solutions")
    write_submission(tmp_path / "in", "ann", submission())
    with LocalCluster(n_workers=0, dashboard_address=None) as empty:
        arguments = command(tmp_path, "--scheduler", empty.scheduler_address)
        run = subprocess.run([*CLI, *arguments], capture_output=True, text=True)
    assert run.returncode == 2
    assert "has no workers; start some" in run.stderr
