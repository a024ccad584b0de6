"""A submission's process: honest work comes out as in a notebook, and nothing else comes out."""

import math
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from grading import boxed

from course_lib.grade.walls import messages, sandbox, session
from course_lib.grade.walls.limits import LEVELS, STOPPED_IN_WORDS, Limits
from course_lib.grade.walls.messages import BadReply, SandboxError
from course_lib.grade.walls.session import Workshop

ROOT = Path(__file__).parents[1]
LIMITS = Limits(cell_seconds=10, memory_mb=200, files=300, threads=40, scratch_mb=24, output_kb=16)
SHORT = replace(LIMITS, cell_seconds=3)  # memory comes slowly on a busy machine
HALF = "def half(x):\n    return x / 2\n"

pytestmark = boxed


@pytest.fixture(scope="module", params=["namespaces", "process"])
def workshop(request):
    with Workshop(LIMITS, level=request.param, preload=()) as made:
        yield made


@pytest.fixture(scope="module")
def walls():
    """Both layers, and little time."""
    with Workshop(SHORT, level="namespaces", preload=()) as made:
        yield made


@pytest.fixture
def opened(workshop):
    made = workshop.open()
    yield made
    made.close()


def works(workshop):
    """Whether the next submission gets an honest process."""
    made = workshop.open()
    assert made.run(HALF).ok
    assert made.ask("half", {"args": [3.0]}) == {"value": 1.5}
    assert made.close().seconds > 0
    return True


# --- Honest work ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source, output",
    [
        ("print(1)\n2", "1\n2"),
        ("x = 3; x", "3"),
        ("import sys; print('e', file=sys.stderr)", "e\n"),
        ("from IPython.display import *\ndisplay(3, HTML('<b>x</b>'))", "3\n[html]\n"),
        ("%%time\n7", "7"),
        ("%timeit -n1 -r1 None", "per loop"),
        ("import asyncio\nawait asyncio.sleep(0, 'waited')", "'waited'"),
        ("import warnings, logging\nwarnings.warn('careful')", "UserWarning: careful"),
        ("import logging; logging.warning('logged')", "logged"),
        ("from tqdm.auto import tqdm\nfor _ in tqdm(range(3)): pass", "3/3"),
        ("open('a.txt', 'w').write('kept'); print(open('a.txt').read())", "kept"),
        ("import os; os.path.expanduser('~') == os.getcwd() == os.environ['TMPDIR']", "True"),
        ("import tempfile; print(tempfile.TemporaryFile().write(b'abc'))", "3"),
        ("!ls\nfiles = !ls\n%pip list\nfiles", "not run here: ls\nnot run here: ls\nnot run"),
        ("%cd ..\n%pwd", "/"),
        ("%%writefile mine.py\nseven = 7", "Writing"),
        ("from threading import Thread\nThread(target=print, args=['th']).start()", "th"),
        ("import course_lib, numpy; print(course_lib.GALLERY is not None)", "True"),
        ("print(hash('a') == hash('a'), '\\ud800')", ""),
    ],
)  # fmt: skip
def test_cells_run_as_in_a_notebook(opened, source, output):
    outcome = opened.run(source)
    assert outcome.ok and outcome.error is None and outcome.stopped is None, outcome
    assert output in outcome.output
    assert opened.run("1").ok


