"""The grader without a sandbox: a process, a watch, and the same questions."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from threading import Thread

import psutil
import pytest

from course_lib.grade import doctor
from course_lib.grade.walls import sandbox, unwalled
from course_lib.grade.walls.limits import Limits
from course_lib.grade.walls.messages import SandboxError
from course_lib.grade.walls.session import Workshop

LIMITS = Limits(cell_seconds=15, memory_mb=300, output_kb=16)
SHORT = Limits(cell_seconds=1.5, memory_mb=150, output_kb=16)
HALF = "def half(x):\n    print('noise'); return x / 2\n"


@pytest.fixture(scope="module")
def opened():
    with Workshop(LIMITS, level="none", preload=()) as workshop:
        yield workshop.open()


@pytest.mark.parametrize(
    "source, error, output",
    [
        ("print(1)\n2", None, "1\n2"),
        ("1 / 0", "ZeroDivisionError", ""),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("input()", "EOFError", ""),
        ("from IPython.display import HTML\nHTML('<b>x</b>')", None, "[html]"),
        ("import asyncio\nawait asyncio.sleep(0, 3)", None, "3"),
        ("print('x' * 10**6)", None, "... output cut"),
        ("1 / 0\n[][3]\nprint('on')", "ZeroDivisionError", "on\n"),
        ("files = !ls\n!ls", None, "not run here: ls\nnot run here: ls\n"),
        ("import random; random.random()", None, "0.8444218515250481"),
    ],
)
def test_cells_run(opened, source, error, output):
    outcome = opened.run(source)
    assert (outcome.ok, outcome.error, outcome.stopped) == (error is None, error, None)
    assert outcome.output.endswith(output) and len(outcome.output) < 20_000


def test_what_cells_print_is_kept_once_and_cut(opened):
    """IPython 9 keeps a second copy, all of it, and takes its time for each `print`."""
    assert opened.run("print('x' * 10**6)\nimport sys\nprint(1, file=sys.stderr)").ok
    keeps = opened.run("import IPython\nIPython.version_info[0] < 9 or "
                       "hasattr(get_ipython().history_manager, 'outputs')")  # fmt: skip
    assert keeps.output.endswith("True")  # where it keeps them, told by that name
    found = opened.run("list(getattr(get_ipython().history_manager, 'outputs', {}).values())")
    assert found.ok and "stream" not in found.output


def test_an_error_names_its_line(opened):
    assert opened.run("x = 1\n\n1 / 0\n[][3]").message == "division by zero (line 3)"


def test_functions_are_asked_and_noise_is_no_answer(opened):
    assert opened.run(HALF + "def stop(): raise SystemExit\n").ok
    assert opened.ask("half", {"args": [3.0]}) == {"value": 1.5}
    assert opened.ask("nothing", {}) == {"missing": True}
    assert opened.ask("half", {"args": ["'{a}'"]})["error"][0] == "TypeError"
    assert opened.ask("stop", {})["error"][0] == "SystemExit"


def test_the_process_sees_a_cleared_environment_and_a_folder_of_its_own(opened, monkeypatch):
    found = opened.run("import os, json, sys\nprint(json.dumps([dict(os.environ), os.getcwd()]))")
    environment, folder = json.loads(found.output)
    assert environment["PYTHONHASHSEED"] == "0" and "LR_COURSE_PROGRESS" not in environment
    assert environment["HOME"] == folder == "."  # its name stays on this machine
    assert opened.run("print(os.environ['HOME'] == os.getcwd())").output == "True\n"
    assert opened.run(f"print(sys.executable == {sys.executable!r})").output == "True\n"
    same = f"print(os.environ['PYTHONPATH'] == {str(sandbox.PACKAGE.parent)!r})"
    assert opened.run(same).output == "True\n"  # the course_lib that asks


@pytest.mark.parametrize(
    "source, reason",
    [
        ("while True: pass", "time"),
        ("while True:\n    try:\n        while True: pass\n    except BaseException: pass", "time"),
        ("import os; os._exit(0)", "exit"),
        ("kept = [bytes(range(250)) * 4000 for _ in range(400)]\nwhile True: pass", "memory"),
        ("import subprocess, sys; subprocess.run([sys.executable, '-c', 'while 1: pass'])", "time"),
    ],
)
def test_what_takes_too_much_is_stopped(source, reason):
    with Workshop(SHORT, level="none", preload=()) as workshop:
        made = workshop.open()
        process, folder = made._zygote.process, made._zygote.folder
        outcome = made.run(source)
        assert (outcome.ok, outcome.stopped) == (False, reason) and outcome.message
        assert made.run("1").stopped == reason and made.ask("f", {}) == {"stopped": reason}
        assert process.returncode is not None and not os.path.exists(folder)
        assert workshop.open(0.2).run("import time; time.sleep(9)").stopped == "total"


def test_a_forged_answer_is_refused(opened):
    opened.run(
        "import os\nfor n in range(3, 60):\n"
        "    try: os.write(n, b'{\"value\": 0.5}\\n')\n    except OSError: pass"
    )
    assert opened.ask("half", {"args": [1.0]}) == {"stopped": "protocol"}
    assert opened.run("1").stopped == "protocol"


def test_the_doctor_says_what_is_missing(monkeypatch):
    found = {name: (good, words) for name, good, words in doctor.report()}
    assert found["Python"][0] and found["isolation"][1].startswith(sandbox.detect())
    assert found["psutil"][0] and found["torch"][0]
    assert doctor._package("pie-charts")[1:] == (False, "not installed; in the clone of the "
                                                 "course: pip install '.[grade]'")  # fmt: skip
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    sandbox.why_not.cache_clear()
    found = {name: (good, words) for name, good, words in doctor.report()}
    assert found["bubblewrap"] == (False, "not installed: apt install bubblewrap")
    assert not found["isolation"][0] and not found["level namespaces"][0]
    sandbox.why_not.cache_clear()


def test_the_doctor_says_that_submissions_could_read_the_solutions(monkeypatch):
    course = sandbox.PACKAGE.parent
    if not (course / "solutions").is_dir():
        pytest.skip("no solutions here")
    assert "solutions" not in {name for name, _, _ in doctor.report()}
    monkeypatch.setattr(doctor, "detect", lambda: "process")
    monkeypatch.setattr(sys, "prefix", str(course))  # python -m venv . in the clone
    found = {name: words for name, good, words in doctor.report() if not good}
    assert found["solutions"].startswith(f"in {course}, which every submission can read")


def test_what_the_frameworks_need_is_not_the_students():
    with Workshop(SHORT, level="none", preload=("torch",)) as workshop:
        made = workshop.open()
        assert made._zygote.before > SHORT.memory_mb
        assert made.run("import torch; torch.ones(3)").ok


def test_what_a_submission_started_ends_with_it():
    start = (
        "import subprocess, sys\nprint(subprocess.Popen([sys.executable, '-c', 'while 1: 0']).pid)"
    )
    with Workshop(LIMITS, level="none", preload=()) as workshop:
        made = workshop.open()
        left = int(made.run(start).output)
        made.run("import os; os._exit(0)")  # it has no parent any more by which to find it
    with suppress(psutil.NoSuchProcess):
        psutil.Process(left).wait(30)  # raises where it goes on


def test_what_left_the_group_of_a_submission_ends_with_it_where_it_was_seen():
    start = (
        "import subprocess, sys\nprint(subprocess.Popen([sys.executable, '-c', 'while 1: 0'], "
        "start_new_session=True).pid)"
    )
    with Workshop(LIMITS, level="none", preload=()) as workshop:
        made = workshop.open()
        left = psutil.Process(int(made.run(start).output))
        made._zygote._memory()  # one look of the watch
        assert made.run("import os; os._exit(0)").stopped == "exit"
    with suppress(psutil.NoSuchProcess):
        left.wait(30)  # raises where it goes on


def test_pages_that_a_fork_shares_count_once():
    forks = (
        "import os, signal\nkept = bytes(200 << 20)[:-1]\n"
        "for _ in range(4):\n    if not os.fork(): signal.pause(); os._exit(0)\n"
    )
    with Workshop(replace(LIMITS, memory_mb=4096), level="none", preload=()) as workshop:
        made = workshop.open()
        assert made.run(forks).ok
        assert 100 < made._zygote._memory() - made._zygote.before < 400


def test_a_stop_while_the_process_starts_waits_for_it_and_ends_it(monkeypatch):
    """Ctrl-C: what starts after the end would be nobody's."""
    begin, stopping, made = subprocess.Popen, [], unwalled.Unwalled(LIMITS, None, ())

    def popen(*words, **options):
        stopping.append(Thread(target=made.kill))
        stopping[0].start()
        stopping[0].join(0.5)
        return begin(["sleep", "99"], cwd=options["cwd"])

    monkeypatch.setattr(unwalled.subprocess, "Popen", popen)
    made.tell({"fork": 1}, (0,))
    stopping[0].join(60)
    assert made.process.returncode == -signal.SIGKILL and not os.path.exists(made.folder)
    with pytest.raises(ConnectionResetError, match="told to end"):
        made.tell({"fork": 2}, (0,))


@pytest.mark.parametrize("cell", ["made.run('while True: pass')", "import time; time.sleep(99)"])
def test_a_submission_ends_with_its_grader_and_leaves_no_folder(cell):
    program = (
        "from course_lib.grade.walls.session import Workshop; "
        "from course_lib.grade.walls.limits import Limits; "
        "made = Workshop(Limits(), level='none', preload=()).open(); "
        "print(made._zygote.process.pid, made._zygote.folder, flush=True); " + cell
    )
    grader = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    number, folder = grader.stdout.readline().split()
    orphan = psutil.Process(int(number))
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    with suppress(psutil.NoSuchProcess):
        orphan.wait(30)  # raises where it goes on
    assert not os.path.exists(folder)


def test_a_process_that_cannot_start_says_why(monkeypatch):
    words = [sys.executable, "-c", "raise SystemExit('no IPython here')"]
    monkeypatch.setattr(unwalled, "command", lambda *_: (words, {}))
    workshop = Workshop(LIMITS, level="none", preload=())
    with pytest.raises(SandboxError, match=r"could be started: .*no IPython here"), workshop:
        workshop.open()
