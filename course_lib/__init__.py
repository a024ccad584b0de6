"""Every learning-rate schedule from one formula, applied and checked in PyTorch and TensorFlow.

Importing this package loads the formulas only; frameworks are imported by `course_lib.pytorch` and
`course_lib.tensorflow`.
"""

from course_lib.schedules import GALLERY, Schedule

__all__ = ["GALLERY", "Schedule"]
__version__ = "0.1.0"
