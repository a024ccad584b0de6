"""Every known fault and attack, as a submission: what it earns, and that nobody else loses.

One run of `lr-course grade` over a folder with all of them, as a teacher would do it.
"""

import os
from types import SimpleNamespace

import nbformat
import pytest
from grading import (
    RIGHT,
    boxed,
    command,
    described,
    scores,
    statuses,
    submission,
    write_solutions,
    write_submission,
)

from course_lib.cli import main
from course_lib.exercises import Group
from course_lib.grade.examine import Examination
from course_lib.grade.results.store import results

pytestmark = boxed
SECONDS = 30.0625  # in all for each; by this number our processes are known from others'
ALL = {"warm": 2.0, "fall": 3.0, "why": 0.0}  # nothing is written about `why`
NO_WARM = {"warm": 0.0, "fall": 3.0, "why": 0.0}
NO_FALL = {"warm": 2.0, "fall": 0.0, "why": 0.0}
NOTHING = {"warm": 0.0, "fall": 0.0, "why": 0.0}

HONEST = {
    "plain": {},
    "warns": dict(before="import warnings\nwarnings.warn('step() before step()')"),
    "warns_inside": dict(
        warm="import warnings\ndef warm(step, *, peak, steps):\n    warnings.warn('odd')\n"
        "    return min(1, (step + 1) / (steps + 1)) * peak"
    ),
    "logs": dict(before="import logging\nlogging.basicConfig(level=0)\nlogging.info('x')"),
    "stderr": dict(before="import sys\nprint('oops', file=sys.stderr)"),
    "plots": dict(
        after="%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    ),
    "magics": dict(after="%%time\nsum(range(10))"),
    "timeit": dict(after="%timeit -n1 -r1 sum(range(10))"),
    "unknown_magic": dict(after="%no_such_magic"),
    "shell": dict(after="!ls /"),
    "bash": dict(after="%%bash\nid; ls ../..; env"),
    "awaits": dict(after="import asyncio\nawait asyncio.sleep(0)"),
    "displays": dict(after="from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))"),
    "progress": dict(after="from tqdm.auto import tqdm\nlist(tqdm(range(5)))"),
    "widget": dict(after="import ipywidgets\nipywidgets.IntSlider()"),
    "asks": dict(after="input('name? ')"),
    "exits": dict(after="import sys\nsys.exit()"),
    "raises": dict(after="1 / 0"),
    "broken_syntax": dict(after="def ("),
    "many_displays": dict(after="for i in range(20_000):\n    display(i)"),
    "helper_below": dict(
        warm="def warm(step, *, peak, steps):\n    return peak * share(step, steps)",
        after="def share(step, steps):\n    return min(1, (step + 1) / (steps + 1))",
    ),
    "helper_above": dict(
        before="def share(step, steps):\n    return min(1, (step + 1) / (steps + 1))",
        warm="def warm(step, *, peak, steps):\n    return peak * share(step, steps)",
    ),
    "name_used_again": dict(after="warm = 3\nfall = None"),
    "numpy": dict(
        warm="import numpy as np\ndef warm(step, *, peak, steps):\n"
        "    return np.minimum(1, (np.float64(step) + 1) / (steps + 1)) * np.array(peak)"
    ),
    "lambda": dict(warm="warm = lambda step, *, peak, steps: peak * min(1, (step+1)/(steps+1))"),
    "object": dict(
        warm="class Warm:\n    def __call__(self, step, *, peak, steps):\n"
        "        return peak * min(1, (step + 1) / (steps + 1))\nwarm = Warm()"
    ),
    "later_loop": dict(after="while True:\n    pass"),
    "later_exit": dict(after="import os\nos._exit(0)"),
    "later_crash": dict(after="import ctypes\nctypes.string_at(0)"),
    "later_memory": dict(after="hog = bytearray(8 << 30)"),
    "stubborn_loop": dict(
        after="while True:\n    try:\n        while True:\n            pass\n"
        "    except BaseException:\n        pass"
    ),
    "atexit": dict(after="import atexit, time\natexit.register(time.sleep, 60)"),
    "thread": dict(
        after="import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()"
    ),
    "flood": dict(after="print('x' * (50 << 20))"),
    "flood_of_long_characters": dict(before="print('\\U0001f600' * (1 << 20))"),
    "copies_files": dict(
        after="import shutil\nopen('a', 'w').write('b')\nshutil.copy2('a', 'c')\nopen('c').read()"
    ),
    "threads_in_answer": dict(
        before="from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(8)",
        warm="def warm(step, *, peak, steps):\n"
        "    return pool.submit(lambda: peak * min(1, (step + 1) / (steps + 1))).result()",
    ),
    "generator": dict(
        warm="def rates(peak, steps):\n    step = 0\n    while True:\n"
        "        yield peak * min(1, (step + 1) / (steps + 1))\n        step += 1\n"
        "def warm(step, *, peak, steps):\n"
        "    return next(rate for i, rate in enumerate(rates(peak, steps)) if i == step)"
    ),
    "decimal": dict(
        warm="from decimal import Decimal as D\ndef warm(step, *, peak, steps):\n"
        "    return D(peak) * min(D(1), D(step + 1) / D(steps + 1))"
    ),
    "asyncio": dict(
        warm="import asyncio\nasync def rate(step, peak, steps):\n"
        "    return peak * min(1, (step + 1) / (steps + 1))\n"
        "def warm(step, *, peak, steps): return asyncio.run(rate(step, peak, steps))"
    ),
    "strict": dict(
        before="import sys, warnings, numpy\nwarnings.simplefilter('error')\n"
        "numpy.seterr(all='raise')\nsys.setrecursionlimit(150)"
    ),
    "reset_after": dict(after="%reset -f"),
    "stars_after": dict(after="from math import *\nfrom numpy import *\nfrom pylab import *"),
    "loader_with_workers": dict(
        before="import multiprocessing\nwith multiprocessing.Pool(2) as pool: pool.map(abs, [1])"
    ),
    "flood_lines": dict(after="for i in range(200_000):\n    print('spam', i)"),
}
# Lines that ran where the student sat, in the cell of the answer, before its `def`.
FIRST = {
    "pip": "!pip install -q numpy",
    "pip_magic": "%pip install numpy",
    "conda": "%conda install numpy",
    "shell": "files = !ls",
    "cd": "%cd ..",
    "process": "import subprocess\nsubprocess.run(['ls'])",
    "widget": "%matplotlib widget",
    "extension": "%load_ext tensorboard",
    "no_magic": "%no_such_magic",
    "script": "%run helpers.py",
    "input": "name = input('name? ')\nprint(name.upper())",
    "package": "import no_such_package as nsp\nframe = nsp.DataFrame()\nframe.head()",
    "colab": "from google.colab import drive\ndrive.mount('/content/drive')",
    "file": "with open('data.csv') as file:\n    rows = file.readlines()\nlen(rows)",
    "network": "import urllib.request\nurllib.request.urlopen('http://example.org')",
    "breakpoint": "breakpoint()",
    "draft": "warm = 3\nwarm(0)",
    "time": "%%time\nimport no_such_package",
    "cell_magic": "%%no_such_cell_magic --option",
}
HONEST |= {
    f"first_{name}": dict(warm=f"{line}\n{RIGHT['warm']}", fall=f"{line}\n{RIGHT['fall']}")
    for name, line in FIRST.items()
}
HONEST["helpers_below_an_error"] = dict(
    before="import no_such_package\nimport math\ndef share(step, steps):\n"
    "    return math.fabs(min(1, (step + 1) / (steps + 1)))",
    warm="def warm(step, *, peak, steps):\n    return peak * share(step, steps)",
)

WRONG = {
    "blank": (dict(warm=None, fall=None), NOTHING),
    "half": (dict(warm=None), NO_WARM),
    "constant": (dict(warm="def warm(*a, **k): return 0.25"), NO_WARM),
    "true": (dict(warm="def warm(*a, **k): return True"), NO_WARM),
    "none": (dict(warm="def warm(*a, **k): pass"), NO_WARM),
    "text": (
        dict(
            warm="def warm(step, *, peak, steps):\n"
            "    return str(peak * min(1, (step + 1) / (steps + 1)))"
        ),
        NO_WARM,
    ),
    "off_by_one": (
        dict(warm="def warm(step, *, peak, steps):\n    return peak * min(1, step / steps)"),
        NO_WARM,
    ),
    "two_of_three": (
        dict(fall="def fall(step, *, lr, every, factor=0.5): return lr * factor ** (step//every)"),
        {**NO_FALL, "fall": 2.0},
    ),
    "knows_shown": (
        dict(
            warm="def warm(step, *, peak, steps):\n    return {(0, 1.0, 4): 0.2}.get((step, peak, "
            "steps), min(2.0, (step + 1) / 3))"
        ),
        NO_WARM,
    ),
    "remembers": (
        dict(
            warm="calls = []\ndef warm(step, *, peak, steps):\n    calls.append(step)\n"
            "    return peak * min(1, (step + 1) / (steps + 1)) + (len(calls) > 12)"
        ),
        NO_WARM,
    ),
    "random": (
        dict(
            warm="import random\ndef warm(step, *, peak, steps):\n    return random.random() * peak"
        ),
        NO_WARM,
    ),
    "exits_when_called": (dict(warm="def warm(*a, **k):\n    import os; os._exit(0)"), NO_WARM),
    "loops_when_called": (dict(warm="def warm(*a, **k):\n    while True: pass"), NO_WARM),
    "recurses": (dict(warm="def warm(*a, **k): return warm(*a, **k)"), NO_WARM),
    "loop_in_cell": (dict(warm=RIGHT["warm"] + "\nwhile True: pass"), NO_WARM),
    "exit_in_cell": (dict(warm=RIGHT["warm"] + "\nimport os; os._exit(0)"), NO_WARM),
    "exit_before_the_answer": (dict(warm="import sys\nsys.exit()\n" + RIGHT["warm"]), NO_WARM),
    "segfault_in_cell": (dict(warm="import ctypes\nctypes.string_at(0)"), NO_WARM),
    "kill_parent": (dict(warm="import os\nos.kill(os.getppid(), 9)"), NO_WARM),
    "fork_bomb": (dict(warm="import os\nwhile True:\n    os.fork()"), NO_WARM),
    "memory": (dict(warm="hog = [bytearray(1 << 28) for _ in range(100)]"), NO_WARM),
    "nan": (dict(warm="def warm(*a, **k): return float('nan')"), NO_WARM),
    "infinite_answer": (
        dict(warm="import itertools\ndef warm(*a, **k): return itertools.count()"),
        NO_WARM,
    ),
    "huge_answer": (dict(warm="def warm(*a, **k): return 'x' * (1 << 26)"), NO_WARM),
    "deep_answer": (
        dict(
            warm="def warm(*a, **k):\n    x = []\n    for i in range(9999): x = [x]\n    return x"
        ),
        NO_WARM,
    ),
    "self_containing": (
        dict(warm="def warm(*a, **k):\n    x = []; x.append(x); return x"),
        NO_WARM,
    ),
    "odd_keys": (dict(warm="def warm(*a, **k): return {((1, 2), 3): {(): [{}]}}"), NO_WARM),
    "ragged": (
        dict(
            warm="import numpy\ndef warm(*a, **k): return numpy.array([[1], [1, 2]], dtype=object)"
        ),
        NO_WARM,
    ),
    "bare_exception": (
        dict(warm="class E(BaseException): pass\ndef warm(*a, **k): raise E()"),
        NO_WARM,
    ),
    "always_equal": (
        dict(
            warm="class A(float):\n    __eq__ = __lt__ = __le__ = lambda s, o: True\n"
            "    __sub__ = __rsub__ = lambda s, o: 0.0\n    __hash__ = None\n"
            "def warm(*a, **k): return A(1)"
        ),
        NO_WARM,
    ),
    "drops_asserts": (
        dict(
            before="import ast\nclass T(ast.NodeTransformer):\n    def visit_Assert(self, n): "
            "return ast.Pass()\nget_ipython().ast_transformers.append(T())",
            warm="def warm(*a, **k): return 0",
        ),
        NO_WARM,
    ),
    "patches_builtins": (
        dict(
            before="import builtins, math, json\nbuiltins.abs = lambda x: 0\n"
            "math.isclose = lambda *a, **k: True\njson.dumps = lambda *a, **k: '{\"value\": 1.0}'",
            warm="def warm(*a, **k): return 0",
        ),
        NO_WARM,
    ),
    "patches_course_lib": (
        dict(
            before="import course_lib.questions.calls as c\n"
            "c.agrees = c.same = lambda *a, **k: True",
            warm="def warm(*a, **k): return 0",
        ),
        NO_WARM,
    ),
    "patches_check": (
        dict(
            before="import course_lib.checks as c\nc.check = lambda *a, **k: print('Correct')",
            warm="check = lambda *a, **k: 1\ndef warm(*a, **k): return 0",
        ),
        NO_WARM,
    ),
    "opens_the_gradebook": (
        dict(
            warm="import sqlite3, glob\nfor p in ['gradebook.db', '../../gradebook.db']:\n"
            "    sqlite3.connect(p).execute('update grade set manual_score = 99')"
        ),
        NO_WARM,
    ),
    "removes_the_others": (
        dict(warm="import shutil\nfor p in ('..', '../..', '/'):\n    shutil.rmtree(p, True)"),
        NO_WARM,
    ),
    "reads_the_running_test": (
        dict(
            before="import sys",
            warm="def warm(*a, **k):\n    cells = get_ipython().user_ns['In']\n"
            "    frame = sys._getframe()\n    while frame:\n        for value in "
            "list(frame.f_locals.values()):\n            if isinstance(value, dict) and 'reply' in "
            "value: return value['reply']['value']\n        frame = frame.f_back\n"
            "    return [c for c in cells if 'hidden' in c]",
        ),
        NO_WARM,
    ),
    "shadows_modules": (
        dict(
            before="for name in ('math', 'json', 'numpy', 'course_lib', 'sitecustomize'):\n"
            "    open(name + '.py', 'w').write('isclose = same = agrees = lambda *a: True')\n"
            "import sys\nfor name in ('math', 'json'): sys.modules.pop(name)",
            warm="def warm(*a, **k): return 0",
        ),
        NO_WARM,
    ),
    "asks_the_network": (
        dict(warm="import urllib.request as u\nexec(u.urlopen('http://127.0.0.1:8888').read())"),
        NO_WARM,
    ),
    "looks_for_secrets": (
        dict(warm="import os\nassert not {'HOME', 'LR_SECRET'} - set(os.environ)\nwarm = 1"),
        NO_WARM,
    ),
    "reads_solutions": (
        dict(
            warm="import glob, re\nfor p in glob.glob('/**/09_small.ipynb', recursive=True):\n"
            "    exec(re.search('def warm.*', open(p).read())[0])"
        ),
        NO_WARM,
    ),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """{student: result} of one run over everything above."""
    root = tmp_path_factory.mktemp("faults")
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("LR_SECRET", "of the teacher")
    for student, options in HONEST.items():
        write_submission(root / "in", f"ok_{student}", submission(**options))
    for student, (options, _) in WRONG.items():
        write_submission(root / "in", f"no_{student}", submission(**options))
    for student, (notebook, _) in TAMPERED.items():
        write_submission(root / "in", f"cell_{student}", notebook())
    write_submission(root / "in", "zz_last", submission())
    write_solutions(root / "solutions")
    limits = ["--memory-mb", "400", "--cell-seconds", "3", "--total-seconds", str(SECONDS)]
    status = main(command(root, "--jobs", "2", *limits))
    assert status == (1 if any(want is None for _, want in TAMPERED.values()) else 0)
    monkeypatch.undo()
    found = [(path.parent.name, result) for path, result in results(root / "out")]
    assert len(dict(found)) == len(found)  # one each
    return dict(found)


@pytest.mark.parametrize("student", HONEST)
def test_an_honest_answer_loses_nothing(graded, student):
    result = graded[f"ok_{student}"]
    assert scores(result) == ALL, result["questions"]


@pytest.mark.parametrize("student", WRONG)
def test_no_answer_earns_what_it_did_not_earn(graded, student):
    result = graded[f"no_{student}"]
    assert scores(result) == WRONG[student][1], result["questions"]


def test_a_line_that_did_not_run_in_a_right_answer_is_told(graded):
    finding = {
        "code": "error",
        "grade_id": "09_small-exercise-1",
        "text": "an error in its cell: ModuleNotFoundError: No module named 'no_such_package' "
        "(line 1)",
    }
    assert finding in graded["ok_first_package"]["findings"]
    assert not [each for each in graded["ok_first_pip"]["findings"] if each["code"] == "error"]


def test_everybody_is_there_and_the_last_one_got_full_marks(graded):
    assert len(graded) == len(HONEST) + len(WRONG) + len(TAMPERED) + 1
    assert scores(graded["zz_last"]) == ALL
    assert {each["isolation"] for each in graded.values()} == {"namespaces"}


def test_written_answers_wait_for_a_person_where_something_was_written(graded):
    found = [statuses(each)["why"] for each in graded.values() if each["status"] == "graded"]
    assert found.count("not begun") > 100 and set(found) <= {"manual", "not begun", "missing"}


@pytest.mark.parametrize(
    "student, words",
    [
        ("no_loops_when_called", "3"),
        ("no_loop_in_cell", "3"),
        ("no_exit_in_cell", "cell was stopped"),
        ("no_memory", "emory"),
        ("no_blank", "handed out"),
    ],
)
def test_what_happened_is_said_in_words(graded, student, words):
    (question,) = (q for q in graded[student]["questions"] if q["grade_id"] == "09-warm")
    assert words in question["reason"]


# ---------------------------------------------------------------- cells that are not as handed out


def cells(change):
    """A right submission, changed by `change(notebook, {grade_id: cell})`."""

    def make():
        notebook = submission()
        by_id = {c.metadata.get("nbgrader", {}).get("grade_id"): c for c in notebook.cells}
        changed = change(notebook, by_id)
        return notebook if changed is None else changed

    return make


def drop(grade_id):
    def change(notebook, by_id):
        notebook.cells.remove(by_id[grade_id])

    return cells(change)


def set_metadata(grade_id, /, **options):
    def change(notebook, by_id):
        by_id[grade_id].metadata["nbgrader"].update(options)

    return cells(change)


def duplicate(notebook, by_id):
    notebook.cells.append(by_id["09-warm"].copy())


def answer_twice(notebook, by_id):
    again = nbformat.from_dict(by_id["09_small-exercise-1"])
    again = again.copy()
    again.source = "def warm(*a, **k): return 0"
    notebook.cells.insert(3, again)


def stub_below(notebook, by_id):
    stub = "def warm(step, **k):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    notebook.cells.append(nbformat.v4.new_code_cell(stub))


def begun_above_stub(notebook, by_id):
    by_id["09_small-exercise-1"].source = "def warm(step, **k):\n    return 7"
    stub_below(notebook, by_id)


def check_first(notebook, by_id):
    notebook.cells.remove(by_id["09-warm"])
    notebook.cells.insert(0, by_id["09-warm"])


def retype(kind):
    def change(notebook, by_id):
        by_id["09_small-exercise-1"]["cell_type"] = kind
        for key in ("outputs", "execution_count"):
            by_id["09_small-exercise-1"].pop(key, None)

    return cells(change)


def same_ids(notebook, by_id):
    for cell in notebook.cells:
        cell["id"] = "same"


def edited_check(notebook, by_id):
    by_id["09-warm"].source = "print('Correct')"


def edited_setup(notebook, by_id):
    by_id["09_small-setup-2"].source = "math = None"


def no_ids(notebook, by_id):
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)


def other_kernel(notebook, by_id):
    notebook.metadata["kernelspec"] = dict(display_name="Bash", language="bash", name="bash")


def more_cells(count, source):
    def change(notebook, by_id):
        notebook.cells += [nbformat.v4.new_code_cell(source) for _ in range(count)]

    return cells(change)


def in_text(old, new):
    return lambda: nbformat.writes(submission()).replace(old, new)


TAMPERED = {
    "points_200": (set_metadata("09-warm", points=200), ALL),
    "grade_false": (set_metadata("09-warm", grade=False, solution=True), ALL),
    "id_changed": (set_metadata("09_small-exercise-1", grade_id="else"), ALL),
    "id_is_a_list": (set_metadata("09_small-exercise-1", grade_id=["a"]), ALL),
    "id_is_a_path": (set_metadata("09_small-exercise-1", grade_id="../../x"), ALL),
    "check_deleted": (drop("09-warm"), ALL),
    "setup_deleted": (drop("09_small-setup-2"), ALL),
    "answer_deleted": (drop("09_small-exercise-1"), NO_WARM),
    "check_twice": (cells(duplicate), ALL),
    "answer_twice": (cells(answer_twice), ALL),
    "stub_below": (cells(stub_below), ALL),
    "begun_above_stub": (cells(begun_above_stub), NO_WARM),
    "check_first": (cells(check_first), ALL),
    "answer_raw": (retype("raw"), ALL),
    "answer_markdown": (retype("markdown"), ALL),
    "written_emptied": (cells(lambda _, by_id: by_id["09-why"].update(source=" ")), ALL),
    "same_cell_ids": (cells(same_ids), ALL),
    "check_edited": (cells(edited_check), ALL),
    "setup_edited": (cells(edited_setup), ALL),
    "no_metadata": (cells(no_ids), ALL),
    "bash_kernel": (cells(other_kernel), ALL),
    "crashes_for_ever": (more_cells(60, "import os; os._exit(0)"), ALL),
    "thousand_cells": (more_cells(1000, "'a' * 20_000"), ALL),
    "three_thousand_cells": (more_cells(3000, "1"), None),
    "too_big": (in_text("import math", "# " + "x" * (50 << 20)), None),
    "not_json": (lambda: "{broken", None),
    "not_a_notebook": (lambda: "[1, 2, 3]", None),
    "empty": (lambda: "", None),
    "nested": (lambda: '{"cells": ' + "[" * 100_000 + "]" * 100_000 + "}", None),
    "format_99": (in_text('"nbformat": 4', '"nbformat": 99'), None),
    "cells_a_number": (lambda: '{"cells": 3, "metadata": {}, "nbformat": 4}', None),
}


@pytest.mark.parametrize("student", TAMPERED)
def test_tampering_gains_nothing_and_costs_no_honest_answer(graded, student):
    result, wanted = graded[f"cell_{student}"], TAMPERED[student][1]
    if wanted is None:
        assert result["status"] == "unreadable" and result["reason"]
    else:
        assert scores(result) == wanted, (result["questions"], result["findings"])


def test_tampering_is_reported(graded):
    for student, code in (("answer_raw", "retyped"), ("points_200", "edited")):
        assert code in {each["code"] for each in graded[f"cell_{student}"]["findings"]}


def test_work_above_a_stub_is_begun(graded):
    assert graded["cell_begun_above_stub"]["questions"][0]["status"] == "wrong"


def test_nothing_ran_on(graded):
    """No process of a submission outlives the grading."""
    commands = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                commands.append(file.read())
        except OSError:
            continue
    assert len(commands) > 1
    assert not [each for each in commands if str(SECONDS) in each]


@pytest.mark.parametrize(
    "answers, quoted, words",
    [
        ([7.5, 7.5], True, "warm(0, peak=1.0, steps=4) returned 7.5, expected 0.2"),
        ([7.5, 7.6], True, "the answer changes from call to call"),
        ([7.5, 7.5], False, "an answer is not right"),
        ([0.20001, 0.20001], False, "an answer is right to four digits"),
    ],
)
def test_an_answer_is_quoted_only_if_it_tells_nothing_but_itself(answers, quoted, words):
    """A clock's differs from run to run. A process's number can tell what the process before has
    been asked: nothing is quoted once a hidden call has been made."""
    shown = Group("shown", described()["warm"].shown, 0.0)
    question = SimpleNamespace(grade_id="09-warm", name="warm", tolerance=1e-9)
    replies = iter(answers)
    session = SimpleNamespace(ask=lambda name, call: {"value": next(replies)})
    examination = SimpleNamespace(_name=lambda question: question.name)
    found = Examination.ask_group(examination, session, question, shown, quoted)
    assert found[0].startswith(words) and found[1] == ""
