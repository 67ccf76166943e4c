"""`python -m tagpipe`."""

from tagpipe.cli import main

main()
