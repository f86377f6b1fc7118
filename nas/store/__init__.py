"""Where searches are remembered: one port, in memory and in SQL."""
