"""The command line `hallmark`."""
