"""Random numbers that are the same in Python and in the browser, for widgets that show noise.

Written in the Python that javascript.py translates; every product stays below 2 ** 53, where a
browser's numbers are still exact.
"""

import math


def draws(seed, count):
    """Uniform numbers above 0 and below 1: Lehmer's generator with the constants of Park & Miller
    (1988).

        state(t + 1) = 16807 * state(t) mod (2**31 - 1),    the number is state / (2**31 - 1)

    The state before the first is seed + 1, and the first 8 numbers, which tell a small seed, are
    left out.

    >>> [round(each, 6) for each in draws(0, 3)], draws(0, 3) == draws(0, 9)[:3]
    ([0.679296, 0.934693, 0.383502], True)
    """
    state, found = seed % 2147483646 + 1, []
    for number in range(count + 8):
        state = state * 16807 % 2147483647
        if number >= 8:
            found.append(state / 2147483647)
    return found


def normals(seed, count):
    """Numbers that are normal enough for a picture: mean 0, variance 1, never beyond 3.5.

        sqrt(3) * (the sum of 4 draws - 2),    as a draw has the mean 1/2 and the variance 1/12

    >>> [round(each, 3) for each in normals(0, 3)]
    [0.895, -0.955, -1.508]
    """
    uniform, found = draws(seed, 4 * count), []
    for i in range(count):
        total = uniform[4 * i] + uniform[4 * i + 1] + uniform[4 * i + 2] + uniform[4 * i + 3]
        found.append(math.sqrt(3) * (total - 2))
    return found
