"""The file that says that a batch was taken from an inbox, and of which files it was made."""

from pathlib import Path

TAKEN = ".taken"


def marker(inbox: Path, batch: str) -> Path:
    """Where it lies: below the inbox, beside the folder of the files themselves."""
    return inbox / TAKEN / f"{batch}.json"
