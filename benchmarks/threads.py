"""One thread for everyone, set when this is imported, before the libraries read it.

The arrays here are small and machines are shared; a comparison of thread pools would say nothing
about differentiation.
"""

from __future__ import annotations

import os

COUNT = 1

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = str(COUNT)
os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads={COUNT}"
os.environ["JAX_PLATFORMS"] = "cpu"
