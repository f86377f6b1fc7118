"""A finished model on the benchmark sets: how good and how fast, beside bicubic and what others report."""
