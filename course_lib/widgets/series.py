"""What several views find in a list of numbers. Written in the Python that javascript.py knows."""


def commas(numbers):
    """Whole numbers with commas between.

    >>> commas([3, 5, 8])
    '3, 5, 8'
    """
    return ", ".join([str(each) for each in numbers])


def picked(entries, key, value):
    """The first entry with that value, or the first of all where none has it.

    >>> picked([{"name": "a"}, {"name": "b"}], "name", "b")
    {'name': 'b'}
    """
    for each in entries:
        if each[key] == value:
            return each
    return entries[0]


def first_lasting(flags):
    """From which entry on all are true; None where the last one is not.

    >>> first_lasting([True, False, True, True]), first_lasting([True, False]), first_lasting([])
    (2, None, None)
    """
    first = None
    for i in range(len(flags)):
        if not flags[i]:
            first = None
        elif first is None:
            first = i
    return first


def window_means(values, window=20, at=None):
    """The mean of each value and the ones before it, `window` of them at most; `at` says for which.

        s[t] = mean(v[max(0, t - window + 1)], ..., v[t])

    >>> window_means([4.0, 2.0, 0.0, 1.0], window=2), window_means([4.0, 2.0, 0.0, 1.0], 2, at=[3])
    ([4.0, 3.0, 1.0, 0.5], [0.5])
    """
    if window < 1:
        raise ValueError(f"window must be a whole number of at least 1, got {window}")
    means = []
    for t in at or range(len(values)):
        first, total = max(0, t + 1 - window), 0.0
        for i in range(first, t + 1):
            total = total + values[i]
        means.append(total / (t + 1 - first))
    return means
