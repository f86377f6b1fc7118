"""The routes, one module per noun. Each translates between HTTP and one use case of `nas.service`."""
