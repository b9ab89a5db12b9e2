"""The process that runs labeling functions: `python -m assets.labelers.worker FD FD ROOT FILE`.

A function that never returns or ends the process cannot take the labeler down with it. The worker
answers tasks over one file descriptor, and leaves the number of the call that it is in on another,
where the parent sees whether it moves on.
"""

import mmap
import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from assets.labelers.calls import HEARTBEAT, Calls
from assets.labelers.labeling_module import LoadFault, load_functions


def main(connection_fd: int, heartbeat_fd: int, root: Path, file: Path) -> None:
    """Load the file, say what it holds, then answer tasks until the parent hangs up."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    heartbeat = mmap.mmap(heartbeat_fd, HEARTBEAT.size)
    with Connection(connection_fd) as parent:
        loaded = load_functions(root, file)
        if isinstance(loaded, LoadFault):
            parent.send(loaded)
            return
        parent.send(loaded.versions)
        try:
            classes, limit_s = parent.recv()
            calls = Calls(loaded.functions, classes, limit_s=limit_s, heartbeat=heartbeat)
            while True:
                parent.send(calls.answer(parent.recv()))
        except (EOFError, BrokenPipeError):
            return


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
