"""The pool that both kinds of worker processes share: one queue, retries, time limits, memory. Imports no Ray."""

from .crew import Answer, Crew, Lost, Member, Message, Place
from .pool import Pool

__all__ = ["Answer", "Crew", "Lost", "Member", "Message", "Place", "Pool"]
