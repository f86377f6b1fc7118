"""The executor over Ray: long-lived worker processes here or on a cluster. The only package that imports Ray."""

from .executor import RayExecutor

__all__ = ["RayExecutor"]
