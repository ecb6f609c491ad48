"""Values collected in lists, which become arrays; Python's own sum, max and sorted."""

import numpy as np


def loss(x):
    terms = []
    value = 0.3
    for number in x:
        value = np.sin(value) * number + 0.1
        terms.append(value)
    series = np.array(terms)
    pairs = np.array(
        [(terms[i] * terms[i + 1], terms[i] - terms[i + 1]) for i in range(len(x) - 1)]
    )
    spread = max(terms) - min(terms)
    middle = sorted(terms)[len(terms) // 2]
    return sum(series**2) + pairs.sum() + np.sum([spread, middle]) + np.mean(pairs[:, 0] * spread)


def arguments(n, rng):
    return (rng.normal(size=n),)
