"""The layers of a network: one module for each kind of operator, the choice among them, and the tail."""
