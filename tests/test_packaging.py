"""The environment is written down twice, for pip and for conda: the two must agree. And the command
line as a script sees it: JSON, silence, exit status, completion."""

import contextlib
import json
import math
import os
import pty
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from unittest import mock

import pytest
import yaml
from packaging.requirements import Requirement

import course_lib
from course_lib import cli
from course_lib.commands.reproduce import _plain as plain
from course_lib.statistics import Estimate

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())


def pins_of_pyproject():
    """Of all extras but `notebook`, which has bounds and brings no package that `course` lacks."""
    extras = [pins for name, pins in PROJECT["optional-dependencies"].items() if name != "notebook"]
    return {pin for extra in extras for pin in extra if not pin.startswith("lr-course[")}


def pins_of_conda():
    (pip,) = (each["pip"] for each in CONDA["dependencies"] if isinstance(each, dict))
    return {pin for pin in pip if not pin.startswith("-")}


def test_environment_yml_is_in_step_with_pyproject():
    assert pins_of_conda() == pins_of_pyproject()
    (pip,) = (each["pip"] for each in CONDA["dependencies"] if isinstance(each, dict))
    assert "--editable ." in pip
    python = next(each for each in CONDA["dependencies"] if str(each).startswith("python="))
    assert PROJECT["requires-python"] == ">=" + python.removeprefix("python=")


def test_every_pin_is_exact_and_is_what_is_installed():
    for pin in pins_of_pyproject():
        name, pinned = re.fullmatch(r"([\w.-]+)==([\w.]+)(?:; .+)?", pin).groups()
        if (marker := Requirement(pin).marker) and not marker.evaluate():
            continue  # for another system
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = "not installed"
        assert installed.split("+")[0] == pinned, f"{name}: pinned {pinned}, {installed}"


def test_a_notebook_elsewhere_asks_for_the_course_s_packages_and_takes_what_is_there():
    pins = dict(pin.split("==") for pin in pins_of_pyproject() if ";" not in pin)
    extras = PROJECT["optional-dependencies"]
    bounds = {each.name: each.specifier for each in map(Requirement, extras["notebook"])}
    for name, bound in bounds.items():
        course = [*extras["course"], *extras["tensorflow"]]
        assert any(pin.startswith(f"{name}==") for pin in course), name
        assert pins[name] in bound and {each.operator for each in bound} == {">="}, name
    frameworks = {"torch", "tensorflow"}  # Colab has its own, and keeps them
    needed = {Requirement(each).name for each in PROJECT["dependencies"]}
    assert not frameworks & {*bounds, *needed} and "keras" in {*bounds} - needed


def test_what_the_course_promises_to_bring_is_there():
    names = {pin.split("==")[0] for pin in pins_of_pyproject()}
    assert {"jupyterlab", "ipywidgets", "torch", "tensorflow", "matplotlib", "nbval"} <= names


def test_one_version():
    assert course_lib.__version__ == PROJECT["version"]
    assert f"## {course_lib.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_make_alone_prints_every_verb_with_a_line_of_help():
    text = (ROOT / "Makefile").read_text()
    verbs = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE).group(1).split()
    command = ["make", "--no-print-directory"]  # quiet, also when make runs this very test
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = {line.split()[1]: line.split(maxsplit=2)[2] for line in shown.splitlines()}
    assert sorted(lines) == sorted(verbs)
    assert all(len(help_line) > 10 for help_line in lines.values())
    readme = (ROOT / "README.md").read_text()
    assert "make lab" in readme and "make test" in readme


