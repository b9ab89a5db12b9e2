"""`python -m orchestration` is `hallmark`."""

from orchestration.cli.app import main

main()
