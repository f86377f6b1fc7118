"""Engines: what decides which network is looked at next."""