def test_make_says_which_python_it_needs(tmp_path):
    old = tmp_path / "python2"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    venv = tmp_path / "venv"
    command = ["make", "lab", f"PYTHON={old}", f"VENV={venv}"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13" in run.stdout
    assert str(old) in run.stdout


def test_make_takes_the_first_python_that_runs_and_is_new_enough(tmp_path):
    """As with pyenv, whose python3.11 fails where another version is the chosen one."""
    for name, line in (("python3.11", "exit 127"), ("python3", f'exec "{sys.executable}" "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    command = [shutil.which("make"), "--no-print-directory", "--dry-run", "VENV=/nowhere"]
    environment = {"PATH": str(tmp_path)}
    run = subprocess.run(
        [*command, "/nowhere/.python"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert run.stdout.startswith("python3 -c "), run.stderr


def test_make_test_of_some_tests_runs_no_notebooks():
    def runs(*more):
        command = ["make", "--dry-run", "test", "VENV=/nowhere", "PYTHON=true", *more]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout

    assert "--nbval-lax notebooks" in runs() and "-k cosine" not in runs()
    assert "--nbval-lax" not in runs("ARGS=-k cosine") and "-k cosine" in runs("ARGS=-k cosine")


def test_make_lab_starts_a_server_that_lets_no_message_of_a_kernel_wait(monkeypatch):
    import jupyter_server.services.kernels.connection.channels as jupyters
    from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
    from traitlets.utils.importstring import import_item

    command = ["make", "--dry-run", "lab", "VENV=/nowhere", "PYTHON=true"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    (name,) = re.findall(r"--ServerApp\.kernel_websocket_connection_class=(\S+)", said)
    handler = mock.Mock(spec=KernelWebsocketHandler)
    theirs = jupyters.ZMQChannelsWebsocketConnection
    monkeypatch.setattr(theirs, "connect", lambda self: f"{self.kernel_id} is connected")
    monkeypatch.setattr(theirs, "kernel_id", "a kernel")
    assert import_item(name)(websocket_handler=handler).connect() == "a kernel is connected"
    handler.set_nodelay.assert_called_once_with(True)


UNFINISHED = """#!/bin/sh
[ "$1" = -c ] && exit 0  # new enough
for folder; do :; done
echo "$*" >>"$0.log"
mkdir -p "$folder/bin" && touch "$folder/pyvenv.cfg"
printf '#!/bin/sh\\ntest -e "%s/pip"\\n' "$folder" >"$folder/bin/python"
chmod +x "$folder/bin/python"
test -e "$0.ensurepip" && touch "$folder/pip"
"""


def test_make_mends_an_environment_that_was_not_finished(tmp_path):
    python, venv = tmp_path / "python3", tmp_path / "venv"
    python.write_text(UNFINISHED)
    python.chmod(0o755)
    command = ["make", f"{venv}/.python", f"PYTHON={python}", f"VENV={venv}"]
    for _ in range(2):
        failed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert failed.returncode != 0 and "apt install python3-venv" in failed.stdout
    (tmp_path / "python3.ensurepip").touch()
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (venv / ".python").unlink()  # and one that works is left as it is
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    made = (tmp_path / "python3.log").read_text().splitlines()
    assert made == [f"-m venv {venv}", *[f"-m venv --clear {venv}"] * 2]


def test_make_works_in_the_folder_of_the_course_only(tmp_path):
    (tmp_path / "build").mkdir()
    command = ["make", "-f", str(ROOT / "Makefile"), "clean"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 2 and "not the folder of the course" in ran.stderr
    assert (tmp_path / "build").exists()


# --- what a script may count on -------------------------------------------------------------------

LR_COURSE = [sys.executable, "-m", "course_lib.cli"]


@pytest.mark.parametrize(
    "words, kept",
    [(["data", "mnist"], ""), (["reproduce"], "; what is done is kept, run it again")],
)
def test_ctrl_c_promises_only_what_the_verb_keeps(words, kept, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("course_lib.data.load", interrupt)
    monkeypatch.setattr("course_lib.commands.reproduce._list", interrupt)
    assert cli.main(words) == 130
    assert capsys.readouterr().err.startswith(f"lr-course: interrupted{kept or chr(10)}")


def test_command_line(tmp_path):
    def lr_course(*arguments):
        return subprocess.run([*LR_COURSE, *arguments], capture_output=True, text=True)

    assert "cifar10_classic" in lr_course("reproduce").stdout
    unknown = lr_course("reproduce", "mnist_best")
    assert unknown.returncode == 2
    assert "name must be one of" in unknown.stderr and "mnist_best" in unknown.stderr
    folder = lr_course("data", "mnist", "--folder", str(tmp_path / "none"))
    assert folder.returncode == 2
    assert str(tmp_path / "none") in folder.stderr
    assert lr_course().returncode == 2


@pytest.mark.parametrize(
    "arguments, look",
    [
        (["reproduce"], lambda found: found.keys() == {"claims", "experiments"}),
        (["reproduce", "edge-holds", "--records", "records"], lambda found: found["text"]),
        (["data", "cifar10"], lambda found: found[0]["name"] == "cifar10"),
        (["doctor"], lambda found: {"name", "good", "text"} == found[0].keys()),
    ],
)
def test_json_is_all_that_stdout_holds(arguments, look):
    command = [*LR_COURSE, *arguments, "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert look(json.loads(ran.stdout)), ran.stderr
    assert "Traceback" not in ran.stderr


def test_quiet_says_nothing_where_all_is_well(tmp_path):
    ran = subprocess.run(
        [*LR_COURSE, "data", "cifar10", "--quiet"], capture_output=True, text=True, cwd=tmp_path
    )
    assert ran.stdout == ""
    command = [*LR_COURSE, "reproduce", "edge-holds", "--records", "records", "--quiet"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (ran.returncode, ran.stderr) == (0, "") and "runs to make" not in ran.stdout


def test_json_has_no_word_that_only_python_knows():
    values = {"a": math.nan, "b": [math.inf, True, None], "c": Estimate(1.0, 0.0, math.nan, 2)}
    expected = {"a": None, "b": [None, True, None]}
    expected["c"] = {"value": 1.0, "low": 0.0, "high": None, "n": 2}
    assert plain(values) == expected


def test_verify_can_be_quiet_or_json(monkeypatch, capsys):
    from course_lib.grade import commands, verify

    found = [verify.Line(True, "full marks"), verify.Line(False, "a constant passes")]
    monkeypatch.setattr(commands, "asked_for", lambda options: None)
    monkeypatch.setattr(verify, "verify", lambda *_: iter(found))
    assert cli.main(["verify", "--quiet"]) == 1
    assert capsys.readouterr().out == "a constant passes\n1 thing is wrong\n"
    assert cli.main(["verify", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == [vars(each) for each in found]
    found.pop()
    assert cli.main(["verify", "--quiet"]) == 0 and capsys.readouterr().out == ""
    assert cli.main(["verify"]) == 0 and capsys.readouterr().out == "full marks\nall is well\n"


@pytest.mark.parametrize("arguments", [["reproduce"], ["completion", "bash"]])
def test_a_reader_that_leaves_is_no_error(arguments):
    ours, theirs = os.pipe()
    os.close(ours)  # nobody reads: the first write fails
    with open(theirs, "wb") as out:
        ran = subprocess.run([*LR_COURSE, *arguments], stdout=out, stderr=subprocess.PIPE)
    assert (ran.stderr, ran.returncode) == (b"", 141)


@pytest.mark.parametrize(
    "arguments", [["doctor"], ["explore", "--list"], ["data", "cifar10"], ["--help"], ["nowhere"]]
)
def test_nothing_has_colours_on_a_terminal(arguments):
    """So NO_COLOR has nothing to switch off; argparse of newer Pythons heeds it by itself."""
    env = {**os.environ, "TERM": "xterm-256color", "TQDM_DISABLE": ""}
    env.pop("NO_COLOR", None)
    ours, terminal = pty.openpty()
    process = subprocess.Popen([*LR_COURSE, *arguments], stdout=terminal, stderr=terminal, env=env)
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    process.wait()
    assert shown and b"\x1b[" not in shown


def completed(tmp_path, *words):
    """What bash offers for the last of these words."""
    (tmp_path / "lr-course.bash").write_bytes(
        subprocess.run([*LR_COURSE, "completion", "bash"], capture_output=True, check=True).stdout
    )
    script = f"""
source lr-course.bash
COMP_WORDS=({" ".join(words)} "") COMP_CWORD={len(words)}
unset 'COMP_WORDS[{len(words)}]'; COMP_CWORD={len(words) - 1}
$(complete -p lr-course | sed 's/.*-F \\([^ ]*\\).*/\\1/') 2>/dev/null
printf '%s\n' "${{COMPREPLY[@]}}"
"""
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()


def test_bash_completes_verbs_options_and_the_names_of_the_course(tmp_path):
    assert completed(tmp_path, "lr-course", "re") == ["reproduce", "release", "report"]
    assert "--allow-weak-isolation" in completed(tmp_path, "lr-course", "grade", "--al")
    assert completed(tmp_path, "lr-course", "explore", "tri_") == ["tri_stage"]
    assert completed(tmp_path, "lr-course", "reproduce", "mnist_c") == ["mnist_classic"]
    (tmp_path / "submissions").mkdir()
    assert "submissions" in " ".join(completed(tmp_path, "lr-course", "grade", "sub"))


@pytest.mark.parametrize("shell, sign", [("zsh", "#compdef lr-course"), ("tcsh", "complete")])
def test_other_shells_have_their_completion(shell, sign, capsys):
    assert cli.main(["completion", shell]) == 0
    said = capsys.readouterr().out
    assert sign in said and "reproduce" in said and "one_cycle" in said


def test_a_keras_that_is_too_old_is_named():
    code = (
        "import keras\ndel keras.optimizers.ScheduleFreeAdamW\nkeras.__version__ = '3.13.2'\n"
        "import course_lib.tensorflow"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    said = 'needs Keras 3.14 or newer, got 3.13.2: python -m pip install "keras>=3.14"'
    assert ran.stderr.splitlines()[-1] == f"ImportError: course_lib.tensorflow {said}"
