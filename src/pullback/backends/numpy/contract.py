"""NumPy spellings of the canonical functions: contract."""
