"""Benchmarks: `python -m benchmarks` times pullback, its peers and hand-written derivatives.

| file            | idea                                                            |
|-----------------|-----------------------------------------------------------------|
| `problems.py`   | what is computed, each with its derivative written by hand       |
| `programs.py`   | programs as they are, and a loop of writes into a large array    |
| `contenders.py` | who computes it, and how each is asked for a value and gradient  |
| `measure.py`    | how time and memory are measured on a noisy machine              |
| `targets.py`    | what must be true of pullback                                    |
| `report.py`     | the tables and the plot                                          |
"""
