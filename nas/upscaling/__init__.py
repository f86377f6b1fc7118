"""What a user does with the result: pictures in, larger pictures out, by an exported file. Never needs torch itself.

`pictures` knows files and colours of pictures, `faces` what a network is shown of them, `tiles` where a large one is
cut, `enlarging` puts these together, and `errands` says which file becomes which.
"""

from .enlarging import bicubic, upscale
from .pictures import Picture, network_view, open_image, open_picture, side_by_side

__all__ = ["Picture", "bicubic", "network_view", "open_image", "open_picture", "side_by_side", "upscale"]
