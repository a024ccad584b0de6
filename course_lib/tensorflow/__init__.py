"""Schedules in TensorFlow/Keras: `KerasSchedule` and `SGD` for your own model.

It knows no schedule by name: anything that answers `step -> rate` will do. `training.fit` runs in
trainers/in_keras.py.

- schedule.py: a schedule as Keras takes it, and the callback for a plateau
- optimizers.py: those that Keras does not have, or has in another form
- adaptive.py: the rate of every weight, read from an optimizer
- framework.py: imports keras and tf without their start-up notes; from outside this folder, take
  both from `course_lib.tensorflow`
"""

from course_lib.tensorflow.adaptive import effective_rates, hessian_diagonal
from course_lib.tensorflow.framework import keras as keras  # "as": others may take it from here
from course_lib.tensorflow.framework import tf as tf
from course_lib.tensorflow.optimizers import SGD, ScheduleFreeAdamW
from course_lib.tensorflow.schedule import KerasSchedule, PlateauCallback

__all__ = [
    "SGD",
    "KerasSchedule",
    "PlateauCallback",
    "ScheduleFreeAdamW",
    "effective_rates",
    "hessian_diagonal",
]
