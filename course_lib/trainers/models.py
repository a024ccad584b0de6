"""The course's models, described once: layers as data, and initial weights from NumPy.

Both frameworks build from this, so the same seed starts both at the same point.
"""

import math
from collections import namedtuple

import numpy as np

# The layers, as data. A Conv has no padding and stride 1; Flatten takes rows, columns and channels
# in this order; in training, Dropout drops a unit with probability `rate`, and scales up the rest.
Dense = namedtuple("Dense", ["units"])
Conv = namedtuple("Conv", ["filters", "size"])
MaxPool = namedtuple("MaxPool", ["size"], defaults=[2])
Flatten = namedtuple("Flatten", [])
Relu = namedtuple("Relu", [])
Dropout = namedtuple("Dropout", ["rate"])
Layer = Dense | Conv | MaxPool | Flatten | Relu | Dropout

MODELS: dict[str, tuple[Layer, ...]] = {
    "softmax": (Flatten(), Dense(10)),
    "mlp": (Flatten(), Dense(128), Relu(), Dense(10)),
    "mlp_dropout": (Flatten(), Dense(128), Relu(), Dropout(0.2), Dense(10)),
    # The network of the classic CIFAR-10 example: 6 maps of 14 x 14 make 1176 inputs for 120-84-10.
    "cnn": (
        *(Conv(6, 5), Relu(), MaxPool(), Flatten()),
        *(Dense(120), Relu(), Dense(84), Relu(), Dense(10)),
    ),
}


def initial_weights(
    layers: tuple[Layer, ...], image_shape: tuple[int, int, int], seed: int
) -> list[np.ndarray]:
    """Kernel and bias of each layer that has them, float32, drawn as PyTorch draws them by default:
    uniform between -1/sqrt(fan_in) and 1/sqrt(fan_in).

    `image_shape` is (rows, columns, channels). Kernels have Keras's layout: (inputs, units) and
    (rows, columns, channels, filters).

    >>> [w.shape for w in initial_weights(MODELS["mlp"], (28, 28, 1), seed=0)]
    [(784, 128), (128,), (128, 10), (10,)]
    """
    rng = np.random.default_rng([seed, 0])
    weights: list[np.ndarray] = []
    shape: tuple[int, ...] = image_shape
    for layer in layers:
        match layer:
            case Dense(units):
                weights += _uniform(rng, (*shape, units), fan_in=shape[0])
                shape = (units,)
            case Conv(filters, size):
                rows, columns, channels = shape
                kernel = (size, size, channels, filters)
                weights += _uniform(rng, kernel, fan_in=size * size * channels)
                shape = (rows - size + 1, columns - size + 1, filters)
            case MaxPool(size):
                shape = (shape[0] // size, shape[1] // size, shape[2])
            case Flatten():
                shape = (math.prod(shape),)
        if min(shape) < 1:
            rows, columns, _ = image_shape
            raise ValueError(
                f"x_train must have larger images for this model: of {rows} x {columns} pixels "
                f"{layer} leaves nothing; take larger ones, or another model"
            )
    return weights


def _uniform(rng: np.random.Generator, kernel: tuple[int, ...], fan_in: int) -> list[np.ndarray]:
    bound = 1 / math.sqrt(fan_in)
    shapes = (kernel, kernel[-1:])
    return [rng.uniform(-bound, bound, shape).astype(np.float32) for shape in shapes]


def dropout_width(layers: tuple[Layer, ...]) -> int | None:
    """How many units the model's dropout layer sees, or None where it has no such layer."""
    width = None
    for layer in layers:
        if isinstance(layer, Dropout):
            return width
        width = layer.units if isinstance(layer, Dense) else width
    return None
