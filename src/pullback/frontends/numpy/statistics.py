"""NumPy's signatures: statistics."""
