"""How one array library's function names reach primitives."""
