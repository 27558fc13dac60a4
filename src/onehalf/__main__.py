"""`python -m onehalf` is the command line."""

from onehalf.cli import main

main()
