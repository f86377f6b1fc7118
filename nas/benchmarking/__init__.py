"""Engines side by side on tabulated scores: how good a front each reaches, after how many evaluations."""
