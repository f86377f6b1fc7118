"""Files made of results: fronts for readers, trained networks for runtimes."""
