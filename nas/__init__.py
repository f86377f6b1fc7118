"""The search: ask for networks, have them evaluated, record what came back, tell it to the engine."""
