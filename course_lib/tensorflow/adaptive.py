"""What course_lib/adaptive.py computes, read from a Keras optimizer and from a loss."""

from collections.abc import Callable, Sequence

import numpy as np

from course_lib.tensorflow.framework import keras, tf, to_numpy
from course_lib.tensorflow.optimizers import SGD


def effective_rates(optimizer: keras.optimizers.Optimizer) -> list[np.ndarray]:
    """What multiplied the gradient of each weight in the last update, one array per weight.

    In Adam it is the first moment that is multiplied, in SGD with momentum the velocity (in Keras's
    own SGD the gradient, on its way into the velocity). It is read from the optimizer's state, so
    call it after at least one update. Adagrad, Adam, AdamW, RMSprop and SGD (Keras's and ours) can
    be read: TypeError for another, ValueError for one without an update.

    >>> weight = keras.Variable([0.0, 0.0])
    >>> optimizer = keras.optimizers.Adagrad(1.0, initial_accumulator_value=0.0, epsilon=0.0)
    >>> optimizer.apply([tf.constant([2.0, 0.5])], [weight])
    >>> effective_rates(optimizer)[0].tolist()  # 1 / |gradient|
    [0.5, 2.0]
    """
    kinds = keras.optimizers
    known = {
        kinds.Adagrad: lambda o, i, t: 1 / np.sqrt(to_numpy(o._accumulators[i]) + o.epsilon),
        kinds.Adam: _adam_rate,  # AdamW is one
        kinds.RMSprop: _rmsprop_rate,
        kinds.SGD: lambda o, i, t: 1.0,
        SGD: lambda o, i, t: 1.0,
    }
    rate = next((known[kind] for kind in known if isinstance(optimizer, kind)), None)
    if rate is None:
        names = ", ".join(dict.fromkeys(kind.__name__ for kind in known))
        raise TypeError(
            f"optimizer must be one of {names} or AdamW, got {type(optimizer).__name__}; "
            "of others, the rate per weight is not known here"
        )
    updates = int(to_numpy(optimizer.iterations))
    if not updates:
        raise ValueError("optimizer must have made an update; call optimizer.apply(...) first")
    # The optimizer has counted the update already, and so shows the rate of the next one. A
    # schedule is asked in batches, of which an update may take several.
    lr, batches = optimizer._learning_rate, optimizer.gradient_accumulation_steps or 1
    lr = to_numpy(lr(updates * batches - 1) if callable(lr) else lr)
    return [
        np.broadcast_to(np.asarray(rate(optimizer, i, updates) * lr), variable.shape).copy()
        for i, variable in enumerate(optimizer._trainable_variables)
    ]


def _rmsprop_rate(optimizer, i: int, updates: int) -> np.ndarray:
    average = to_numpy(optimizer._velocities[i])
    if optimizer.centered:
        average = average - to_numpy(optimizer._average_gradients[i]) ** 2
    return 1 / np.sqrt(average + optimizer.epsilon)


def _adam_rate(optimizer, i: int, updates: int) -> np.ndarray:
    averages = optimizer._velocity_hats if optimizer.amsgrad else optimizer._velocities
    correction = np.sqrt(1 - optimizer.beta_2**updates) / (1 - optimizer.beta_1**updates)
    return correction / (np.sqrt(to_numpy(averages[i])) + optimizer.epsilon)


def hessian_diagonal(
    loss: Callable[[], tf.Tensor], weights: Sequence[keras.Variable | tf.Variable]
) -> list[np.ndarray]:
    """The second derivatives of `loss()` in each weight alone, exact: one array per weight.

    `loss` takes no argument and is called once; `weights` are variables, of Keras or TensorFlow.
    Computes the whole Hessian of each array of weights, so for small problems.

    >>> weight = keras.Variable([1.0, 2.0])
    >>> hessian_diagonal(lambda: tf.reduce_sum(weight.value**3), [weight])[0].tolist()
    [6.0, 12.0]
    """
    values = [weight.value if isinstance(weight, keras.Variable) else weight for weight in weights]
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
