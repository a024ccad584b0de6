"""Every learning-rate schedule from one formula, applied and checked in PyTorch and TensorFlow.

Importing this package loads the formulas only; frameworks are imported by `course_lib.pytorch` and
`course_lib.tensorflow`.

Where to look
- for a schedule: schedules.py (decays.py, warmups.py, cycles.py, combined.py), plateau.py
- to use one in your own training: pytorch.py, tensorflow.py; lr_finder.py, rosetta.py
- for the experiments of the course: training.py, data.py, models.py, recipes.py, claims/
- for what a lesson shows and asks: plots.py, widgets/, checks.py, predictions.py, progress.py
- to write or grade exercises: exercises.py, grade/
"""

from collections.abc import Iterator
from contextlib import contextmanager

from course_lib.schedules import GALLERY, Schedule

__all__ = ["GALLERY", "Schedule"]
__version__ = "0.1.0"


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Around an import: where the package is not installed, the error says which extra brings it.

    >>> with needs("course"):
    ...     import pie_charts
    Traceback (most recent call last):
    ...
    ImportError: pie_charts is not installed; it comes with: pip install "lr-course[course]"
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "course_lib"):  # a fault of ours, which no package mends
            raise
        text = f'{package} is not installed; it comes with: pip install "lr-course[{extra}]"'
        missing = ImportError(text, name=package)
        # In a notebook the line is all that is shown: frames of ours would hide it.
        missing._render_traceback_ = lambda: [f"ImportError: {text}"]  # type: ignore[attr-defined]
        raise missing from None
