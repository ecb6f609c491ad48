"""Every op that pullback differentiates, each declared once, by kind."""