@pytest.mark.parametrize(
    "source, error, message",
    [
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("x =", "SyntaxError", "invalid syntax"),
        ("  x\n y", "IndentationError", ""),
        ("raise ValueError(object())", "ValueError", "<object object at 0x...>"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("import sys; sys.exit(3)", "SystemExit", "3"),
        ("exit()", "SystemExit", ""),
        ("input()", "EOFError", ""),
        ("%%bash\nls", "PermissionError", ""),
        ("%no_such_magic", "UsageError", "no_such_magic"),
        ("def f(): f()\nf()", "RecursionError", ""),
        ("bytearray(8 << 30)", "MemoryError", ""),
        ("import numpy\nnumpy.ones(1 << 32)", "MemoryError", "Unable to allocate"),
        ("import torch_no", "ModuleNotFoundError", "torch_no"),
    ],
)
def test_an_error_is_an_outcome_and_the_next_cell_runs(opened, source, error, message):
    outcome = opened.run(source)
    assert (outcome.ok, outcome.stopped) == (False, None)
    assert outcome.error.removeprefix("_Array") == error  # NumPy has a MemoryError of its own
    assert message in outcome.message
    assert opened.run("print('next')").output == "next\n"


def test_plots_are_text_and_figures_are_closed(opened):
    for first in ("%matplotlib inline\n", ""):
        outcome = opened.run(
            first
            + "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nplt.get_fignums()"
        )
        assert outcome.ok and "<Figure size" in outcome.output and outcome.output.endswith("[]")
    assert opened.run("fig = plt.figure(); fig.savefig('a.png'); plt.close()").ok


def test_output_is_cut(opened):
    outcome = opened.run("for i in range(100000): print(i)\nprint('end')")
    assert outcome.ok and outcome.output.startswith("0\n1\n")
    assert outcome.output.endswith("... output cut") and len(outcome.output) < 17 * 1024
    assert opened.run("print('x' * 20_000_000)").output.endswith("... output cut")
    assert opened.run("print('again')").output == "again\n"


def test_streams_that_were_replaced_are_put_back(opened):
    opened.run("import sys, io\nsys.stdout = sys.stderr = io.StringIO(); sys.stdin = None")
    opened.run("import os; os.mkdir('deep'); os.chdir('deep')")
    assert opened.run("print('heard')").output == "heard\n"
    assert opened.run("print(os.path.basename(os.getcwd()) != 'deep')").output == "True\n"


def test_random_numbers_and_hashes_are_the_same_in_every_process(workshop):
    source = "import random, numpy\nprint(random.random(), numpy.random.rand(), hash('text'))"
    outputs = set()
    for _ in range(2):
        outputs.add(workshop.open().run(source).output)
    assert len(outputs) == 1 and len(outputs.pop().split()) == 3


def test_functions_are_asked(opened):
    opened.run(
        HALF + "half_all = lambda xs: [half(x) for x in xs]\n"
        "def loud(x):\n    print('y' * 10**7); return x\n"
        "def stops(): raise SystemExit\n"
        "def interrupts(): raise KeyboardInterrupt('now')\n"
        "class Mine(ValueError): pass\n"
        "def mine(): raise Mine(f'at {object()}')\n"
        "def endless():\n    while True: yield 1\n"
        "nan = lambda: float('nan')\nkey = lambda *, lr: {'lr': lr}\nnumber = 3\n"
        "def recursive(): return recursive()\n"
        "def many(): return [['x' * 1000] * 10000]\n"
    )
    ask = opened.ask
    assert ask("half", {"args": [3.0]}) == {"value": 1.5}
    assert ask("half_all", {"args": [[1, 2]]}) == {"value": [0.5, 1.0]}
    assert ask("half", {"args": [[0, 2]], "via": "curve"}) == {"value": [0.0, 1.0]}
    assert ask("key", {"kwargs": {"lr": 0.5}}) == {"value": {"dict": [["lr", 0.5]]}}
    assert ask("nan", {}) == {"value": {"float": "nan"}}
    assert ask("loud", {"args": [2]}) == {"value": 2}
    assert ask("nothing", {}) == {"missing": True}
    assert ask("number", {})["error"][0] == "TypeError"
    assert ask("stops", {})["error"][0] == "SystemExit"
    assert ask("interrupts", {})["error"][:2] == ["KeyboardInterrupt", "BaseException"]
    assert ask("mine", {})["error"][:2] == ["Mine", "ValueError"]
    assert ask("mine", {})["message"].endswith("0x...>")
    assert ask("endless", {})["error"] == ["Unanswerable"]
    assert ask("recursive", {})["error"][0] == "RecursionError"
    assert ask("many", {})["error"] == ["Unanswerable"]
    assert ask("half", {"args": [5]}) == {"value": 2.5}
    usage = opened.close()
    assert usage == opened.close() and usage.seconds > 0 and 0 < usage.peak_mb < 200
    assert opened.ask("half", {"args": [5]}) == {"stopped": "exit"}


# --- Attacks --------------------------------------------------------------------------------------

SYSCALL = "import ctypes\nc = ctypes.CDLL(None, use_errno=True)\n"
CHANNEL = (
    "import os, socket\nfor n in range(3, 256):\n"
    "    try: s = socket.socket(fileno=os.dup(n)); s.getpeername(); break\n"
    "    except OSError: pass\n"
)

# Harmless to this machine even if a wall is missing: signal 0 only asks, and so on.
REFUSED = {  # what must raise an ordinary error; "GOT" is printed only where it did not
    "network": "import socket; socket.create_connection(('127.0.0.1', 22), 1)",
    "own server": "import socket; socket.socket().bind(('127.0.0.1', 0))",
    "exec": "import os; os.execv('/usr/bin/id', ['id'])",
    "subprocess": "import subprocess; subprocess.run(['id'], check=True)",
    "spawn": "import os; os.posix_spawn('/usr/bin/id', ['id'], {})",
    "os.system": "import os\nif os.system('true'): raise OSError",
    "fork": "import os; os.fork()",
    "multiprocessing": "import multiprocessing as m; m.get_context('fork').Process().start()",
    "kill the parent": "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
    "signal all": "import os; os.kill(-1, 0)",
    "signal a group": "import os; os.killpg(0, 0)",
    "pidfd": "import os; os.pidfd_open(os.getppid())",
    "solutions": f"import os; os.listdir({str(ROOT / 'solutions')!r})",
    "the repository": f"import os; os.listdir({str(ROOT)!r})",
    "tests": f"open({str(ROOT / 'pyproject.toml')!r}).read()",
    "shadow": "open('/etc/shadow').read()",
    "passwd": "open('/etc/passwd').read()",
    "home": f"import os; os.listdir({str(Path.home() / '.ssh')!r})",
    "neighbours": "import os; os.listdir(os.path.dirname(os.getcwd()))",
    "temporary": "import os; os.listdir('/tmp')",
    "environment of the parent": "import os; open(f'/proc/{os.getppid()}/environ').read()",
    "memory of the parent": "import os; open(f'/proc/{os.getppid()}/mem', 'rb')",
    "files of the parent": "import os; os.listdir(f'/proc/{os.getppid()}/fd')",
    "root of the parent": "import os; os.listdir(f'/proc/{os.getppid()}/root/')",
    "write /proc": "open('/proc/self/oom_score_adj', 'w').write('-500')",
    "write the package": "import course_lib\nopen(course_lib.__file__, 'a').write('')",
    "write /tmp": "open('/tmp/mine', 'w')",
    "write /usr": "open('/usr/mine', 'w')",
    "write shared memory": "open('/dev/shm/mine', 'w')",
    "shared memory": "import multiprocessing.shared_memory as s\ns.SharedMemory(None, True, 9)",
    "memfd": "import os; os.memfd_create('mine')",
    "symlink out": "import os; os.symlink('/etc/shadow', 'l'); open('l').read()",
    "symlink for writing": "import os; os.symlink('/tmp/mine', 'l'); open('l', 'w')",
    "hard link in": "import os, course_lib; os.link(course_lib.__file__, 'l')",
    "rename out": "import os; open('a', 'w'); os.rename('a', '../a')",
    "large file": "f = open('big', 'wb', 0)\nfor _ in range(20): f.write(bytes(1 << 20))",
    "sparse file": "open('big', 'wb').truncate(1 << 30)",
    "device": "import os, stat; os.mknod('d', stat.S_IFBLK | 0o600, os.makedev(8, 0))",
    "more memory": "import resource as r; r.setrlimit(r.RLIMIT_AS, (-1, -1))",
    "more time": "import resource as r; r.setrlimit(r.RLIMIT_CPU, (9999, 9999))",
    "another's limits": "import os, resource as r; r.prlimit(os.getppid(), 7, (3, 3))",
    "priority": "import os; os.setpriority(os.PRIO_PROCESS, 0, 5)",
    "processors": "import os; os.sched_setaffinity(os.getppid(), {0})",
    "signals by the kernel": (
        "import fcntl, os, socket; fcntl.fcntl(socket.socketpair()[0], fcntl.F_SETOWN, os.getpid())"
    ),
    "signals by a device": (
        "import fcntl, os, socket, struct\n"
        "fcntl.ioctl(socket.socketpair()[0], 0x8901, struct.pack('i', os.getpid()))"
    ),
    "lease": "import course_lib, fcntl; fcntl.fcntl(open(course_lib.__file__), 1024, 0)",
    "locks of others": (
        "import course_lib, fcntl\n"
        "fcntl.fcntl(open(course_lib.__file__), fcntl.F_GETLK, bytes(64))"
    ),
    "attributes": "import os; os.setxattr('.', 'user.a', b'1')",
    "chroot": "import os; os.chroot('.')",
    "terminal": "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSTI, b'x')",
    "open to all": SYSCALL + "if c.prctl(4, 1, 0, 0, 0): raise OSError",
    "outlive the parent": SYSCALL + "if c.prctl(1, 0, 0, 0, 0): raise OSError",
    **{
        f"syscall {number}": SYSCALL + f"if c.syscall({number}, {arguments}) < 0: raise OSError"
        for number, arguments in {
            41: "2, 1, 0",  # socket
            57: "0",  # fork
            58: "0",  # vfork
            56: "17, 0, 0, 0, 0",  # clone
            435: "0, 0",  # clone3
            101: "16, 1, 0, 0",  # ptrace
            272: "0x10000000",  # unshare
            308: "0, 0",  # setns
            165: "b'a', b'.', b'tmpfs', 0, 0",  # mount
            321: "0, 0, 0",  # bpf
            425: "1, 0",  # io_uring_setup
            248: "b'user', b'a', b'b', 1, -1",  # add_key
            29: "0, 4096, 0o1600",  # shmget
            323: "0",  # userfaultfd
            253: "",  # inotify_init
            294: "0",  # inotify_init1
            451: "0, (ctypes.c_uint64 * 2)(), (ctypes.c_uint64 * 5)(), 0",  # cachestat
            327: "__import__('os').open(ctypes.__file__, 0), None, 0, 0, 0, 8",  # RWF_NOWAIT
            303: "-100, b'.', 0, 0, 0",  # name_to_handle_at
            463: "-100, b'.', 0, b'user.a', 0, 0",  # setxattrat
            0x40000000 + 39: "",  # getpid of the x32 interface
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_an_ordinary_error(workshop, name):
    made = workshop.open()
    as_one = (
        f"exec({REFUSED[name] + chr(10)!r} + \"print('GOT')\")"  # a cell goes on after an error
    )
    outcome = made.run(as_one)
    assert "GOT" not in outcome.output and not outcome.ok
    assert outcome.stopped in (None, "crash")  # the x32 interface ends the process
    assert outcome.error or outcome.stopped
    if not outcome.stopped:
        assert made.run("print('alive')").output == "alive\n"
    made.close()
    assert works(workshop)


def test_a_lock_tells_another_submission_nothing(workshop):
    """Both read the same files of Python; who listens must not hear who writes."""
    lock = "import course_lib, fcntl\nf = open(course_lib.__file__)\nfcntl.flock(f, fcntl.LOCK_EX"
    with Workshop(LIMITS, level=workshop.level, preload=()) as other:
        one, two = workshop.open(), other.open()
        for outcome in (one.run(f"{lock})"), two.run(f"{lock} | fcntl.LOCK_NB)")):
            assert outcome.ok, outcome
        one.close()


TO_FILL = "for n in range(99): open(f'f{n}', 'wb').write(bytes(3 << 20))\n"
STOPPED = {  # what ends the process, and for which reasons it may be said to
    "loop": ("while True: pass", {"time"}),
    "stubborn loop": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        {"time"},
    ),
    "sleep": ("import time; time.sleep(99)", {"time"}),
    "ignored signals": (
        "import signal\nfor n in range(1, 64):\n    try: signal.signal(n, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\nwhile True: pass",
        {"time"},
    ),
    "exit": ("import os; os._exit(0)", {"exit"}),
    "abort": ("import os; os.abort()", {"crash"}),
    "segfault": ("import ctypes; ctypes.string_at(0)", {"crash"}),
    "a signal without a name": (
        SYSCALL + "import struct, time\nevent = struct.pack('Qii48x', 0, 40, 0)\n"
        "c.syscall(222, 0, event, own := ctypes.create_string_buffer(8))\n"  # timer_create
        "c.syscall(223, 0, 0, struct.pack('4Q', 0, 0, 0, 1), 0); time.sleep(9)",
        {"crash"},
    ),
    "code of another machine": (
        "import ctypes, mmap\nm = mmap.mmap(-1, 4096, prot=7)\n"
        "m.write(b'\\x53\\xb8\\x14\\0\\0\\0\\xcd\\x80\\x5b\\xc3')\n"  # int 0x80: getpid
        "at = ctypes.addressof(ctypes.c_char.from_buffer(m))\nctypes.CFUNCTYPE(ctypes.c_int)(at)()",
        {"crash"},
    ),
    "stack": (
        "import sys; sys.setrecursionlimit(10**9)\n"
        "class A:\n    def __repr__(self): return repr(self)\nrepr(A())",
        {"crash", "memory", "time"},
    ),
    "slow memory": (
        "import time\nk = []\nwhile True: k.append(b'x' * (4 << 20)); time.sleep(.01)",
        {"memory"},
    ),
    "fast memory": ("import numpy\nkept = [numpy.ones(1 << 22) for _ in range(8)]", {"memory"}),
    "mapped memory": ("import mmap\nmmap.mmap(-1, 1 << 29).write(bytes(1 << 28))", {"memory"}),
    "threads": (
        "import threading, time\n"
        "for _ in range(200): threading.Thread(target=time.sleep, args=[9]).start()\ntime.sleep(9)",
        {"threads"},
    ),
    "files": ("for n in range(100000): open(str(n), 'w').close()", {"files"}),
    "folders": ("import os\nfor n in range(100000): os.mkdir('d'); os.chdir('d')", {"files"}),
    "garbage on the channel": (CHANNEL + "s.sendall(b'garbage\\n')", {"protocol"}),
    "a list on the channel": (CHANNEL + "s.sendall(b'[1]\\n')", {"protocol"}),
    "a forged reply": (
        CHANNEL + "s.sendall(b'{\"id\": \"0\", \"ok\": true, \"error\": null}\\n')",
        {"protocol"},
    ),
    "deep JSON": (CHANNEL + "s.sendall(b'[' * 50000 + b'\\n')", {"protocol"}),
    "endless JSON": (CHANNEL + "while True: s.sendall(b'x' * 65536)", {"output"}),
    "a closed channel": ("import os; os.closerange(3, 256)\nwhile True: pass", {"protocol"}),
    "every file is written": (
        "import os\nfor n in range(20):\n    try: os.write(n, b'x' * 100 + b'\\n')\n"
        "    except OSError: pass",
        {"protocol"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STOPPED)
def test_what_takes_too_much_is_stopped_and_the_next_is_not(walls, name):
    source, reasons = STOPPED[name]
    made = walls.open()
    zygote = walls._zygote.process.pid
    outcome = made.run(source)
    assert outcome.stopped in reasons, outcome
    assert (outcome.ok, outcome.error) == (False, None) and outcome.message
    assert made.run("1").stopped == outcome.stopped  # and stays so
    assert made.ask("half", {}) == {"stopped": outcome.stopped}
    made.close()
    assert works(walls)
    assert walls._zygote.process.pid == zygote, "the sandbox itself did not survive"


def test_scratch_is_bounded_and_empty_for_the_next(walls):
    made = walls.open()
    outcome = made.run(TO_FILL)
    assert (outcome.error, outcome.stopped) == ("OSError", None)
    deep = (
        "import os\nfor n in range(250): os.mkdir('d' * 200); os.chdir('d' * 200)\nos.chmod('.', 0)"
    )
    assert made.run("import glob, os\nfor f in glob.glob('*'): os.remove(f)").ok
    assert made.run(deep).ok
    assert walls.open().run("import os; print(os.listdir())").output == "[]\n"
    assert works(walls)


def test_no_mark_is_left_for_the_next(walls):
    """Modes and times of what lies outside scratch: a submission could write there what it was
    asked, and the next could read it."""
    places = ("..", "/tmp", "/tmp/zygote", "/dev/shm", "/dev")
    look = (
        f"import os\nfor p in {places}:\n    s = os.stat(p)\n"
        "    print(p, oct(s.st_mode), p == '..' or s.st_mtime_ns)"
    )
    made = walls.open()
    before = made.run(look).output
    mark = f"import os\nfor p in {places}:\n    os.chmod(p, 0o700); os.utime(p, (5, 5))"
    assert made.run(mark).error is None
    assert made.run("import shutil; open('a', 'w').write('b'); shutil.copy2('a', 'c')").ok
    assert made.run("print(open('c').read())").output == "b\n"
    made.close()
    assert walls.open().run(look).output == before and "/dev/shm" in before


@pytest.mark.parametrize(
    "source",
    [
        "import json; json.dumps = json.loads = None",
        "import course_lib.questions.calls as e; e.encode = lambda *a: 1; e.reply = None",
        "import builtins; builtins.print = builtins.len = builtins.isinstance = None",
        "get_ipython().run_cell = None",
        "get_ipython().user_ns.clear()",
        "import sys; sys.modules.clear()",
        "import sys; sys.settrace(lambda *a: 1 / 0)",
        "import atexit; atexit.register(lambda: 1 / 0)",
        "from threading import Thread\ndef f():\n    while True: pass\nThread(target=f).start()",
        "import gc\nfor o in gc.get_objects():\n  if type(o).__name__ == 'Child': vars(o).clear()",
        "from course_lib.grade.walls import child\nchild.Child.run = lambda *a: {'ok': True}",
        "import sys; sys.stdout.write = None; sys.stdout.parts = 3",
    ],
)
def test_who_breaks_the_process_breaks_it_for_nobody_else(walls, source):
    made = walls.open()
    for outcome in (made.run(HALF), made.run(source), made.run("1")):
        assert outcome.stopped in {None, *STOPPED_IN_WORDS}
    found = made.ask("half", {"args": [3.0]})
    assert found.keys() <= {"value", "error", "message", "missing", "stopped"}
    made.close()
    assert works(walls)


@pytest.mark.parametrize(
    "value",
    [
        "NaN", "Infinity", "1e999", '{"dict": 1}', '{"dict": [[1]]}', '{"float": "1"}', '{"a": 1}',
        "[" * 200 + "]" * 200, "1" * 400, "", '{"float": "nan", "dict": []}',
    ],
)  # fmt: skip
def test_a_value_that_encode_cannot_write_is_refused(value):
    with pytest.raises(BadReply):
        messages.answer(messages.read(f'{{"value": {value}}}'))


def test_a_reply_of_another_form_is_refused():
    good = {"ok": True, "error": None, "message": "", "output": ""}
    assert messages.outcome(good, LIMITS).ok
    for change in ({"ok": 1}, {"ok": False}, {"error": 3}, {"output": None}, {"more": 1}):
        with pytest.raises(BadReply):
            messages.outcome({**good, **change}, LIMITS)
    for bad in (
        *({}, {"missing": 1}, {"value": 1, "missing": True}, {"error": ["E"]}),
        *({"error": each, "message": ""} for each in ([], [1], "E")),
        {"error": ["E"], "message": 1},
    ):
        with pytest.raises(BadReply):
            messages.answer(bad)
    long = messages.outcome({**good, "output": "x\ud800" * 10**6}, LIMITS)
    assert len(long.output.encode()) < 20 * 1024


# --- Time, level, many workshops ------------------------------------------------------------------


def test_the_time_of_a_session_is_its_own(walls):
    made = walls.open(0.3)
    assert made.run("import time; time.sleep(9)").stopped == "total"
    made.close()
    made = walls.open(60)
    made.run("def slow():\n    while True: pass")
    assert made.ask("slow", {}) == {"stopped": "time"}
    assert made.close().seconds < 30


def test_a_dead_sandbox_is_made_anew(walls):
    made = walls.open()
    walls._zygote.process.kill()
    walls._zygote.process.wait()
    assert made.run("1").stopped
    made.close()
    assert works(walls)
    walls._zygote.process.kill()
    assert works(walls)


def test_a_sandbox_that_cannot_start_is_the_grader_s_trouble(monkeypatch):
    assert sandbox.why_not("process") == ""  # kept, so that no later test hears of what comes now
    monkeypatch.setattr(sandbox.sys, "executable", "/usr/bin/false")
    with Workshop(LIMITS, level="process", preload=()) as broken, pytest.raises(SandboxError):
        broken.open()


def test_no_process_runs_unlocked(tmp_path):
    """Where one part of the lock fails, the process says so and runs nothing."""
    code = (
        "import os, sys; from course_lib.grade.walls import sandbox, limits, zygote\n"
        "def broken(*a, **k): raise OSError('no wall')\n"
        "setattr(sandbox, sys.argv[1], broken)\n"
        "import socket; a, b = socket.socketpair()\n"
        "z = zygote.Zygote.__new__(zygote.Zygote)\n"
        "z.scratch, z.readable, z.limits, z.loaded = sys.argv[2], ['/usr'], limits.Limits(), []\n"
        "pid = os.fork()\n"
        "if not pid: z.become(b, 1, 9.0); os._exit(0)\n"
        "b.close(); print(a.makefile().read())"
    )
    for part in ("_limit_resources", "_limit_files", "_limit_calls", "set_undumpable"):
        ran = subprocess.run(
            [sys.executable, "-c", code, part, str(tmp_path)], capture_output=True, text=True
        )
        assert "OSError: no wall" in ran.stdout and "locked" not in ran.stdout, ran


def test_workshops_do_not_disturb_each_other():
    found = {}

    def use(name):
        with Workshop(LIMITS, level="namespaces", preload=()) as made:
            found[name] = [works(made) for _ in range(3)]

    threads = [threading.Thread(target=use, args=[n]) for n in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == {n: [True] * 3 for n in range(3)}


def test_nothing_survives_a_workshop_or_its_grader():
    code = (
        "import sys; from course_lib.grade.walls.session import Limits, Workshop\n"
        "w = Workshop(Limits(), level=sys.argv[1], preload=())\n"
        "s = w.open(); print(w._zygote.process.pid, flush=True)\n"
        "s.run('import time, os; os.setsid(); time.sleep(60)')"
    )
    for level in [*LEVELS][1:]:
        ran = subprocess.Popen([sys.executable, "-c", code, level], stdout=subprocess.PIPE)
        pid = int(ran.stdout.readline())
        ran.kill()
        ran.wait()
        assert _gone(pid), level
    with Workshop(LIMITS, level="namespaces", preload=()) as made:
        made.open()
        pid = made._zygote.process.pid
    assert _gone(pid)


@pytest.mark.parametrize("level", [*[*LEVELS][1:], "none"])
def test_a_student_reads_no_path_of_the_grading_machine(level):
    source = "import sys\nprint(sys.prefix + '/x', numpy.__file__)\nfrom numpy import nothing"
    folders = "import os\nprint(os.getcwd() + '/a', sys.prefix)"
    with Workshop(LIMITS, level=level, preload=()) as made:
        one = made.open()
        outcome = one.run(f"import numpy\n{source}")
        assert one.run(folders).output == "./a ...\n"
    assert outcome.output == ".../x .../numpy/__init__.py\n"
    assert outcome.message.endswith("from 'numpy' (.../numpy/__init__.py) (line 4)")


def _gone(pid):
    for _ in range(500):
        if not os.path.exists(f"/proc/{pid}"):
            return True
        time.sleep(0.02)
    return False


def test_the_level_is_checked_and_the_strongest_is_found_by_trying(monkeypatch):
    assert session.detect() == "namespaces" and Workshop(LIMITS).level == "namespaces"
    with pytest.raises(ValueError, match="level must be one of none, process, namespaces"):
        Workshop(LIMITS, level="most")
    monkeypatch.setattr(sandbox.shutil, "which", lambda _: None)
    sandbox.why_not.cache_clear()
    assert sandbox.detect() == "process"
    assert "apt install bubblewrap" in sandbox.why_not("namespaces")
    sandbox.why_not.cache_clear()


def test_data_can_be_read_and_not_written(tmp_path):
    (tmp_path / "numbers.txt").write_text("1 2 3")
    (tmp_path.parent / "beside.txt").write_text("secret")
    source = "import os\nd = os.environ['LR_COURSE_DATA']\n"
    for level in [*LEVELS][1:]:
        with Workshop(LIMITS, level=level, data=tmp_path, preload=()) as made:
            one = made.open()
            assert one.run(source + "print(open(d + '/numbers.txt').read())").output == "1 2 3\n"
            assert not one.run("open(d + '/mine', 'w')").ok
            assert not one.run("open(d + '/../beside.txt').read()").ok


def test_limits_are_checked():
    for wrong in ({"cell_seconds": 0}, {"memory_mb": 1.5}, {"files": True}, {"threads": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Limits(**wrong)
    with pytest.raises(ValueError, match="must not be more than total_seconds"):
        Limits(cell_seconds=30, total_seconds=20)
    assert all(map(LIMITS.in_words, STOPPED_IN_WORDS))


def test_both_frameworks_train_in_a_fork_of_one_thread():
    cells = [
        "import torch, keras, numpy as np, tensorflow as tf\nimport course_lib.tensorflow",
        "m = torch.nn.Linear(4, 1); o = torch.optim.SGD(m.parameters(), lr=0.1)\n"
        "s = torch.optim.lr_scheduler.CosineAnnealingLR(o, 10)\n"
        "for _ in range(5):\n    m(torch.ones(8, 4)).sum().backward(); o.step(); s.step()\n"
        "(torch.rand(512, 512) @ torch.rand(512, 512)).sum().item()",
        "k = keras.optimizers.schedules.CosineDecay(0.1, 10)\n"
        "n = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])\n"
        "n.compile(keras.optimizers.SGD(k), 'mse')\n"
        "n.fit(np.ones((64, 4)), np.ones((64, 1)), verbose=0)\nn.get_weights()",
        "def rate(step): return k(step)\n"
        "def make(optimizer): return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)",
    ]
    with Workshop(Limits(), level="namespaces") as made:
        outputs = []
        for _ in range(2):
            one = made.open()
            assert made._zygote.ready["threads"] == 1
            assert {"torch", "tensorflow", "keras"} <= set(made._zygote.ready["loaded"])
            outcomes = [one.run(cell) for cell in cells]
            assert all(each.ok for each in outcomes), outcomes
            assert math.isclose(one.ask("rate", {"args": [5]})["value"], 0.05, rel_tol=1e-6)
            rates = one.ask("make", {"args": [1.0, 6], "via": "torch_rates"})["value"]
            assert math.isclose(rates[5], 0.5)
            outputs.append([each.output for each in outcomes])
            assert one.close().peak_mb < 1024
        assert outputs[0] == outputs[1]


def test_stop_does_not_wait_for_a_sandbox_that_is_starting(monkeypatch):
    """Ctrl-C while the frameworks load, which takes half a minute on a busy machine."""
    starting, said = threading.Event(), []
    wait_until_ready = session._Zygote.wait_until_ready
    monkeypatch.setattr(
        session._Zygote,
        "wait_until_ready",
        lambda self: (starting.set(), wait_until_ready(self)),
    )
    monkeypatch.setattr(session, "command", lambda *_: (["sleep", "999"], dict(os.environ)))
    workshop = Workshop(LIMITS, preload=())

    def work():
        with pytest.raises(SandboxError) as error:
            workshop.open()
        said.append(str(error.value))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert starting.wait(60)
    process = workshop._zygote.process
    workshop.stop()
    thread.join(60)
    assert said == ["the grader was told to stop"] and process.poll() is not None
