"""Keras and TensorFlow, imported here alone, where their start-up notes are hidden."""

import os

from course_lib import needs
from course_lib.quiet import startup_notes_hidden

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
with needs("tensorflow"), startup_notes_hidden():
    import keras as keras  # the "as" tells type checkers that others may take it from here
    import tensorflow as tf

    tf.config.list_physical_devices()  # looks for a GPU now, and says here that there is none
if keras.backend.backend() != "tensorflow":
    raise ImportError(
        "course_lib.tensorflow needs Keras on TensorFlow, but Keras's backend is "
        f"{keras.backend.backend()!r}: set KERAS_BACKEND=tensorflow, or unset it, before Python "
        "starts; in PyTorch use course_lib.pytorch"
    )
if not hasattr(keras.optimizers, "ScheduleFreeAdamW"):
    raise ImportError(
        f"course_lib.tensorflow needs Keras 3.14 or newer, got {keras.__version__}: "
        'python -m pip install "keras>=3.14"'
    )

to_numpy = keras.ops.convert_to_numpy
