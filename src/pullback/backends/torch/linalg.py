"""torch spellings of the canonical functions: linear algebra."""

from __future__ import annotations

import torch

inv, solve = torch.linalg.inv, torch.linalg.solve
