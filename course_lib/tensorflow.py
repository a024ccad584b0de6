"""Schedules in TensorFlow/Keras: `KerasSchedule` and `SGD` for your own model.

The only file that imports keras and tensorflow: the others take both from here, where their
start-up notes are hidden. It knows no schedule by name: anything that answers `step -> rate` will
do. `training.fit` runs in trainers/in_keras.py.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_lib import needs
from course_lib.formulas.parameters import (
    Choice,
    Flag,
    Number,
    Whole,
    describe,
    function_of_step,
    rate_at,
)
from course_lib.plateau import Plateau, WarmedPlateau
from course_lib.quiet import startup_notes_hidden
from course_lib.schedules import Schedule, tabulated

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

_numpy = keras.ops.convert_to_numpy


@keras.saving.register_keras_serializable(package="course_lib")
class KerasSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule for a Keras optimizer: update number t is made with `schedule(t)`.

    A run of N updates has N rates. They are computed once by the plain Python formula, stored as
    float32 and looked up, so every formula works in eager mode, `tf.function`, XLA and `model.fit`
    without being written a second time, and equals the formula bit for bit after rounding.

    Arguments
    - schedule: a function `step -> rate`, such as `Schedule(cosine, peak_lr=0.1, total_steps=100)`.
    - total_steps: the number of updates of the whole run (epochs times batches per epoch). Beyond
      it the rate stays at `schedule(total_steps)`, which there must be.
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
        self.total_steps = Whole(low=1).check("total_steps", total_steps)
        self.accumulate = Whole(low=1).check("accumulate", accumulate)
        self.dtype = Choice(("float32", "float64")).check("dtype", dtype)
        with tf.init_scope():  # outside of any graph under construction: the table outlives it
            self._table = tf.Variable(self._tabulated(), trainable=False)

    def _tabulated(self) -> np.ndarray:
        exact = [rate_at(self.schedule, step) for step in range(self.total_steps)]
        exact.append(self._rate_after_the_end())
        with np.errstate(over="ignore"):  # told in the next lines
            rates = np.array(exact, self.dtype)
        if not np.isfinite(rates).all():
            step = int(np.isfinite(rates).argmin())
            raise ValueError(
                f"{describe(self.schedule)} returned {exact[step]} at step {step}, "
                f"too large for {self.dtype}"
            )
        return rates

    def _rate_after_the_end(self) -> float:
        try:
            return rate_at(self.schedule, self.total_steps)
        except Exception as error:
            raise ValueError(
                f"schedule must have a rate at step {self.total_steps} too, the rate after the end "
                f"of total_steps={self.total_steps} updates, but {describe(self.schedule)} has "
                f"none: {type(error).__name__}: {error}"
            ) from error

    @property
    def rates(self) -> list[float]:
        """The rates as they are applied, rounded: one per update, and the one after the end."""
        return self._table.numpy().tolist()

    def refresh(self) -> None:
        """Tabulate again, also for what is compiled: after a schedule that listens has heard."""
        self._table.assign(self._tabulated())

    def __call__(self, step: Any) -> Any:
        update = keras.ops.cast(step, "int64")
        if self.accumulate > 1:
            update //= self.accumulate
        return tf.gather(self._table, tf.minimum(update, self.total_steps))

    def get_config(self) -> dict[str, Any]:
        """The formula by name with its parameters, or the numbers where it has no name."""
        named = self.schedule.to_config() if isinstance(self.schedule, Schedule) else None
        numbers = Schedule(tabulated, rates=self.rates).to_config() if named is None else None
        return {
            "schedule": named or numbers,
            "total_steps": self.total_steps,
            "accumulate": self.accumulate,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "KerasSchedule":
        return cls(**{**config, "schedule": Schedule.from_config(config["schedule"])})


@keras.saving.register_keras_serializable(package="course_lib")
class SGD(keras.optimizers.Optimizer):
    """Stochastic gradient descent with PyTorch's form of momentum.

        velocity = momentum * velocity + gradient
        weight   = weight - rate * velocity            nesterov: gradient + momentum * velocity

    Keras's own SGD keeps the rate inside the velocity, so after a change of the rate it goes on for
    about 1 / (1 - momentum) updates with steps of the old size; the two agree only while the rate
    is constant. With this one, a run in Keras can be compared with one in PyTorch update by update.

    `momentum` is a number from 0 to below 1, or a KerasSchedule for one that changes.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: Any = 0.0,
        nesterov: bool = False,
        name: str = "SGD",
        **kwargs: Any,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if not isinstance(momentum, keras.optimizers.schedules.LearningRateSchedule):
            momentum = Number(below=1).check("momentum, unless a KerasSchedule,", momentum)
        elif isinstance(momentum, KerasSchedule):
            Number(below=1).check("momentum's highest value", max(momentum.rates))
        self.momentum = momentum
        self.nesterov = Flag().check("nesterov", nesterov)

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient, variable, learning_rate):
        learning_rate = keras.ops.cast(learning_rate, variable.dtype)
        gradient = keras.ops.cast(gradient, variable.dtype)
        direction = gradient
        # A number is baked into the compiled step; zero needs no velocity at all.
        if callable(self.momentum) or self.momentum:
            now = self.momentum(self._iterations) if callable(self.momentum) else self.momentum
            momentum = keras.ops.cast(now, variable.dtype)
            velocity = self._velocities[self._get_variable_index(variable)]
            direction = momentum * velocity + gradient
            self.assign(velocity, direction)
            if self.nesterov:
                direction = gradient + momentum * direction
        self.assign_sub(variable, learning_rate * direction)

    def get_config(self) -> dict[str, Any]:
        momentum = self.momentum
        if callable(momentum):
            momentum = keras.optimizers.schedules.serialize(momentum)
        return {**super().get_config(), "momentum": momentum, "nesterov": self.nesterov}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        if isinstance(config.get("momentum"), dict):
            momentum = keras.optimizers.schedules.deserialize(config["momentum"], custom_objects)
            config = {**config, "momentum": momentum}
        return super().from_config(config, custom_objects)


