"""`python -m api`: the same as the console script `srnas`."""

from .cli import main

if __name__ == "__main__":
    main()
