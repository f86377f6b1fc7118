"""The pool that both kinds of worker processes share: one queue, retries, time limits, memory. Imports no Ray."""
