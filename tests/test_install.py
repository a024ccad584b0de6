"""The wheel and the sdist, and what works where only the wheel is installed.

An environment of its own gets the wheel without its extras, and beside it the packages that
the library needs, linked from the environment of the tests: no network, no long installs.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LIBRARY = sorted((ROOT / "course_lib").rglob("*.py"))
# Of the folder of the course; further down the same names may be packages of ours.
NOT_SOURCE = {
    *("build", "dist", "data", "notebooks", "exercises", "solutions", "lessons", "site"),
    *("results", "handout", "reproduced"),
}


def not_source(folder, names):
    made = {each for each in names if each.startswith(".") or each.endswith(".egg-info")}
    return made | {"__pycache__"} | (NOT_SOURCE if Path(folder) == ROOT else set())


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder with the sdist, and the wheel that was built from it; made of a copy."""
    source, out = tmp_path_factory.mktemp("source") / "course", tmp_path_factory.mktemp("dist")
    shutil.copytree(ROOT, source, ignore=not_source)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "would be ignored" not in ran.stdout + ran.stderr  # a folder that is no package of ours
    return out


def the(folder, pattern):
    (path,) = folder.glob(pattern)
    return path


def test_the_wheel_holds_the_library_with_its_files_and_nothing_else(built):
    with zipfile.ZipFile(the(built, "*.whl")) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
        about = {name.partition("/")[2] for name in wheel.namelist()} - held
    ours = ROOT / "course_lib"
    kinds = {".py", ".js", ".css", ".json", ".html", ".typed"}
    files = {path.relative_to(ROOT).as_posix() for path in ours.rglob("*") if path.suffix in kinds}
    files |= {f"course_lib/{path.name}" for path in ours.glob("py.typed")}
    files |= {f"course_lib/records/{path.name}" for path in (ROOT / "records").glob("*.jsonl")}
    assert held == files
    assert {
        "course_lib/py.typed",
        "course_lib/exercises.json",
        "course_lib/widgets/panel.js",
    } < held
    assert {"licenses/LICENSE", "licenses/docs/licences.md", "entry_points.txt"} <= about
    assert the(built, "*.whl").stat().st_size < 3_000_000


def test_the_sdist_holds_what_the_wheel_is_made_of_and_no_tests(built):
    with tarfile.open(the(built, "*.tar.gz")) as sdist:
        held = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"} <= held
    assert "records/mnist_classic.jsonl" in held and "course_lib/widgets/panel.js" in held
    wrong = r"(^|/)(tests|notebooks|exercises|solutions|__pycache__|\..*)(/|$)|\.(pyc|ipynb)$"
    assert [name for name in held if re.search(wrong, name)] == []


# --- an environment with the wheel and its dependencies, nothing else -----------------------------


def needed(text, seen):
    """The names of a requirement and of all that it requires here."""
    asked = Requirement(text)
    if (key := (asked.name, *sorted(asked.extras))) not in seen:
        seen.add(key)
        for each in requires(asked.name) or ():
            marker = Requirement(each).marker
            if not marker or any(marker.evaluate({"extra": e}) for e in ("", *asked.extras)):
                needed(each, seen)
    return {name for name, *_ in seen}


def packages_of(requirements):
    """What these, and all that they require, have beside each other where this test runs."""
    seen = set()
    for each in map(distribution, set().union(*(needed(each, seen) for each in requirements))):
        tops = {file.parts[0] for file in each.files or ()} - {"..", "__pycache__"}
        yield from (Path(each.locate_file(top)) for top in tops)


def environment(tmp_path_factory, packages):
    """The folder of a new environment with links to these packages."""
    venv, links = tmp_path_factory.mktemp("fresh"), tmp_path_factory.mktemp("base")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    for path in packages:
        if not (links / path.name).exists():
            (links / path.name).symlink_to(path)
    (the(venv, "lib/python*/site-packages") / "base.pth").write_text(f"{links}\n")
    return venv


