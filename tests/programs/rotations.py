"""A robot's arm: rotation matrices from np.array of scalars, by NumPy's functions and by math's."""

import math

import numpy as np

LINKS = [1.0, 0.8, 0.5]


def around_z(angle):
    return np.array(
        [
            [np.cos(angle), -np.sin(angle), 0],
            [np.sin(angle), np.cos(angle), 0],
            [0, 0, 1],
        ]
    )


def around_x(angle):
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def loss(angles, tilt):
    reach, frame = np.zeros(3), np.eye(3)
    for angle, link in zip(angles, LINKS, strict=False):
        frame = frame @ around_z(angle) @ around_x(tilt)
        reach += frame @ np.array([link, 0, 0])
    target = np.array([1.0, 0.5, 0.2])
    return np.linalg.norm(reach - target) ** 2


def arguments(n, rng):
    return rng.normal(size=3), 0.3
