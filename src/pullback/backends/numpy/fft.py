"""NumPy spellings of the canonical functions: fft."""
