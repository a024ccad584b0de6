"""Small images that a network soon learns, for the tests that train."""

import numpy as np

from course_lib.data import Dataset


def patterns(count: int = 300, shape: tuple[int, ...] = (28, 28), tests: int = 40) -> Dataset:
    """Ten patterns of bright pixels on black, like strokes, under noise: never twice the same
    image. `count` are for training, `tests` more for the last word."""
    rng = np.random.default_rng(7)
    strokes = rng.random((10, *shape)) < 0.15
    labels = np.arange(count + tests) % 10
    images = strokes[labels] * rng.integers(100, 200, (count + tests, *shape))
    images = (images + rng.integers(0, 30, images.shape)).astype(np.uint8)
    x_train, x_test, y_train, y_test = *np.split(images, [count]), *np.split(labels, [count])
    return Dataset(x_train, y_train, x_test, y_test, name="mnist", source="here", title="patterns")
