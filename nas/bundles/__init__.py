"""A search as one file: all that was asked for, proposed and found, to keep, to hand on, and to replay elsewhere.

Written while the search may run, and read with mistrust; both page by page. The format is `docs/reference/bundle.md`.
"""

from .documents import Manifest
from .reading import Bundle, InvalidBundle, open_bundle
from .writing import Log, filename, pack

__all__ = ["Bundle", "InvalidBundle", "Log", "Manifest", "filename", "open_bundle", "pack"]
