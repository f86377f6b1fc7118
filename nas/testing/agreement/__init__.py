"""A machine that asks two stores the same, whatever in whatever order, and wants the same answers. Needs Hypothesis."""

from .machine import StoreAgreement

__all__ = ["StoreAgreement"]
