"""Benchmarks: `python -m benchmarks` times pullback, its peers and hand-written derivatives.

| file            | idea                                                            |
|-----------------|-----------------------------------------------------------------|
| `problems.py`   | what is computed, each with its derivative written by hand       |
| `programs.py`   | programs as they are, and a loop of writes into a large array    |
| `contenders.py` | who computes it, and how each is asked for a value and gradient  |
| `libraries.py`  | the same for the other transforms                                |
| `transforms.py` | jvp, hvp, linearize, jacrev and vmap, and what they replace      |
| `tensors.py`    | torch tensors: pullback beside torch's own transforms            |
| `loops.py`      | memory and repeated runs of checkpointed loops                   |
| `settings.py`   | threads and allocator, the same for everyone                     |
| `measure.py`    | how time and memory are measured on a noisy machine              |
| `targets.py`    | what must be true of pullback                                    |
| `report.py`     | the tables and the plot                                          |
"""
