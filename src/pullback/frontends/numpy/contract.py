"""NumPy's signatures: contract."""
