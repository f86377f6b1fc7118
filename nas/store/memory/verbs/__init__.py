"""The verbs of the store in memory by subject, as `nas.store.port` has them; `MemoryStore` inherits them all."""
