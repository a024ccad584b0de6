"""Errors of which a notebook shows the message only, without the frames of our own code."""

from typing import TypeVar

AnError = TypeVar("AnError", bound=Exception)


def told(error: AnError, *, kind: bool = False) -> AnError:
    """The error, which IPython shows by its message alone, or with its `kind` before that.

    >>> told(ValueError("odds must sum to 100"), kind=True)._render_traceback_()
    ['ValueError: odds must sum to 100']
    """
    shown = f"{type(error).__name__}: {error}" if kind else str(error)
    error._render_traceback_ = lambda: shown.split("\n")  # type: ignore[attr-defined]
    return error
