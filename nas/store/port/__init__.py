"""The verbs of the storage port by subject, one protocol a module; `nas.store.base.Store` is all of them."""