def installed(built, tmp_path_factory, requirements):
    """A function that runs a command in an empty folder, of an environment with the wheel."""
    venv = environment(tmp_path_factory, packages_of(requirements))
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python")]
    pip += ["--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(the(built, "*.whl"))], check=True, capture_output=True)
    empty = tmp_path_factory.mktemp("empty")
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LR_COURSE"))}
    env = {**keep, "LR_COURSE_OFFLINE": "1", "HOME": str(empty)}

    def run(*command):
        command = [str(venv / "bin" / command[0]), *command[1:]]
        return subprocess.run(command, capture_output=True, text=True, cwd=empty, env=env)

    return run


@pytest.fixture(scope="session")
def fresh(built, tmp_path_factory):
    """A function that runs a command where no extra is installed."""
    return installed(built, tmp_path_factory, PROJECT["dependencies"])


def said(ran):
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_library_works_with_its_dependencies_alone(fresh):
    code = """
import sys, course_lib
heavy = {"torch", "keras", "tensorflow", "matplotlib", "ipywidgets", "IPython", "numpy"}
loaded = heavy & {*sys.modules}
from course_lib import GALLERY, Schedule
from course_lib.plateau import Plateau
from course_lib.schedules import cosine, warmup
from course_lib.rosetta import ROSETTA
from course_lib.finder.suggestions import METHODS
both = Schedule(warmup, then=Schedule(cosine, peak_lr=0.1, total_steps=900), warmup_steps=100)
assert both(99) == 0.1 * 100 / 101 and both(100) == 0.1
assert all(schedule(0) >= 0 for schedule in GALLERY.values())
plateau = Plateau(lr=0.1, patience=0); plateau.update(1.0); plateau.update(1.0)
assert plateau.lr < 0.1
loaded |= heavy & {*sys.modules} - {"numpy"}  # which reading a curve of losses needs
print(course_lib.__version__, sorted(loaded), course_lib.__file__)
"""
    version, loaded, place = said(fresh("python", "-c", code)).split(" ", 2)
    assert (version, loaded) == (PROJECT["version"], "[]")
    assert str(ROOT) not in place and "site-packages" in place


def test_a_model_free_range_test_works_without_a_framework(fresh):
    code = (
        "from course_lib.lr_finder import find_lr\n"
        "w = [1.0]\n"
        "def step(lr):\n    loss = w[0] ** 2\n    w[0] -= lr * 2 * w[0]\n    return loss\n"
        "print(find_lr(train_step=step, steps=50, progress=False).suggestion('steepest') > 0)"
    )
    assert said(fresh("python", "-c", code)) == "True\n"


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--version"], f"lr-course {PROJECT['version']}\n"),
        (["--help"], "doctor"),
        (["data", "--help"], "--offline"),
        (["grade", "--help"], "--allow-weak-isolation"),
        (["explore", "--list"], "one_cycle"),
        (["data", "cifar10"], "STAND-IN for CIFAR-10"),
        (["reproduce", "mnist_classic", "--json", "--records"], "test_accuracy"),
    ],
)
def test_the_command_works(fresh, arguments, expected):
    if "--records" in arguments:  # all runs are on record, so none is made
        code = "from course_lib.claims import RECORDS; print(RECORDS)"
        arguments = [*arguments, said(fresh("python", "-c", code)).strip()]
    ran = fresh("lr-course", *arguments)
    assert expected in ran.stdout and "Traceback" not in ran.stderr


TORCH, TENSORFLOW, COURSE, NOTEBOOK = ".[torch]", ".[tensorflow]", ".[course]", ".[notebook]"
FIT = "from course_lib.training import fit; from course_lib import Schedule; "
FIT += "from course_lib.schedules import constant; "
FIT += 'fit(Schedule(constant, lr=0.1), data="cifar10", progress=False, framework='


@pytest.mark.parametrize(
    "code, package, extra",
    [
        ("from course_lib.pytorch import TorchSchedule", "torch", TORCH),
        ("from course_lib.tensorflow import KerasSchedule", "keras", TENSORFLOW),
        (FIT + '"torch")', "torch", TORCH),
        (FIT + '"tensorflow")', "keras", TENSORFLOW),
        ('from course_lib.lr_finder import find_lr; find_lr(data="cifar10")', "torch", TORCH),
        ("from course_lib.plots import plot_schedules", "matplotlib", COURSE),
        ("from course_lib.widgets import explore; explore().page()", "pscript", NOTEBOOK),
        ("from course_lib.widgets import lab", "ipywidgets", NOTEBOOK),
        ("from course_lib.claims import say; say('edge-holds')", None, None),
        ("from course_lib.claims import say; say('small-rate-costs')", "scipy", COURSE),
    ],
)
def test_what_needs_more_says_which_extra_brings_it(fresh, code, package, extra):
    ran = fresh("python", "-W", "ignore", "-c", code)
    if package is None:  # the records are there, and this claim is counted, not estimated
        assert ran.returncode == 0, ran.stderr
        return
    last = ran.stderr.splitlines()[-1]
    how = f'in the clone of the course: pip install "{extra}" '
    how += f'(of its wheel: pip install "FILE.whl{extra[1:]}")'
    assert last == f"ImportError: {package} is not installed; {how}"
    assert ran.stderr.count("Error:") == 1, "one error, not one during the handling of another"


