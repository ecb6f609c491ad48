"""Threads: transforms in many at once stay apart, and threads inside a function are followed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pullback
from pullback import grad, no_grad, vjp
from tests.threads import at_once

X = np.array([0.1, 0.5, 1.5])
THREADS = 8


def test_row_67_transforms_in_several_threads_are_independent():
    def work(i):
        f = lambda x: np.sum(np.sin(x * i) * x)
        return [(grad(f)(X), grad(lambda x: np.sum(grad(f)(x)))(X)) for _ in range(50)]

    for i, results in enumerate(at_once(work, THREADS)):
        for first, second in results:
            np.testing.assert_allclose(first, np.cos(X * i) * i * X + np.sin(X * i))
            expected = 2 * i * np.cos(X * i) - i * i * X * np.sin(X * i)
            np.testing.assert_allclose(second, expected, atol=1e-12)


def test_row_67_a_pullback_may_be_called_from_many_threads_at_once():
    _, pull = vjp(lambda x: np.exp(x) * np.sin(x), X)
    expected = np.exp(X) * (np.sin(X) + np.cos(X))
    for i, results in enumerate(
        at_once(lambda i: [pull(np.full(3, float(i))) for _ in range(50)], THREADS)
    ):
        for (gradient,) in results:
            np.testing.assert_allclose(gradient, i * expected)


def test_row_66_worker_threads_inside_a_function_see_its_trace():
    def f(x):
        with ThreadPoolExecutor(4) as pool:
            parts = list(pool.map(lambda i: np.sum(np.exp(x * i) * x), range(8)))
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    expected = sum(np.exp(X * i) * (1 + i * X) for i in range(8))
    for _ in range(20):
        np.testing.assert_allclose(grad(f)(X), expected)


def test_row_66_worker_threads_may_run_transforms_of_their_own():
    def f(x):
        results = []
        work = lambda: results.append(grad(lambda y: y * y * y * x)(x))
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return results[0]

    # grad of y^3 x in y is 3 y^2 x: at y = x it is 3 x^3, whose slope is 9 x^2.
    assert grad(f)(2.0) == 36.0


def test_no_grad_in_one_thread_does_not_reach_another():
    inside, done = threading.Event(), threading.Event()

    def pause():
        with no_grad():
            inside.set()
            done.wait(10)

    def f(x):
        thread = threading.Thread(target=pause)
        thread.start()
        inside.wait(10)
        y = x * x
        done.set()
        thread.join()
        return y * x

    assert grad(f)(3.0) == 27.0


def test_an_exception_in_one_thread_leaves_the_others_alone():
    def work(i):
        def f(x):
            if i % 2:
                raise ZeroDivisionError
            return x * x

        if i % 2:
            with pytest.raises(ZeroDivisionError):
                grad(f)(3.0)
            return 6.0
        return grad(f)(3.0)

    assert at_once(work, THREADS) == [6.0] * THREADS


def test_a_value_that_escapes_through_a_thread_says_so():
    kept = []
    grad(lambda x: kept.append(x) or x)(3.0)
    errors = []

    def use():
        try:
            kept[0] * 2.0
        except pullback.EscapedTracerError as error:
            errors.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(errors) == 1
