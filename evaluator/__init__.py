"""How good a network is: data, partial training and metrics, and the ways to run them elsewhere."""
