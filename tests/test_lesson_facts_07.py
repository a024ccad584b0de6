"""What lesson 7 says of Keras's own words: the loss that a callback is told after a batch."""

import keras
import numpy as np

BATCHES, SIZE = 5, 4


class Noted(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.means = []

    def on_train_batch_end(self, batch, logs=None):
        self.means.append(logs["loss"])


def test_the_logs_hold_the_mean_since_the_epoch_began():
    """With a rate of 0 every batch keeps its loss, so the means of two epochs are known."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCHES * SIZE, 3)).astype(np.float32)
    y = rng.normal(size=(BATCHES * SIZE, 1)).astype(np.float32)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    losses = [
        float(np.mean((model(x[rows]).numpy() - y[rows]) ** 2))
        for rows in (slice(start, start + SIZE) for start in range(0, len(x), SIZE))
    ]
    noted = Noted()
    model.fit(x, y, batch_size=SIZE, epochs=2, shuffle=False, callbacks=[noted], verbose=0)
    means = np.cumsum(losses) / np.arange(1, BATCHES + 1)
    np.testing.assert_allclose(noted.means, [*means, *means], rtol=1e-5)
    assert not np.allclose(noted.means[:BATCHES], losses)
