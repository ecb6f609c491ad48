"""Graphs of pullbacks compute on threads, and on a cluster of two processes."""

from __future__ import annotations

import numpy as np
import pytest

import pullback

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

_rng = np.random.default_rng(0)
A = _rng.normal(size=(40, 5))
Y = np.sign(_rng.normal(size=40))
W = _rng.normal(size=5)


def logistic(w, x, y, m):
    return m.log1p(m.exp(-y * (x @ w))).mean()


def captured():
    x, y = da.from_array(A, chunks=(8, 5)), da.from_array(Y, chunks=8)
    return pullback.value_and_grad(lambda w: logistic(w, x, y, da))(W)


def expected():
    return pullback.value_and_grad(lambda w: logistic(w, A, Y, np))(W)


def square(block):
    return np.sin(block) ** 2


def cubes(w):
    return w**3 + w.sum()


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "20s"}),
        distributed.LocalCluster(
            n_workers=2,
            processes=True,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs="CRITICAL",
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.mark.parametrize("scheduler", ["threads", "sync"])
def test_local_schedulers(scheduler):
    value, gradient = dask.compute(*captured(), scheduler=scheduler)
    np.testing.assert_allclose(value, expected()[0], rtol=1e-12)
    np.testing.assert_allclose(gradient, expected()[1], rtol=1e-12)


def test_a_cluster_of_two_processes(client):
    x = da.from_array(A, chunks=(8, 5))
    blocks = pullback.grad(lambda x: da.map_blocks(square, x).sum())(x)
    value, gradient, blocks = client.gather(client.compute([*captured(), blocks]))
    np.testing.assert_allclose(value, expected()[0], rtol=1e-12)
    np.testing.assert_allclose(gradient, expected()[1], rtol=1e-12)
    np.testing.assert_allclose(blocks, np.sin(2 * A), rtol=1e-10, atol=1e-12)


def test_the_columns_of_a_jacobian_on_the_workers(client):
    """`executor=` takes a cluster's: each chunk of columns is a task there."""
    got = pullback.jacrev(cubes, chunk_size=2, executor=client.get_executor())(W)
    np.testing.assert_allclose(got, np.diag(3 * W**2) + 1, rtol=1e-12)
