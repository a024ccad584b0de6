"""TensorFlow's start-up notes, kept out of the learner's notebook; anything else is passed on."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# What TensorFlow's C++ says, whatever TF_CPP_MIN_LOG_LEVEL is, where there is no NVIDIA driver and
# of processors that have more instructions than it was built for.
NOTE = re.compile(
    rb"All log messages before absl|cudart_stub\.cc|failed call to cuInit"
    rb"|port\.cc.*oneDNN|cpu_feature_guard\.cc|^To enable the following instructions:"
)


@contextmanager
def startup_notes_hidden() -> Iterator[None]:
    """Hold back the process's stderr, and afterwards write out all lines that are no known note."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not NOTE.search(line):
                    os.write(2, line)
