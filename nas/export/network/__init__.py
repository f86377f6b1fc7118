"""A trained network as files that others run: one module for each kind of file, and a process that checks them."""
