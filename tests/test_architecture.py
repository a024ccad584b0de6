"""The library's shape: arrows point down only, files stay readable, no news is hidden."""

import ast
import re
import subprocess
import sys
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "course_lib"
# A package stands for its __init__.py. The library's own, which every import runs first, is left
# out here and has a test of its own.
FILES = {
    ".".join(path.relative_to(LIBRARY).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(LIBRARY.rglob("*.py"))
    if path != LIBRARY / "__init__.py"
}
TREES = {name: ast.parse(path.read_text()) for name, path in FILES.items()}
every_module = pytest.mark.parametrize("name", FILES)


def imports(tree):
    """What a module imports, also inside functions: {"course_lib.data", "numpy", ...}."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write course_lib.x, so that this test can read it"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            ours = {f"course_lib.{name}" for name in FILES}
            # `from course_lib import models` imports a module, `from course_lib import GALLERY` not
            found |= (names & ours) or {node.module}
    return found


def of_ours(name):
    """What a module imports of ours, with the packages that this runs on the way there."""
    found = {
        each.removeprefix("course_lib.")
        for each in imports(TREES[name])
        if each == "course_lib" or each.startswith("course_lib.")
    }
    for each in list(found):
        folders = each.split(".")[:-1]
        found |= {".".join(folders[:count]) for count in range(1, len(folders) + 1)}
    if name == "claims":  # imports its lessons by their names
        found |= {each for each in FILES if each.startswith("claims.lesson_")}
    # A module in a package is run by it, or after it: that is no arrow.
    return {each for each in found if not f"{name}.".startswith(f"{each}.")}


def of_others(name):
    roots = {each.split(".")[0] for each in imports(TREES[name])}
    return roots - {"course_lib"} - sys.stdlib_module_names


ARROWS = {name: of_ours(name) & FILES.keys() for name in FILES}


def below(name):
    """Every module of ours that `name` needs, however far down."""
    found, waiting = set(), [*ARROWS[name]]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += ARROWS[each]
    return found


def test_imports_are_read_wherever_they_stand():
    tree = ast.parse(
        "import a.b, c\nfrom course_lib.trainers import models\n"
        "from course_lib import GALLERY\nfrom course_lib.data import load\n"
        "def f():\n    from d.e import g\n"
    )
    assert imports(tree) == {
        "a.b",
        "c",
        "course_lib",
        "course_lib.trainers.models",
        "course_lib.data",
        "d.e",
    }
    assert {"schedules", "training", "pytorch", "plots", "cli"} <= FILES.keys()
    assert "trainers.in_torch" in of_ours("training") and "formulas.parameters" in below("plots")


@every_module
def test_no_module_needs_itself(name):
    assert name not in below(name)


@every_module
def test_the_framework_of_each_adapter_is_imported_there_alone(name):
    frameworks = of_others(name) & {"torch", "keras", "tensorflow"}
    assert frameworks == {
        "pytorch": {"torch"},
        "finder.in_torch": {"torch"},
        "trainers.in_torch": {"torch"},
        "tensorflow.framework": {"keras", "tensorflow"},
    }.get(name, set())


FORMULAS = {name for name in FILES if f"{name}.".startswith("formulas.")}
KERAS = {name for name in FILES if f"{name}.".startswith("tensorflow.")}


@pytest.mark.parametrize("name", [*sorted(FORMULAS), "schedules", "plateau", "written", "quiet"])
def test_the_bottom_needs_the_standard_library_only(name):
    assert of_others(name) == set()
    assert below(name) <= FORMULAS | ({"schedules"} if name in ("plateau", "written") else set())


@pytest.mark.parametrize("name", sorted(FORMULAS - {"formulas.parameters"}))
def test_a_formula_needs_no_other_formula(name):
    assert below(name) <= {"formulas", "formulas.parameters"}


@pytest.mark.parametrize(
    "name, allowed",
    [
        ("trainers.models", {"trainers"}),
        ("data", {n for n in FILES if f"{n}.".startswith("datasets.")} | FORMULAS),
        ("pytorch", {"schedules", "plateau", *FORMULAS}),
        ("tensorflow", {"schedules", "plateau", "written", "quiet", *KERAS, *FORMULAS}),
    ],
)
def test_data_models_and_adapters_know_nothing_of_what_is_built_on_them(name, allowed):
    assert below(name) <= allowed


# What the finder finds can draw itself, so the lesson about it has plots below.
CLAIMS = [n for n in FILES if n.startswith("claims.") and "lr_finder" not in of_ours(n)]


@pytest.mark.parametrize("name", ["training", *CLAIMS])
def test_training_draws_nothing(name):
    assert not below(name) & {"plots", "widgets", "checks"}
    assert not of_others(name) & {"matplotlib", "ipywidgets", "IPython"}


GRADE = {name for name in FILES if name.startswith("grade.")}


def test_the_course_knows_nothing_of_the_grader():
    """A learner's machine needs none of it; only the command hands its verbs on."""
    assert {name for name in FILES if of_ours(name) & GRADE} - GRADE == {"cli"}
    assert of_others("grade.commands") <= {"tqdm"} and of_ours("grade.commands") <= GRADE


@pytest.mark.parametrize("inside", ["", "grade."])
def test_arrows_between_rooms_go_one_way_too(inside):
    """A room is a folder, or a file beside the folders: no two of them need each other."""
    rooms = {}
    for name in FILES:
        if name.startswith(inside):
            here = name.removeprefix(inside).partition(".")[0]
            rooms.setdefault(here, set()).update(
                each.removeprefix(inside).partition(".")[0]
                for each in ARROWS[name]
                if each.startswith(inside)
            )
    try:
        TopologicalSorter({room: needed - {room} for room, needed in rooms.items()}).prepare()
    except CycleError as error:
        pytest.fail(f"these rooms need each other: {error.args[1]}")


def test_students_code_runs_in_one_room_that_knows_nothing_of_points():
    walls = {name for name in GRADE if name.startswith("grade.walls")}
    assert {each for name in walls for each in below(name)} & GRADE <= walls
    intake = {name for name in GRADE if name.startswith("grade.intake")}
    assert not {each for name in intake for each in below(name)} & walls


def test_the_grader_asks_and_compares_but_runs_no_student_and_trains_nothing():
    """What decides points stands apart from what runs inside the sandbox."""
    deciding = set().union(
        *(below(f"grade.{n}") for n in ("examine", "intake.assignment", "intake.match"))
    )
    assert not deciding & {
        "grade.walls.zygote",
        "grade.walls.child",
        "checks",
        "training",
        "plots",
        "widgets",
    }
    for name in GRADE:
        assert "pickle" not in imports(TREES[name]) and "dill" not in imports(TREES[name])


def test_nobody_imports_the_command_but_its_user():
    assert [name for name in FILES if "cli" in of_ours(name)] == []


def test_the_adapters_know_no_schedule_by_name():
    """They take any function of the step; Keras's own optimizers refuse a Schedule by its class."""
    known = {"tensorflow.schedule": {"Schedule"}}
    for name in (each for each in FILES if each.partition(".")[0] in ("pytorch", "tensorflow")):
        taken = {
            alias.name
            for node in ast.walk(TREES[name])
            if isinstance(node, ast.ImportFrom) and node.module == "course_lib.schedules"
            for alias in node.names
        }
        assert taken == known.get(name, set()), name


@every_module
def test_a_module_can_be_read_in_one_sitting(name):
    assert len(FILES[name].read_text().splitlines()) < 600


@every_module
def test_what_is_public_says_what_it_is(name):
    public = [
        node
        for node in TREES[name].body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    assert ast.get_docstring(TREES[name]), f"{name} has no docstring"
    assert [node.name for node in public if not ast.get_docstring(node)] == []


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: path.stem)
def test_the_files_that_a_module_sends_its_reader_to_exist(path):
    said = ast.get_docstring(ast.parse(path.read_text())) or ""
    for named in re.findall(r"(?<![\w/.])[\w/]+\.py\b", said):
        places = (LIBRARY.parent, LIBRARY, path.parent)
        assert any((place / named).is_file() for place in places), f"there is no {named}"


@pytest.mark.parametrize("folder", [LIBRARY, LIBRARY / "grade"], ids=lambda path: path.name)
def test_a_map_has_every_file_and_folder(folder):
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    named = re.findall(r"[\w*]+(?:\.py|/)", said)
    there = [path.name for path in folder.glob("[!_]*.py")]
    there += [f"{path.parent.name}/" for path in folder.glob("*/__init__.py")]
    assert [each for each in there if not any(fnmatch(each, name) for name in named)] == []


# --- TensorFlow's notes ---------------------------------------------------------------------------

NOTES = """\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1761.1  12 cudart_stub.cc:31] Could not find cuda drivers on your machine
E0000 00:00:1761.2  12 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error
I0000 00:00:1761.3  12 port.cc:153] oneDNN custom operations are on. You may see slightly different
I0000 00:00:1761.4  12 cpu_feature_guard.cc:227] This TensorFlow binary is optimized to use what
To enable the following instructions: AVX2 AVX512F FMA, in other operations, rebuild TensorFlow
"""


def stderr_of(body, *, status=0):
    """What reaches stderr, as text, when `body` runs with the notes hidden, then says "after"."""
    code = (
        "import os, sys\nfrom course_lib.quiet import startup_notes_hidden\n"
        "def say(text): os.write(2, text.encode())\n"
        f"NOTES = {NOTES!r}\nwith startup_notes_hidden():\n    {body}\nsay('after\\n')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == status, ran.stderr
    return ran.stderr


def test_the_known_notes_are_hidden_and_all_else_is_passed_on():
    assert stderr_of("say(NOTES)") == "after\n"
    assert stderr_of("say('a\\n' + NOTES + 'b\\n'); say('no end')") == "a\nb\nno endafter\n"
    assert stderr_of("say('') or say('é\\n')") == "é\nafter\n"


def test_stderr_is_python_s_and_every_child_s():
    assert stderr_of("print('python', file=sys.stderr)") == "python\nafter\n"
    assert stderr_of("sys.stderr.write('half'); os.system('echo child >&2')").count("child") == 1
    assert stderr_of("os.system('echo failed call to cuInit >&2')") == "after\n"


def test_an_error_inside_is_raised_and_what_was_said_before_it_is_not_lost():
    said = stderr_of("say('real trouble\\n' + NOTES); raise ImportError('no AVX')", status=1)
    assert said.startswith("real trouble\nTraceback")
    assert said.endswith("ImportError: no AVX\n")
    assert "cuInit" not in said
    caught = "\n    ".join(
        [
            "try:",
            "    with startup_notes_hidden():",
            "        say('inside\\n'); raise ImportError",
            "except ImportError:",
            "    say('caught\\n')",
        ]
    )
    assert stderr_of(caught) == "inside\ncaught\nafter\n"


def test_output_is_left_alone_and_no_file_stays_open():
    code = (
        "import os\nfrom course_lib.quiet import startup_notes_hidden\n"
        "def free():\n    new = os.dup(0)\n    os.close(new)\n    return new\n"
        "before = free()\nfor _ in range(5):\n"
        "    with startup_notes_hidden():\n        print('out', flush=True)\n"
        "print(free() - before)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("out\n" * 5 + "0\n", "")
