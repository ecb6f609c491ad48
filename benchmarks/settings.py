"""The same settings for everyone, made when this is imported, before the libraries read them.

One thread: the arrays here are small and machines are shared; a comparison of thread pools would
say nothing about differentiation.

Freed memory is kept: glibc gives large arrays back to the system when they are freed and asks for
them again, and then clearing new pages takes more time than the arithmetic, now and then and for
whom it happens to hit. NumPy, torch and XLA all allocate by it.
"""

from __future__ import annotations

import ctypes
import os
import platform

COUNT = 1

# From glibc's malloc.h. MALLOC_TRIM_THRESHOLD_ and MALLOC_MMAP_MAX_ set the same from outside.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


def _keep_freed_memory() -> bool:
    """Tell glibc so; False where the C library is another."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_TRIM_THRESHOLD, -1) and mallopt(_M_MMAP_MAX, 0))


for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = str(COUNT)
os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads={COUNT}"
os.environ["JAX_PLATFORMS"] = "cpu"
MEMORY = (
    "the process keeps freed memory, for all alike (mallopt: M_TRIM_THRESHOLD=-1, M_MMAP_MAX=0)"
    if _keep_freed_memory()
    else "freed memory goes back to the system as the C library likes"
)
