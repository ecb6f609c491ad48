"""torch spellings of the canonical functions."""
