"""What a search will take: foretold before it is submitted, from its spec and from what was trained here before."""
