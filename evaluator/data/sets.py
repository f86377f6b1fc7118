"""The images of one search: those it trains on and those it scores on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from .images import ImageSet, pack


@dataclass(frozen=True)
class EvaluationData:
    """Training and validation images of one scale, decoded.

    Attributes:
        train: Images that patches are cropped from, all with as many channels. They are packed once, here, and never
            again: workers that share this object's memory cut patches from it where it lies.
        validation: Images that candidates are scored on; none of them is in ``train``.

    Raises:
        InvalidInput: There is nothing to train on, or with different numbers of channels.
    """

    train: ImageSet
    validation: ImageSet

    def __post_init__(self) -> None:
        object.__setattr__(self, "train", pack(self.train))

    @property
    def scale(self) -> int:
        """The scale that both sets share."""
        return self.train.scale

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal characters over every pixel of both sets."""
        text = f"{self.train.digest}|{self.validation.digest}"
        return blake2b(text.encode(), digest_size=16).hexdigest()
