"""Archives of photographs from people who may mean harm: received, checked, unpacked whole or not at all.

It knows zip files and image headers, and refuses to know datasets, stores or HTTP.
"""

from .limits import SHOWN, InvalidUpload, Limits, UploadTooLarge, human
from .receiving import Received, Receiver
from .room import Disk, NoRoom, Room, held
from .unpacking import Unpacked, sweep, unpack

__all__ = [
    "SHOWN",
    "Disk",
    "InvalidUpload",
    "Limits",
    "NoRoom",
    "Received",
    "Receiver",
    "Room",
    "Unpacked",
    "UploadTooLarge",
    "held",
    "human",
    "sweep",
    "unpack",
]
