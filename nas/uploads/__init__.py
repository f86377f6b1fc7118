"""Archives of photographs from people who may mean harm: received, checked, unpacked whole or not at all.

It knows zip files and image headers, and refuses to know datasets, stores or HTTP.
"""

from .limits import SHOWN, InvalidUpload, Limits, UploadTooLarge, human
from .receiving import Received, Receiver
from .unpacking import Unpacked, sweep, unpack

__all__ = [
    "SHOWN",
    "InvalidUpload",
    "Limits",
    "Received",
    "Receiver",
    "Unpacked",
    "UploadTooLarge",
    "human",
    "sweep",
    "unpack",
]
