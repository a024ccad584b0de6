"""Optimizers that Keras does not have, or has in another form than PyTorch."""

from typing import Any

import numpy as np

from course_lib.formulas.parameters import MOMENTUM, Number
from course_lib.tensorflow.framework import keras, tf, to_numpy
from course_lib.tensorflow.schedule import KerasSchedule, refuse_bare


@keras.saving.register_keras_serializable(package="course_lib")
class SGD(keras.optimizers.Optimizer):
    """Stochastic gradient descent with PyTorch's form of momentum.

        velocity = momentum * velocity + gradient
        weight   = weight - rate * velocity            nesterov: gradient + momentum * velocity

    Keras's own SGD keeps the rate inside the velocity, so after a change of the rate it goes on for
    about 1 / (1 - momentum) updates with steps of the old size; the two agree only while the rate
    is constant. With this one, a run in Keras can be compared with one in PyTorch update by update.

    Arguments
    - learning_rate: a number or a schedule, such as a KerasSchedule.
    - momentum: a number from 0 to below 1, or a schedule for one that changes. ValueError for
      another number, also in a KerasSchedule; the values of Keras's own schedules are not checked.
    - nesterov, name, and what every Keras optimizer takes (weight_decay, clipnorm, ...).

    >>> weight = keras.Variable([0.0])
    >>> optimizer = SGD(0.5, momentum=0.5)
    >>> for _ in range(3):
    ...     optimizer.apply([tf.ones(1)], [weight])
    ...     print(float(weight[0]))  # moved by 0.5 * 1, 1.5, 1.75
    -0.5
    -1.25
    -2.125
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
        refuse_bare(self._learning_rate)
        if not isinstance(momentum, keras.optimizers.schedules.LearningRateSchedule):
            momentum = MOMENTUM.check("momentum, unless a KerasSchedule,", momentum)
        elif isinstance(momentum, KerasSchedule):
            MOMENTUM.check("momentum's highest value", max(momentum.rates))
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


@keras.saving.register_keras_serializable(package="course_lib")
class ScheduleFreeAdamW(keras.optimizers.ScheduleFreeAdamW):
    """Schedule-free AdamW (Defazio et al. 2024), update by update as its authors' own for PyTorch.

    Keras's own differs in two things. On TensorFlow it reads its auxiliary weights z after it has
    moved them and takes them for the old ones, so its x is no average of the z. And it gives each
    update the same share of the average, where the authors weigh it by the square of the largest
    rate so far: that only matters when the rate changes. The model's weights are y, where gradients
    are taken; evaluate with x, which `averaged()` returns, as Keras has no switch between the two.

    The arguments are those of Keras's own. ValueError for a weight_decay, and for a beta_1 of 0, as
    no x can be computed from its y. For one device: it needs the gradient of the whole batch.

    >>> weight = keras.Variable([1.0])
    >>> optimizer = ScheduleFreeAdamW(learning_rate=0.5)
    >>> for _ in range(3):
    ...     optimizer.apply([tf.ones(1)], [weight])  # z moves by 0.5, to 0.5, 0 and -0.5
    >>> optimizer.averaged()[0].round(3).tolist()
    [0.0]
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        refuse_bare(self._learning_rate)
        Number(low=0, above=True, below=1).check("beta_1", self.beta_1)
        if self.weight_decay:  # Keras would take it off y alone, and x would be no average
            raise ValueError(f"weight_decay must be None, got {self.weight_decay!r}; leave it out")

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        with tf.init_scope():  # Keras's own assignment is lost where `model.fit` builds
            for z, variable in zip(self._momentums, variables, strict=True):
                z.assign(variable)
        dtype = variables[0].dtype
        self._largest = self.add_variable((), dtype=dtype, name="largest_rate")
        self._total = self.add_variable((), dtype=dtype, name="total_of_squares")

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        grads = [tf.convert_to_tensor(each) for each in grads]  # summed: an Embedding's have parts
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
        numbers = [map(to_numpy, pair) for pair in pairs]
        return [(y - (1 - self.beta_1) * z) / self.beta_1 for y, z in numbers]
