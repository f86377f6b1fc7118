"""The executor over plain processes of one machine, which may share its GPUs by memory. Needs nothing but torch."""

from .executor import ProcessExecutor

__all__ = ["ProcessExecutor"]
