"""What stands in for MNIST and CIFAR-10 where there is no data and no network: built in, small, the
same every time.
"""

from collections.abc import Callable

import numpy as np

from course_lib import needs
from course_lib.datasets.files import KEYS, Arrays


def _digits() -> Arrays:
    """The 1,797 handwritten 8x8 digits in scikit-learn, enlarged to 28x28, in a fixed order."""
    with needs("course"):
        from sklearn.datasets import load_digits
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    images = (digits.images[order] * (255 / 16)).round().astype(np.uint8)
    images = np.pad(images.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    return _split(images, digits.target[order], train=1500)


def _shapes() -> Arrays:
    """Drawn 32x32 images of ten classes, five shapes in two inks, in a fixed order.

    Place, size, ink, paper and noise vary: no pixel and no mean colour gives a class away.
    """
    count, rng = 6000, np.random.default_rng(0)
    labels = rng.permutation(np.arange(count) % 10)
    centre = rng.uniform(11, 21, (2, count, 1, 1)).astype(np.float32)
    radius = rng.uniform(7, 11, (count, 1, 1)).astype(np.float32)
    y, x = (np.mgrid[:32, :32][:, None].astype(np.float32) - centre) / radius
    wide, high, far = abs(x), abs(y), np.hypot(x, y)
    disc = far < 1
    ring = disc & (far > 0.55)
    square = np.maximum(wide, high) < 0.85
    triangle = (y < 0.8) & (2 * wide < y + 1)
    cross = (np.maximum(wide, high) < 1) & (np.minimum(wide, high) < 0.3)
    shapes = np.choose(labels[:, None, None] % 5, [disc, ring, square, triangle, cross])
    warm_or_cool = np.array([[190, 100, 70], [70, 110, 190]])[labels // 5]
    inks = (warm_or_cool + rng.normal(0, 20, (count, 3))).astype(np.int16)
    papers = rng.normal(128, 40, (count, 3)).astype(np.int16)
    images = np.where(shapes[..., None], inks[:, None, None], papers[:, None, None])
    images += rng.integers(-40, 41, images.shape, dtype=np.int16)
    return _split(images.clip(0, 255).astype(np.uint8), labels, train=5000)


def _split(images: np.ndarray, labels: np.ndarray, train: int) -> Arrays:
    labels = labels.astype(np.int64)
    return dict(zip(KEYS, (images[:train], labels[:train], images[train:], labels[train:])))


STAND_INS: dict[str, tuple[str, Callable[[], Arrays]]] = {
    "mnist": ("scikit-learn's 8x8 digits", _digits),
    "cifar10": ("drawn shapes", _shapes),
}
