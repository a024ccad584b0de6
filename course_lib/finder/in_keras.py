"""What the learning-rate finder needs of Keras: single updates, and no trace of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from course_lib.tensorflow import KerasSchedule, keras, tf

global_state = keras.src.backend.common.global_state


@contextmanager
def untouched(
    model: keras.Model | None = None, optimizer: keras.optimizers.Optimizer | None = None
) -> Iterator[None]:
    """Whatever happens inside, errors too, leaves no trace: at the end everything is as before.

    That is: weights, moving averages, seed generators and metrics of `model`; rate, counters and
    slots of `optimizer` (by default the model's own), built first where it was not yet and a model
    is given; and the seed generator that Keras draws from where none is given. The counters inside
    TensorFlow's own `tf.random` operations cannot be read, and go on.
    """
    if model is not None and not model.built:
        raise ValueError("model has no weights yet; give it an Input, or call it on one batch")
    optimizer = optimizer or getattr(model, "optimizer", None)
    if not isinstance(optimizer, keras.optimizers.Optimizer | None):
        raise TypeError(f"optimizer must be a keras.optimizers.Optimizer, got {optimizer!r}")
    if model is not None and optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)
    variables = [] if model is None else [*model.variables, *model.metrics_variables]
    variables += [] if optimizer is None else optimizer.variables
    # Keras has no public name for its default generator, made when first needed.
    default = global_state.get_global_attribute("global_seed_generator")
    variables += [] if default is None else [default.state]
    values = [np.array(variable.value.numpy()) for variable in variables]
    schedule = getattr(optimizer, "_learning_rate", None)
    try:
        yield
    finally:
        if optimizer is not None and callable(schedule):
            optimizer.learning_rate = schedule
        for variable, value in zip(variables, values):
            variable.assign(value)
        global_state.set_global_attribute("global_seed_generator", default)


def finder_step(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    loss: Callable,
    data: tuple[np.ndarray, np.ndarray],
    batch_size: int,
    seed: int,
) -> Callable[[float], float]:
    """A function that makes one update at the rate it is given, on the next batch of `data` (in an
    order drawn from `seed`), and returns the loss of that batch before the update."""
    # No tf.data.Dataset: a shuffled one remembers how often it was read.
    if not (isinstance(data, tuple | list) and len(data) == 2 and len(data[0]) == len(data[1])):
        raise TypeError(
            f"data must be arrays (x, y) of one length, got {type(data).__name__}; for others give "
            "train_step, a function lr -> loss that takes its own batches"
        )
    x, y = map(np.asarray, data)
    if not callable(loss) or isinstance(loss, type):
        raise TypeError(f"loss must be a function (y, prediction) -> loss, got {loss!r}")
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if scaled or optimizer.gradient_accumulation_steps:
        raise TypeError(
            "optimizer must make an update at every batch, of the gradient as it is, which "
            "mixed_float16 and gradient_accumulation_steps do not; give train_step, a function "
            "lr -> loss, or sweep without them"
        )
    rng, rows = np.random.default_rng(seed), np.array([], dtype=int)

    def step(lr: float) -> float:
        nonlocal rows
        if not len(rows):
            rows = rng.permutation(len(x))
        batch, rows = rows[:batch_size], rows[batch_size:]
        scheduled = callable(optimizer._learning_rate)
        # Only a schedule can take the place of a schedule.
        optimizer.learning_rate = KerasSchedule(lambda _: lr, total_steps=1) if scheduled else lr
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(y[batch], model(x[batch], training=True)))
            value += sum(model.losses)  # penalties of the weights, where layers have any
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(value, weights), weights)
        return float(value)

    return step
