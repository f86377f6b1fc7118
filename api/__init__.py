"""The face of srnas: HTTP, its typed client, the command line. Trains nothing and imports nothing heavy."""
