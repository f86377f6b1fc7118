"""`python -m nas`: the verbs that need no web server; how the service starts its controller."""

from .cli import app

if __name__ == "__main__":
    app(prog_name="python -m nas")