SOLUTIONS, EXERCISES = str(ROOT / "solutions"), str(ROOT / "exercises")


@pytest.mark.parametrize(
    "arguments, package, extra",
    [
        (["explore", "--save", "x.html"], "pscript", "notebook"),
        (["reproduce", "mnist_classic", "--framework", "torch"], "torch", "torch"),
        (["reproduce", "edge-holds", "--framework", "tensorflow"], "tensorflow", "tensorflow"),
        (["reproduce"], "scipy", "course"),
        (["release", "--solutions", SOLUTIONS, "--out", "o"], None, "grade"),
        (["verify", "--solutions", SOLUTIONS, "--exercises", EXERCISES], "psutil", "grade"),
        (["grade", EXERCISES, "--solutions", SOLUTIONS, "--out", "o"], "psutil", "grade"),
        (["grade", "in", "--out", "o", "--allow-weak-isolation"], "psutil", "grade"),
        (["export", "results", "--nbgrader", "c"], None, "grade"),
        (["check", f"{EXERCISES}/01_fixed_rates.ipynb"], "psutil", "course"),
        (["report", "results"], None, "grade"),
        (["completion", "bash"], "shtab", "completion"),
    ],
)
def test_the_command_says_it_in_one_line(fresh, arguments, package, extra):
    ran = fresh("lr-course", *arguments)
    assert ran.returncode == 2 and "Traceback" not in ran.stderr
    (line,) = ran.stderr.splitlines()
    assert ran.stdout == ""
    assert line.endswith(
        f'pip install ".[{extra}]" (of its wheel: pip install "FILE.whl[{extra}]")'
    )
    assert package is None or line.startswith(f"lr-course: {package} is not installed")


WORKS = """
import sys
from course_lib.training import fit
from course_lib.schedules import Schedule, constant
from course_lib.%s import %s
schedule = Schedule(constant, lr=0.1)
run = fit(schedule, data="cifar10", model="softmax", framework="%s", max_updates=3, progress=False)
run.assert_lr_matches(schedule)
others = {"torch", "keras", "tensorflow", "matplotlib", "ipywidgets", "IPython", "distributed"}
print(*sorted(others & {*sys.modules}))
"""


@pytest.mark.parametrize(
    "extra, module, name, loaded",
    [
        ("torch", "pytorch", "TorchSchedule", "torch"),
        ("tensorflow", "tensorflow", "KerasSchedule", "keras tensorflow"),
    ],
)
def test_one_framework_is_enough_to_train(built, tmp_path_factory, extra, module, name, loaded):
    requirements = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra]]
    run = installed(built, tmp_path_factory, requirements)
    ran = run("python", "-W", "ignore", "-c", WORKS % (module, name, extra))
    assert said(ran).splitlines()[-1] == loaded
    other = {"torch": "tensorflow", "tensorflow": "torch"}[extra]
    missing = run("python", "-c", f"import {other}").stderr
    assert f"No module named '{other}'" in missing  # so that the test is about one of them


# --- a lesson opened where there is no course -----------------------------------------------------

FIRST_CELL = """
import json, sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
first = next(cell for cell in notebook.cells if cell.cell_type == "code")
after = nbformat.v4.new_code_cell("import course_lib\\nprint(course_lib.__file__)")
notebook.cells = [first, after]
NotebookClient(notebook, allow_errors=True).execute()
print(json.dumps([cell.outputs for cell in notebook.cells]))
"""


