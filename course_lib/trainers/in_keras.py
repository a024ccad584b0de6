"""The experiment of `training.fit`, in Keras: a model, an optimizer, and one update at a time."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from course_lib.tensorflow import SGD, KerasSchedule, ScheduleFreeAdamW, keras, tf
from course_lib.trainers import models


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


class _Refreshable(KerasSchedule):
    """A table that what is compiled reads anew, for a schedule that listens."""

    def __init__(self, schedule: Callable[[int], float], total_steps: int):
        super().__init__(schedule, total_steps)
        self._table = tf.Variable(self._table, trainable=False)

    def refresh(self) -> None:
        self._table.assign(self._tabulated())


class KerasTrainer:
    """One model in training: `update` makes one, `evaluate` measures loss and accuracy."""

    def __init__(
        self, layers, weights, schedule, *, momentum, optimizer, total_steps, x_train, y_train
    ):
        model = build(layers, x_train.shape[1:], weights)
        rates = _Refreshable(schedule, total_steps)
        if callable(momentum):
            momentum = KerasSchedule(momentum, total_steps)
        if optimizer == "sgd":
            optimizer = SGD(rates, momentum=momentum)
        elif optimizer == "keras_sgd":
            optimizer = keras.optimizers.SGD(rates, momentum=momentum)
        else:
            optimizer = _OPTIMIZERS[optimizer](rates)
        optimizer.build(model.trainable_variables)
        # Batches are cut out with NumPy: data that a compiled function refers to are never freed,
        # and after some hundred runs in one process they fill the memory.
        self.x_train, self.y_train = x_train, y_train
        image = tf.TensorSpec([None, *x_train.shape[1:]], tf.uint8)

        @tf.function(input_signature=[image, tf.TensorSpec([None], tf.int64), _UNIFORM])
        def update(images, labels, uniform):
            with tf.GradientTape() as tape:
                logits = model(_inputs(model, images, uniform), training=True)
                loss = _cross_entropy(labels, logits)
            gradients = tape.gradient(loss, model.trainable_variables)
            rate = optimizer.learning_rate  # what apply() is about to use
            optimizer.apply(gradients, model.trainable_variables)
            return tf.stack([tf.cast(rate, tf.float32), loss])

        @tf.function(input_signature=[image])
        def predict(x):
            return model(_inputs(model, x, _NO_UNIFORM), training=False)

        self.model, self.optimizer, self.rates = model, optimizer, rates
        # Each run traces its own two functions, once; called as they are, TensorFlow would warn of
        # "retracing" from the fifth run of a lesson on.
        self._update, self._predict = (f.get_concrete_function() for f in (update, predict))

    def refresh(self) -> None:
        """The schedule has heard something: its rates from now on have to be asked for again."""
        self.rates.refresh()

    def update(self, rows: np.ndarray, uniform: np.ndarray | None) -> tuple[float, float]:
        """Train on these rows of the training data: the rate that was applied, and the loss."""
        # Tensors: for a NumPy array, a compiled function takes a slower way in.
        uniform = _NO_UNIFORM if uniform is None else tf.constant(uniform)
        images, labels = tf.constant(self.x_train[rows]), tf.constant(self.y_train[rows])
        rate, loss = self._update(images, labels, uniform).numpy()
        return float(rate), float(loss)

    def logits(self, x: np.ndarray) -> np.ndarray:
        """The scores of the ten classes, one row per image."""
        parts = (x[i : i + 1000] for i in range(0, len(x), 1000))
        averages = isinstance(self.optimizer, ScheduleFreeAdamW)  # other weights to measure with
        if averages:
            training = self.model.get_weights()
            self.model.set_weights(self.optimizer.averaged())
        try:
            return np.concatenate([self._predict(tf.constant(part)).numpy() for part in parts])
        finally:
            if averages:
                self.model.set_weights(training)

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        logits = self.logits(x)
        loss = _cross_entropy(tf.constant(y), tf.constant(logits))
        return float(loss), float((logits.argmax(1) == y).mean())


# With PyTorch's settings, so that a run is the same in both: where Keras has the epsilon inside of
# the root it is squared (Adam's weighs more in the first updates, which only tiny gradients feel).
_OPTIMIZERS = {
    "adam": partial(keras.optimizers.Adam, epsilon=1e-8),
    "adamw": partial(keras.optimizers.AdamW, epsilon=1e-8, weight_decay=0.01),
    "adagrad": partial(keras.optimizers.Adagrad, epsilon=1e-20, initial_accumulator_value=0.0),
    "rmsprop": partial(keras.optimizers.RMSprop, epsilon=1e-16, rho=0.99),
    "schedule_free": ScheduleFreeAdamW,
}

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


def descend(schedule: Callable[[int], float], x: np.ndarray, y: np.ndarray, steps: int):
    """Gradient descent on a linear model, all images in every update, from weights of zero.

        loss = mean((x @ w - y) ** 2)

    `x` is (images, pixels), `y` is (images, classes), both float32. Returns the applied rate and
    the loss of every update, two lists.
    """
    weights = tf.Variable(tf.zeros([x.shape[1], y.shape[1]]))
    optimizer = keras.optimizers.SGD(KerasSchedule(schedule, steps))
    optimizer.build([weights])

    @tf.function
    def update():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((x @ weights - y) ** 2)
        rate = optimizer.learning_rate
        optimizer.apply([tape.gradient(loss, weights)], [weights])
        return rate, loss

    pairs = [update() for _ in range(steps)]
    return [float(rate) for rate, _ in pairs], [float(loss) for _, loss in pairs]
