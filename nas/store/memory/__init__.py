"""The store in memory: nothing outlives the process. For tests, and for searches that nobody wants to keep."""

from .store import MemoryStore

__all__ = ["MemoryStore"]