@pytest.fixture
def elsewhere(tmp_path_factory):
    """A function that opens a lesson in an environment that has all but the course, and no index:
    what the first code cell shows, and the one after it."""
    ours = re.compile(r"lr_course|__editable__|course_lib|__pycache__|.*\.pth$")
    here = Path(sysconfig.get_path("purelib")).iterdir()
    venv = environment(tmp_path_factory, (path for path in here if not ours.match(path.name)))
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP_", "JUPYTER"))}
    keep |= {"HOME": str(tmp_path_factory.mktemp("home")), "PIP_CONFIG_FILE": os.devnull}
    keep |= {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1"}

    def opened(source=""):
        env = {**keep, "LR_COURSE_SOURCE": str(source)}
        command = [venv / "bin" / "python", "-c", FIRST_CELL, f"{EXERCISES}/01_fixed_rates.ipynb"]
        ran = subprocess.run(command, capture_output=True, text=True, env=env, cwd=venv.parent)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return opened


def test_a_lesson_opened_elsewhere_installs_the_course_once(elsewhere, built):
    """As in Colab: without the course and a source it says what to do; with one the next cell has
    the course; and after that the cell says nothing."""
    (*_, error), _ = elsewhere()
    assert error["ename"] == "RuntimeError" and "not installable" in error["evalue"]
    assert "LR_COURSE_SOURCE" in error["evalue"]
    wheel = the(built, "*.whl")
    (said,), (place,) = elsewhere(wheel)
    assert said["text"].startswith(f"Installing {wheel}[notebook], ")
    assert "site-packages/course_lib" in place["text"] and str(ROOT) not in place["text"]
    assert elsewhere() == [[], [place]]


# --- what the library imports, and what brings it -------------------------------------------------


def test_a_fault_of_ours_is_no_missing_package():
    from course_lib import needs

    with pytest.raises(ModuleNotFoundError, match=r"course_lib\.nowhere"), needs("torch"):
        import course_lib.nowhere  # noqa: F401


def test_each_extra_brings_what_its_modules_import():
    """What is imported anywhere in the library is asked for in pyproject.toml, or Python's own."""
    extras = PROJECT["optional-dependencies"]
    asked = {re.match(r"[\w.-]+", each)[0].lower() for extra in extras.values() for each in extra}
    asked |= {re.match(r"[\w.-]+", each)[0] for each in PROJECT["dependencies"]}
    called = {"sklearn": "scikit-learn", "resvg_py": "resvg-py"}
    called |= dict.fromkeys(("IPython", "traitlets", "jupyter_client"), "ipykernel")  # its own
    called |= {"sqlalchemy": "nbgrader", "markupsafe": "jinja2", "jupyter_server": "jupyterlab"}
    for path in LIBRARY:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in {name.partition(".")[0] for name in names} - {"course_lib"}:
                known = called.get(name, name).lower() in asked or name in sys.stdlib_module_names
                assert known, f"{path.name} imports {name}"


# --- versions of Python, types, licences, citation ------------------------------------------------


def test_the_library_is_written_in_the_oldest_python_that_it_promises():
    oldest = tuple(map(int, PROJECT["requires-python"].removeprefix(">=").split(".")))
    promised = [c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if ":: Python :: 3." in c]
    assert promised[0] == ".".join(map(str, oldest))
    for path in LIBRARY:
        ast.parse(path.read_text(), str(path), feature_version=oldest)
    with pytest.raises(SyntaxError):  # so that the line above can fail
        ast.parse("type Rate = float", feature_version=oldest)


def test_the_grader_installs_no_package_that_the_library_never_names():
    code = "\n".join(path.read_text() for path in LIBRARY)
    asked = {Requirement(each).name.lower() for each in PROJECT["optional-dependencies"]["grade"]}
    assert asked - set(re.findall(r"\w+", code)) == {"lr-course"}


def test_the_page_of_licences_names_every_package_and_what_it_states():
    page = (ROOT / "docs" / "licences.md").read_text()
    rows = page.partition("<!-- packages -->")[2].partition("<!-- /packages -->")[0]
    lines = [row.strip("| ").split(" | ") for row in rows.strip().splitlines()[2:]]
    table = [(name, group, licence) for name, group, licence in lines]
    groups = {"the library": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    first = {}
    for group, requirements in groups.items():
        for each in requirements:
            first.setdefault(re.match(r"[\w.-]+", each)[0], group)
    first.pop("lr-course")
    assert {name: group for name, group, _ in table} == first
    asked = [Requirement(each) for requirements in groups.values() for each in requirements]
    elsewhere = {each.name for each in asked if each.marker and not each.marker.evaluate()}
    for name, _, licence in table:
        if name in elsewhere:  # for another system
            continue
        about = distribution(name)
        said = [about.metadata[key] or "" for key in ("License-Expression", "License")]
        said += [each for each in about.metadata.get_all("Classifier", []) if "License" in each]
        texts = [
            file.read_text()
            for file in about.files
            if re.search("licen[cs]e", str(file), re.I)
            and file.suffix in ("", ".txt", ".md", ".rst")
        ]
        stated = " ".join([*said, *texts])
        kind = re.match("BSD|MIT|Apache|MPL|its own", licence).group()
        sign = {"MIT": "MIT|free of charge", "BSD": "BSD|Redistribution", "its own": name}
        assert re.search(sign.get(kind, kind), stated), f"{name} states no {licence}"


def test_the_citation_is_of_this_version():
    import yaml

    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == PROJECT["version"] and cited["license"] == PROJECT["license"]
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert [each["name"] for each in cited["authors"]] == [PROJECT["authors"][0]["name"]]
    assert json.dumps(cited)
