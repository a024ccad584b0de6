"""The environment is written down twice, for pip and for conda: the two must agree."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

import course_lib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())


def pins_of_pyproject():
    extras = PROJECT["optional-dependencies"].values()
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
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = "not installed"
        assert installed.split("+")[0] == pinned, f"{name}: pinned {pinned}, {installed}"


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


def test_make_says_which_python_is_too_old(tmp_path):
    old = tmp_path / "python2"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    venv = tmp_path / "venv"
    command = ["make", "lab", f"PYTHON={old}", f"VENV={venv}"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode != 0
    assert "needs Python 3.11 or newer" in run.stdout
    assert str(old) in run.stdout


def test_command_line(tmp_path):
    def lr_course(*arguments):
        command = [sys.executable, "-m", "course_lib.cli", *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    assert "cifar10_classic" in lr_course("reproduce").stdout
    unknown = lr_course("reproduce", "mnist_best")
    assert unknown.returncode == 2
    assert "name must be one of" in unknown.stderr and "mnist_best" in unknown.stderr
    folder = lr_course("data", "mnist", "--folder", str(tmp_path / "none"))
    assert folder.returncode == 2
    assert str(tmp_path / "none") in folder.stderr
    assert lr_course().returncode == 2


def test_every_measurement_in_the_readme_is_in_the_results():
    shown = (ROOT / "README.md").read_text().partition("## Measured")[2].partition("\n## ")[0]
    rows = [line for line in shown.splitlines() if line.startswith("| ")]
    results = (ROOT / "benchmarks" / "results.md").read_text().splitlines()
    assert len(rows) > 8
    assert [row for row in rows if row not in results] == []