class PlateauCallback(keras.callbacks.Callback):
    """A `Plateau` for `model.fit`, behind a linear warmup if you like.

    The plateau hears `monitor` at the end of every epoch, and the new rate holds from the next
    update on. A second `fit` goes on where the first one stopped. The optimizer's own rate must be
    a number; which one does not matter.

    Arguments
    - plateau: a Plateau, such as `Plateau(0.1, patience=3)`.
    - monitor: the name in the epoch's logs that the plateau hears; it must be there every epoch.
    - warmup_steps: the number of updates that climb to the plateau's rate (default: none). They are
      counted by the optimizer, so a loaded model goes on in the middle of its warmup.
    - verbose: 1 to print every change of the rate.

    `model.save` does not save callbacks; write the state beside it:

        model.save("run.keras")
        Path("run.json").write_text(json.dumps(callback.state_dict()))

    and, in the process that goes on (after `import course_lib.tensorflow`), before `fit`:

        model = keras.saving.load_model("run.keras")
        callback.load_state_dict(json.loads(Path("run.json").read_text()))
    """

    def __init__(
        self,
        plateau: Plateau,
        monitor: str = "val_loss",
        warmup_steps: int = 0,
        verbose: int = 0,
    ):
        super().__init__()
        self.plateau = plateau
        self.schedule = WarmedPlateau(plateau, warmup_steps)
        if not isinstance(monitor, str):
            raise TypeError(f'monitor must be a name such as "val_loss", got {monitor!r}')
        self.monitor = monitor
        self.verbose = verbose

    def on_train_begin(self, logs=None):
        self._climbing = self.schedule.warmup_steps > 0
        if self._climbing and (steps := self.model.steps_per_execution) != 1:
            raise ValueError(
                "warmup_steps needs a rate for every update, but the model makes several at once: "
                f"compile it with steps_per_execution=1, got {steps!r}"
            )
        self._set_rate()

    def on_train_batch_begin(self, batch, logs=None):
        if self._climbing:
            self._climbing = self._set_rate() < self.schedule.warmup_steps

    def on_epoch_end(self, epoch, logs=None):
        logs = {} if logs is None else logs
        if self.monitor not in logs:
            raise ValueError(
                f"monitor must be one of {', '.join(logs) or '(nothing)'}, which epoch {epoch + 1} "
                f"reported, got {self.monitor!r}; a val_ value needs validation data every epoch"
            )
        # For History; the rate that the epoch's last update was made with, as Keras's own has it.
        logs["learning_rate"] = float(_numpy(self.model.optimizer.learning_rate))
        before = self.plateau.lr
        after = self.plateau.update(logs[self.monitor])
        self._set_rate()
        if self.verbose and after != before:
            print(f"\nepoch {epoch + 1}: the learning rate falls from {before:g} to {after:g}")

    def _set_rate(self) -> int:
        """Set the rate of the coming update, whose number is returned."""
        optimizer = self.model.optimizer
        update = int(_numpy(optimizer.iterations))  # in a MirroredStrategy no int() of its own
        try:
            optimizer.learning_rate = self.schedule(update)
        except TypeError:
            raise TypeError(
                "the optimizer's learning_rate must be a number, as the plateau sets it, got a "
                "LearningRateSchedule; compile with SGD(0.1) or the like, and climb with "
                "PlateauCallback(..., warmup_steps=...)"
            ) from None
        return update

    def state_dict(self) -> dict[str, Any]:
        """The plateau's state, as values that JSON can hold."""
        return self.plateau.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the saved plateau stopped; ValueError where its arguments were others."""
        self.plateau.load_state_dict(state)


# --- adaptive rules -------------------------------------------------------------------------------


@keras.saving.register_keras_serializable(package="course_lib")
class AdaGradNorm(keras.optimizers.Optimizer):
    """AdaGrad with a single rate: lr / sqrt(initial^2 + sum of |gradient|^2), the same for all.

    The sum goes over every weight and all updates so far (Ward, Wu and Bottou 2019). Makes the same
    updates as the `AdaGradNorm` of course_lib.pytorch.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        initial: float = 0.1,
        name: str = "AdaGradNorm",
        **kwargs: Any,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.initial = Number(low=0, above=True).check("initial", initial)

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        # A NumPy number: Keras takes a plain Python float through float32.
        start = keras.initializers.Constant(np.float64(self.initial**2))
        self._accumulator = self.add_variable((), start, variables[0].dtype, name="accumulator")

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        """The one place that sees all gradients at once, clipped and accumulated already."""
        squares = [keras.ops.sum(keras.ops.square(gradient)) for gradient in grads]
        for each in squares:
            self.assign_add(self._accumulator, keras.ops.cast(each, self._accumulator.dtype))
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def update_step(self, gradient, variable, learning_rate):
        learning_rate = keras.ops.cast(learning_rate, variable.dtype)
        root = keras.ops.cast(keras.ops.sqrt(self._accumulator), variable.dtype)
        self.assign_sub(variable, learning_rate / root * keras.ops.cast(gradient, variable.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "initial": self.initial}


@keras.saving.register_keras_serializable(package="course_lib")
class ScheduleFreeAdamW(keras.optimizers.ScheduleFreeAdamW):
    """Schedule-free AdamW (Defazio et al. 2024), update by update as its authors' own for PyTorch.

    Keras's own differs in two things. On TensorFlow it reads its auxiliary weights z after it has
    moved them, as if before, so its x is no average of the z. And it gives each update the same
    share of the average, instead of one by the largest rate so far, squared: that only matters when
    the rate changes. The model's weights are y, where gradients are taken; measure with x, which
    `averaged()` returns, as Keras has no switch between the two.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if self.weight_decay:  # Keras would take it off y alone, and x would be no average
            raise ValueError(f"weight_decay must be None, got {self.weight_decay!r}; leave it out")

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        dtype = variables[0].dtype
        self._largest = self.add_variable((), dtype=dtype, name="largest_rate")
        self._total = self.add_variable((), dtype=dtype, name="total_of_squares")

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        rate = keras.ops.cast(learning_rate, self._largest.dtype)
        if self.warmup_steps:
            done = keras.ops.cast(self.iterations + 1, rate.dtype)
            rate *= keras.ops.minimum(done / self.warmup_steps, 1)
        self.assign(self._largest, keras.ops.maximum(self._largest, rate))
        self.assign_add(self._total, keras.ops.square(self._largest))
        super()._backend_update_step(grads, trainable_variables, rate)

    def update_step(self, gradient, variable, learning_rate):
        def number(value):
            return keras.ops.cast(value, variable.dtype)

        index = self._get_variable_index(variable)
        z, velocity = self._momentums[index], self._velocities[index]
        gradient, rate, beta_1, beta_2 = map(
            number, (gradient, learning_rate, self.beta_1, self.beta_2)
        )
        share = number(keras.ops.divide_no_nan(keras.ops.square(self._largest), self._total))
        self.assign(velocity, beta_2 * velocity + (1 - beta_2) * keras.ops.square(gradient))
        correction = 1 - keras.ops.power(beta_2, number(self.iterations + 1))
        move = rate * gradient / (keras.ops.sqrt(velocity / correction) + number(self.epsilon))
        self.assign(variable, variable + share * (z - variable) + (beta_1 * (1 - share) - 1) * move)
        self.assign_sub(z, move)

    def averaged(self) -> list[np.ndarray]:
        """The averaged weights x, from y = beta_1 * x + (1 - beta_1) * z: one array per weight."""
        pairs = zip(self._trainable_variables, self._momentums, strict=True)
        numbers = [map(_numpy, pair) for pair in pairs]
        return [(y - (1 - self.beta_1) * z) / self.beta_1 for y, z in numbers]


def effective_rates(optimizer: keras.optimizers.Optimizer) -> list[np.ndarray]:
    """What multiplied the gradient of each weight in the last update, one array per weight.

    In Adam it is the first moment that is multiplied, in SGD with momentum the velocity (in Keras's
    own SGD the gradient, on its way into the velocity). Read from the optimizer's own state.
    TypeError for an optimizer that it cannot read.
    """
    kinds = keras.optimizers
    known = {
        kinds.Adagrad: lambda o, i, t: 1 / np.sqrt(_numpy(o._accumulators[i]) + o.epsilon),
        kinds.Adam: _adam_rate,  # AdamW is one
        kinds.RMSprop: _rmsprop_rate,
        kinds.SGD: lambda o, i, t: 1.0,
        SGD: lambda o, i, t: 1.0,
        AdaGradNorm: lambda o, i, t: 1 / np.sqrt(_numpy(o._accumulator)),
    }
    rate = next((known[kind] for kind in known if isinstance(optimizer, kind)), None)
    if rate is None:
        names = ", ".join(dict.fromkeys(kind.__name__ for kind in known))
        raise TypeError(
            f"optimizer must be one of {names} or AdamW, got {type(optimizer).__name__}; "
            "of others, the rate per weight is not known here"
        )
    updates = int(_numpy(optimizer.iterations))
    if not updates:
        raise ValueError("optimizer must have made an update; call optimizer.apply(...) first")
    # The optimizer has counted the update already, and so shows the rate of the next one. A
    # schedule is asked in batches, of which an update may take several.
    lr, batches = optimizer._learning_rate, optimizer.gradient_accumulation_steps or 1
    lr = _numpy(lr(updates * batches - 1) if callable(lr) else lr)
    return [
        np.broadcast_to(np.asarray(rate(optimizer, i, updates) * lr), variable.shape).copy()
        for i, variable in enumerate(optimizer._trainable_variables)
    ]


def _rmsprop_rate(optimizer, i: int, updates: int) -> np.ndarray:
    average = _numpy(optimizer._velocities[i])
    if optimizer.centered:
        average = average - _numpy(optimizer._average_gradients[i]) ** 2
    return 1 / np.sqrt(average + optimizer.epsilon)


def _adam_rate(optimizer, i: int, updates: int) -> np.ndarray:
    averages = optimizer._velocity_hats if optimizer.amsgrad else optimizer._velocities
    correction = np.sqrt(1 - optimizer.beta_2**updates) / (1 - optimizer.beta_1**updates)
    return correction / (np.sqrt(_numpy(averages[i])) + optimizer.epsilon)


def hessian_diagonal(
    loss: Callable[[], tf.Tensor], weights: Sequence[keras.Variable]
) -> list[np.ndarray]:
    """The second derivatives of `loss()` in each weight alone, exact: one array per weight.

    Computes the whole Hessian of each array of weights, so for small problems.
    """
    values = [weight.value for weight in weights]
    zero = tf.UnconnectedGradients.ZERO  # a loss that is linear in a weight has no second gradient
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape() as inner:
            value = loss()
        gradients = inner.gradient(value, values, unconnected_gradients=zero)
    rows = [outer.jacobian(g, w, unconnected_gradients=zero) for g, w in zip(gradients, values)]
    return [
        np.diagonal(np.reshape(row, (-1, int(np.prod(w.shape))))).reshape(w.shape)
        for row, w in zip(rows, weights)
    ]
