"""``python -m streams.cli``: the same as ``misfire``."""

from streams.cli import main

main()
