"""NumPy spellings of the canonical functions: linalg."""
