"""Every learning-rate schedule from one formula, applied and checked in PyTorch and TensorFlow.

Importing this package loads the formulas only; frameworks are imported by `course_lib.pytorch` and
`course_lib.tensorflow`.

Where to look: import from the files; the folder in brackets holds the code behind a file
- for a schedule: schedules.py (formulas/), plateau.py, written.py
- to use one in your own training: pytorch.py, tensorflow/ (quiet.py), lr_finder.py (finder/),
  rosetta/, adaptive.py
- for the experiments of the course: training.py (trainers/), data.py (datasets/), recipes.py,
  claims/, statistics.py
- for what a lesson shows and asks: plots.py (looks.py), widgets/, checks.py, predictions.py,
  progress.py (notes.py, errors.py)
- to write or grade exercises: exercises.py (questions/), grade/
- for the command: cli.py (commands/), cluster.py; for JupyterLab's server: jupyter.py
- for files that several processes write: files.py
"""

from collections.abc import Iterator
from contextlib import contextmanager

from course_lib.errors import told
from course_lib.schedules import GALLERY, Schedule

__all__ = ["GALLERY", "Schedule"]
__version__ = "0.2.0.dev0"


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Around an import: where the package is not installed, the error says which extra brings it.

    >>> with needs("course"):
    ...     import pie_charts
    Traceback (most recent call last):
    ...
    ImportError: pie_charts is not installed; in the clone of the course: pip install ".[course]"
    (of its wheel: pip install "FILE.whl[course]")
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "course_lib"):  # a fault of ours, which no package mends
            raise
        # Not by the course's name: nobody owns it on the index, and anyone could take it.
        text = f'{package} is not installed; in the clone of the course: pip install ".[{extra}]" '
        text += f'(of its wheel: pip install "FILE.whl[{extra}]")'
        raise told(ImportError(text, name=package), kind=True) from None
