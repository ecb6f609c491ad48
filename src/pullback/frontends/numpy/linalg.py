"""NumPy's signatures: linalg."""
