"""Schedules in TensorFlow/Keras: `KerasSchedule` and `SGD` for your own model, `KerasTrainer` for
`training.fit`.

The only file that imports keras and tensorflow. It knows no schedule by name: anything that answers
`step -> rate` will do.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_lib import models
from course_lib.parameters import Whole, rate_at
from course_lib.quiet import startup_notes_hidden
from course_lib.schedules import Schedule, tabulated

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
with startup_notes_hidden():
    import keras
    import tensorflow as tf

    tf.config.list_physical_devices()  # looks for a GPU now, and says here that there is none


@keras.saving.register_keras_serializable(package="course_lib")
class KerasSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule for a Keras optimizer: update number t is made with `schedule(t)`.

    A run of N updates has N rates. They are computed once by the plain Python formula, stored as
    float32 and looked up, so every formula works in eager mode, `tf.function`, XLA and `model.fit`
    without being written a second time, and equals the formula bit for bit after rounding.

    Arguments
    - schedule: a function `step -> rate`, such as `Schedule(cosine, peak_lr=0.1, total_steps=100)`.
    - total_steps: the number of updates of the whole run (epochs times batches per epoch). Beyond
      it the rate stays at `schedule(total_steps)`.
    - accumulate: the optimizer's `gradient_accumulation_steps`. Keras hands a schedule the number
      of batches, not of updates; this divides.

    >>> from course_lib.schedules import Schedule, linear
    >>> rates = KerasSchedule(Schedule(linear, peak_lr=0.5, total_steps=4), total_steps=4)
    >>> [float(rates(step)) for step in range(6)]
    [0.5, 0.375, 0.25, 0.125, 0.0, 0.0]
    >>> optimizer = keras.optimizers.SGD(rates)
    """

    def __init__(self, schedule: Callable[[int], float], total_steps: int, accumulate: int = 1):
        if not callable(schedule):
            raise TypeError(f"schedule must be a function of the step, got {schedule!r}")
        self.schedule = schedule
        self.total_steps = Whole(low=1).check("total_steps", total_steps)
        self.accumulate = Whole(low=1).check("accumulate", accumulate)
        # One more than the run needs, so that the rate after the end is the formula's too.
        self.rates = [rate_at(schedule, step) for step in range(self.total_steps + 1)]
        with tf.init_scope():  # outside of any graph under construction: the table outlives it
            self._table = tf.constant(np.array(self.rates, dtype=np.float32))

    def __call__(self, step):
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

    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, name="SGD", **kwargs):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if not isinstance(momentum, keras.optimizers.schedules.LearningRateSchedule) and not (
            isinstance(momentum, float | int) and 0 <= momentum < 1
        ):
            raise ValueError(
                f"momentum must be a number from 0 to below 1, or a KerasSchedule, got {momentum!r}"
            )
        self.momentum = momentum
        self.nesterov = nesterov

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


# --- the experiment of training.fit, in Keras -----------------------------------------------------


def build(
    layers: Sequence[models.Layer], image_shape: tuple[int, int, int], weights: list[np.ndarray]
) -> keras.Model:
    """The model that `layers` describe, with the given weights (layouts as in models.py).

    A model with dropout has a second input: the uniform numbers, the same in both frameworks.
    """
    image = keras.Input(image_shape)
    inputs, x = [image], image
    for layer in layers:
        match layer:
            case models.Dense():
                x = keras.layers.Dense(layer.units)(x)
            case models.Conv():
                x = keras.layers.Conv2D(layer.filters, layer.size)(x)
            case models.MaxPool():
                x = keras.layers.MaxPooling2D(layer.size)(x)
            case models.Flatten():
                x = keras.layers.Flatten()(x)
            case models.Relu():
                x = keras.layers.ReLU()(x)
            case models.Dropout():
                inputs.append(keras.Input((x.shape[-1],)))
                x = _GivenDropout(layer.rate)(x, inputs[-1])
    model = keras.Model(inputs, x)
    model.set_weights(weights)
    return model


class _GivenDropout(keras.layers.Layer):
    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def call(self, x, uniform, training=False):
        if not training:
            return x
        return x * keras.ops.cast(uniform >= self.rate, x.dtype) / (1 - self.rate)


class KerasTrainer:
    """One model in training: `update` makes one, `evaluate` measures loss and accuracy."""

    def __init__(self, layers, weights, schedule, *, momentum, total_steps, x_train, y_train):
        model = build(layers, x_train.shape[1:], weights)
        optimizer = SGD(KerasSchedule(schedule, total_steps), momentum=momentum)
        optimizer.build(model.trainable_variables)
        images, labels = tf.constant(x_train), tf.constant(y_train)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64), _UNIFORM])
        def update(rows, uniform):
            with tf.GradientTape() as tape:
                logits = model(_inputs(model, tf.gather(images, rows), uniform), training=True)
                loss = _cross_entropy(tf.gather(labels, rows), logits)
            gradients = tape.gradient(loss, model.trainable_variables)
            rate = optimizer.learning_rate  # what apply() is about to use
            optimizer.apply(gradients, model.trainable_variables)
            return tf.stack([tf.cast(rate, tf.float32), loss])

        @tf.function(input_signature=[tf.TensorSpec([None, *x_train.shape[1:]], tf.uint8)])
        def predict(x):
            return model(_inputs(model, x, _NO_UNIFORM), training=False)

        self.model = model
        # Each run traces its own two functions, once; called as they are, TensorFlow would warn of
        # "retracing" from the fifth run of a lesson on.
        self._update, self._predict = (f.get_concrete_function() for f in (update, predict))

    def update(self, rows: np.ndarray, uniform: np.ndarray | None) -> tuple[float, float]:
        """Train on these rows of the training data: the rate that was applied, and the loss."""
        # Tensors: for a NumPy array, a compiled function takes a slower way in.
        uniform = _NO_UNIFORM if uniform is None else tf.constant(uniform)
        rate, loss = self._update(tf.constant(rows), uniform).numpy()
        return float(rate), float(loss)

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        parts = range(0, len(x), 1000)
        logits = np.concatenate(
            [self._predict(tf.constant(x[i : i + 1000])).numpy() for i in parts]
        )
        loss = _cross_entropy(tf.constant(y), tf.constant(logits))
        return float(loss), float((logits.argmax(1) == y).mean())


_UNIFORM = tf.TensorSpec([None, None], tf.float32)
_NO_UNIFORM = tf.zeros((1, 1))  # stands in where nothing is dropped


def _inputs(model: keras.Model, images, uniform):
    scaled = tf.cast(images, tf.float32) / 255
    if len(model.inputs) == 1:
        return scaled
    width = model.inputs[1].shape[-1]
    return [scaled, tf.broadcast_to(uniform, [tf.shape(images)[0], width])]


def _cross_entropy(labels, logits):
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return tf.reduce_mean(losses)
