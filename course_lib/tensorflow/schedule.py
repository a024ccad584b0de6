"""A schedule as Keras takes it, and a callback that cuts the rate on a plateau."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.formulas.parameters import Choice, Whole, function_of_step, rate_at
from course_lib.plateau import Plateau, plateaus_in
from course_lib.schedules import Schedule
from course_lib.tensorflow.framework import keras, tf, to_numpy
from course_lib.written import code, read_schedule


@keras.saving.register_keras_serializable(package="course_lib")
class KerasSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule for a Keras optimizer: update number t is made with `schedule(t)`.

    A run of N updates has N rates. They are computed once by the plain Python formula, rounded to
    float32, stored and looked up, so every formula works in eager mode, `tf.function`, XLA and
    `model.fit` without being written a second time. Rates that depend on a metric are not known in
    advance: a Plateau is refused; PlateauCallback applies it.

    Arguments
    - schedule: a function `step -> rate`, such as `Schedule(cosine, peak_lr=0.1, total_steps=100)`.
      A saved model keeps its name and parameters; of a function of your own, which has none, it
      keeps all rates (24 bytes each).
    - total_steps: the number of updates of the whole run (epochs times batches per epoch). After
      them the rate stays at `schedule(total_steps)`, so total_steps + 1 rates are asked for.
    - accumulate: the optimizer's `gradient_accumulation_steps`. Keras hands a schedule the number
      of batches, not of updates; this divides.
    - dtype: the type of the table, "float32" or, for models in float64, "float64".

    >>> from course_lib.schedules import Schedule, linear
    >>> rates = KerasSchedule(Schedule(linear, peak_lr=0.5, total_steps=4), total_steps=4)
    >>> [float(rates(step)) for step in range(6)]
    [0.5, 0.375, 0.25, 0.125, 0.0, 0.0]
    >>> optimizer = keras.optimizers.SGD(rates)
    """

    def __init__(
        self,
        schedule: Callable[[int], float],
        total_steps: int,
        accumulate: int = 1,
        dtype: str = "float32",
    ):
        self.schedule = function_of_step("schedule", schedule)
        if plateaus_in(schedule):
            raise TypeError(
                "schedule must be known in advance, which a Plateau's rates are not; use "
                f"PlateauCallback(schedule), got {schedule!r}"
            )
        self.total_steps = Whole(low=1).check("total_steps", total_steps)
        self.accumulate = Whole(low=1).check("accumulate", accumulate)
        self.dtype = Choice(("float32", "float64")).check("dtype", dtype)
        with tf.init_scope():  # outside of any graph under construction: the table outlives it
            self._table = tf.constant(self._tabulated())

    def _tabulated(self) -> np.ndarray:
        exact = [rate_at(self.schedule, step) for step in range(self.total_steps + 1)]
        return np.array(exact, self.dtype)

    @property
    def rates(self) -> list[float]:
        """The rates as they are applied, rounded: one per update, and the one after the end."""
        return self._table.numpy().tolist()

    def __call__(self, step: Any) -> Any:
        update = keras.ops.cast(step, "int64")
        if self.accumulate > 1:
            update //= self.accumulate
        return tf.gather(self._table, tf.minimum(update, self.total_steps))

    def get_config(self) -> dict[str, Any]:
        """The schedule as a recipe writes it, or its rates where it has no name."""
        try:
            saved: Any = code(self.schedule)
        except ValueError:
            saved = self.rates
        return {
            "schedule": saved,
            "total_steps": self.total_steps,
            "accumulate": self.accumulate,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "KerasSchedule":
        """The schedule whose `get_config` this was."""
        saved = config["schedule"]
        schedule = read_schedule(saved) if isinstance(saved, str) else saved.__getitem__
        return cls(**{**config, "schedule": schedule})


def refuse_bare(learning_rate: Any) -> None:
    """TypeError for a schedule that Keras would ask without the step, at the first update."""
    if isinstance(learning_rate, Schedule):
        raise TypeError(
            f"learning_rate must be a number or a KerasSchedule, got {learning_rate!r}; "
            "write KerasSchedule(schedule, total_steps=...)"
        )


class PlateauCallback(keras.callbacks.Callback):
    """A `Plateau` for `model.fit`, behind a warmup if you like.

    The plateau gets the metric `monitor` after every epoch, and the new rate holds from the next
    update on. A second `fit` goes on where the first one stopped; a new model needs a new Plateau.
    The optimizer's own rate must be a number; which one does not matter.

    Arguments
    - plateau: a Plateau, such as `Plateau(0.1, patience=3)`, or a schedule that has one in it, such
      as `Schedule(warmup, then=Plateau(0.1), warmup_steps=100)`. Updates are counted by the
      optimizer, so a loaded model goes on in the middle of its warmup.
    - monitor: the metric's name in the epoch's logs, where it must be after every epoch.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    >>> model.compile(keras.optimizers.SGD(), loss=lambda y, prediction: 0 * prediction)
    >>> callback = PlateauCallback(Plateau(0.5, factor=0.5, patience=0), monitor="loss")
    >>> x = np.ones((4, 1))
    >>> model.fit(x, x, epochs=3, verbose=0, callbacks=[callback]).history["learning_rate"]
    [0.5, 0.5, 0.25]

    Keras's checkpoints do not keep a callback's state; write it beside the model:

        model.save("run.keras")
        Path("run.json").write_text(json.dumps(callback.state_dict()))

    and, in the process that goes on (after `import course_lib.tensorflow`), before `fit`:

        model = keras.saving.load_model("run.keras")
        callback.load_state_dict(json.loads(Path("run.json").read_text()))
    """

    def __init__(self, plateau: Callable[[int], float], monitor: str = "val_loss"):
        super().__init__()
        found = plateaus_in(plateau)
        if len(found) != 1:
            raise TypeError(
                "plateau must be a Plateau, like Plateau(0.1), or have exactly one in it, "
                f"got {plateau!r}"
            )
        self.plateau, self.schedule, self.monitor = found[0], plateau, monitor

    def on_train_begin(self, logs=None):
        steps = self.model.steps_per_execution
        if self.schedule is not self.plateau and steps != 1:
            raise ValueError(
                "a warmup needs a rate for every update, but the model makes several at once: "
                f"compile it with steps_per_execution=1, got {steps!r}"
            )

    def on_epoch_begin(self, epoch, logs=None):
        # Not in on_train_begin: there, callbacks further down may still restore the model.
        self._warn_of_an_earlier_run()
        self._set_rate()

    def on_train_batch_begin(self, batch, logs=None):
        if self.schedule is not self.plateau:
            self._set_rate()

    def on_epoch_end(self, epoch, logs=None):
        logs = {} if logs is None else logs
        if self.monitor not in logs:
            raise ValueError(
                f"monitor must be one of {', '.join(logs) or '(nothing)'}, which epoch {epoch + 1} "
                f"reported, got {self.monitor!r}; a val_ value needs validation data every epoch"
            )
        # For History; the rate that the epoch's last update was made with, as Keras's own has it.
        logs["learning_rate"] = float(to_numpy(self.model.optimizer.learning_rate))
        self.plateau.update(logs[self.monitor])
        self._set_rate()

    def _warn_of_an_earlier_run(self) -> None:
        """Where the plateau or the model belongs to an earlier run."""
        fresh = Plateau(**self.plateau.arguments)
        heard = self.plateau.state_dict() != fresh.state_dict()
        updates = int(to_numpy(self.model.optimizer.iterations))
        rate = float(to_numpy(self.model.optimizer.learning_rate))
        # Of the last update or of the coming one: which is set depends on where the run stopped.
        planned = min(map(self.schedule, (max(updates - 1, 0), updates)))
        if updates and not heard and rate < 0.999 * planned:
            warnings.warn(
                f"the plateau has heard no metric and raises the rate from {rate:g} to {planned:g}"
                f" after {updates} updates; to go on with a run, call load_state_dict before fit",
                stacklevel=2,
            )
        if heard and not updates:
            warnings.warn(
                f"the plateau has heard metrics already (its rate is {self.plateau.lr:g}), but the "
                "optimizer has made no update; for a new model, make a new Plateau",
                stacklevel=2,
            )

    def _set_rate(self) -> None:
        optimizer = self.model.optimizer
        update = int(to_numpy(optimizer.iterations))  # in a MirroredStrategy no int() of its own
        try:
            optimizer.learning_rate = self.schedule(update)
        except TypeError:
            raise TypeError(
                "the optimizer's learning_rate must be a number, as the plateau sets it, got a "
                "LearningRateSchedule; compile with SGD(0.1) or the like, and climb with "
                "PlateauCallback(Schedule(warmup, then=plateau, warmup_steps=...))"
            ) from None

    def state_dict(self) -> dict[str, Any]:
        """The plateau's state, as values that JSON can hold."""
        return self.plateau.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the saved plateau stopped; ValueError where its arguments were others."""
        self.plateau.load_state_dict(state)
