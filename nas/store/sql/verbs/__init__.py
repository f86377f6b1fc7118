"""The verbs of the store in SQL by subject, as `nas.store.port` has them; `SqlStore` inherits them all."""
