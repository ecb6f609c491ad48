"""A fast Fourier transform in place: a complex buffer that is written through its parts."""

import numpy as np


def transform(z):
    """Overwrite `z`, of a power of two elements."""
    n = len(z)
    if n == 1:
        return
    even, odd = z[::2].copy(), z[1::2].copy()
    transform(even)
    transform(odd)
    odd *= np.exp(-2j * np.pi * np.arange(n // 2) / n)
    z[: n // 2] = even + odd
    z[n // 2 :] = even - odd


def loss(signal):
    z = np.zeros(len(signal), dtype=complex)
    z.real = signal
    z.imag[1:] = 0.5 * signal[:-1] ** 2
    transform(z)
    power = np.abs(z) ** 2
    power[0] = 0
    return np.sum(np.arange(len(z)) * power) / np.sum(power)


def arguments(n, rng):
    return (rng.normal(size=2 ** int(np.ceil(np.log2(n)))),)
