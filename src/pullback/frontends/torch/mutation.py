"""In-place methods and item assignment."""
