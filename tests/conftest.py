"""What every test may count on: no downloads, no window, no progress bars in the output."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("LR_COURSE_OFFLINE", "1")  # data on this machine are used, none are fetched
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# As in the builder: one thread is as fast for networks this small, much faster on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
# No test may touch what a student has solved on this machine; an empty folder of each run's own.
SOLVED = Path(tempfile.mkdtemp(prefix="lr-course-tests-"))
os.environ["LR_COURSE_PROGRESS"] = str(SOLVED / "progress.json")

# A shell starts what goes on in the background deaf to Ctrl-C, and its children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more about the machine than about the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_unconfigure():
    shutil.rmtree(SOLVED, ignore_errors=True)


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the tests of a file."""
    from browser import chromium  # here, because the tests of the formulas run without Playwright

    with chromium() as running:
        yield running
