"""NumPy's signatures: fft."""
