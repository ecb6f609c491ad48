"""The soft edit distance of two sequences: a dynamic-programming table."""

import numpy as np


def softmin(values, temperature=0.5):
    values = np.array(values)
    return -temperature * np.log(np.sum(np.exp(-values / temperature)))


def loss(a, b, gap):
    table = np.full((len(a) + 1, len(b) + 1), np.inf)
    table[0, 0] = 0.0
    for i in range(1, len(a) + 1):
        table[i, 0] = i * gap
    for j in range(1, len(b) + 1):
        table[0, j] = j * gap
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            change = (a[i - 1] - b[j - 1]) ** 2
            table[i, j] = softmin(
                [table[i - 1, j] + gap, table[i, j - 1] + gap, table[i - 1, j - 1] + change]
            )
    return table[-1, -1]


def arguments(n, rng):
    return rng.normal(size=n), rng.normal(size=n + 1), 0.7
