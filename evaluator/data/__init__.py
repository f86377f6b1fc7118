"""Images: found in `folders`, decoded in `images`, degraded in `degrade`, cut in `patches`."""
