"""The parent's side of the worker: starts it, watches it, replaces it when it hangs or dies."""

import mmap
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from types import TracebackType
from typing import Self

from assets.labelers.calls import HEARTBEAT, IDLE, Answer, Parts, Task
from assets.labelers.errors import LabelingFileInvalid, WorkerFailed
from assets.labelers.labeling_module import LoadFault

LOAD_LIMIT_S = 60.0
_GRACE_S = 1.0


class WorkerProcess:
    """A process that runs the labeling functions of one file; use it as a context.

    Attributes:
        versions: Version of each function, by name, in the file's order.

    Raises:
        LabelingFileInvalid: the file cannot be imported, or declares nothing.
    """

    def __init__(self, labeler: str, root: Path, file: Path) -> None:
        self._labeler = labeler
        self._root = root.resolve()
        self._file = self._root / file
        self._process, self._connection, self._heartbeat = self._start()
        self.versions = self._loaded()
        self._settings: tuple[tuple[str, ...], float] = ((), 0.0)
        self._stops = (0,) * len(self.versions)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def prepare(self, classes: tuple[str, ...], *, limit_s: float) -> None:
        """Say which classes may be voted and how long one call may take."""
        self._settings = (classes, limit_s)
        self._connection.send(self._settings)

    def answer(self, items: Sequence[Parts]) -> Answer:
        """Every function's judgment of the items, whatever the functions do.

        Raises:
            WorkerFailed: the process ended outside of any function.
        """
        lost: dict[tuple[int, int], str] = {}
        while True:
            answer = self._try(Task(items, self._stops, lost))
            if isinstance(answer, Answer):
                self._stops = tuple(answer.stops)
                return answer
            item, function, reason = answer
            lost[item, function] = reason
            stops = list(self._stops)
            stops[function] += 1
            self._stops = tuple(stops)
            self._restart()

    def _try(self, task: Task) -> Answer | tuple[int, int, str]:
        """The answer, or the call that the process hangs in or died of, and how."""
        wait_s = 2 * self._settings[1] + _GRACE_S
        before = IDLE
        try:
            self._connection.send(task)
            while not self._connection.poll(wait_s):
                call = self._call()
                if call == before != IDLE:
                    limit = f"took longer than {self._settings[1]:g} s"
                    return (*divmod(call, len(self.versions)), limit)
                before = call
            answer: Answer = self._connection.recv()
        except (EOFError, ConnectionError):
            return self._death()
        return answer

    def _death(self) -> tuple[int, int, str]:
        code = self._process.wait()
        call = self._call()
        if call == IDLE:
            raise WorkerFailed(self._labeler, code)
        return (*divmod(call, len(self.versions)), f"ended its process with exit code {code}")

    def _call(self) -> int:
        number: int = HEARTBEAT.unpack_from(self._heartbeat)[0]
        return number

    def _restart(self) -> None:
        self._end()
        self._process, self._connection, self._heartbeat = self._start()
        self._loaded()
        self._connection.send(self._settings)

    def _start(self) -> tuple[subprocess.Popen[bytes], Connection, mmap.mmap]:
        ours, theirs = Pipe()
        with tempfile.TemporaryFile() as file, theirs:
            file.write(HEARTBEAT.pack(IDLE))
            file.flush()
            process = subprocess.Popen(  # noqa: S603 - the interpreter that runs this
                self._command(theirs.fileno(), file.fileno()),
                stdin=subprocess.DEVNULL,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                    # Without it the order of a set would differ from run to run, and votes too.
                    "PYTHONHASHSEED": "0",
                },
                pass_fds=(theirs.fileno(), file.fileno()),
                start_new_session=True,
            )
            return process, ours, mmap.mmap(file.fileno(), HEARTBEAT.size)

    def _command(self, connection_fd: int, heartbeat_fd: int) -> list[str]:
        fds = [str(connection_fd), str(heartbeat_fd)]
        module = "assets.labelers.worker"
        return [sys.executable, "-P", "-m", module, *fds, str(self._root), str(self._file)]

    def _loaded(self) -> dict[str, str]:
        """What the file declares, as the process found it."""
        fault = LoadFault(None, f"importing it takes longer than {LOAD_LIMIT_S:g} s")
        try:
            if self._connection.poll(LOAD_LIMIT_S):
                found: dict[str, str] | LoadFault = self._connection.recv()
                if not isinstance(found, LoadFault):
                    return found
                fault = found
        except (EOFError, ConnectionError):
            code = self._process.wait()
            fault = LoadFault(None, f"importing it ended the process with exit code {code}")
        self._end()
        raise LabelingFileInvalid(self._labeler, self._file, fault.line, fault.reason)

    def _end(self) -> None:
        self._connection.close()
        with suppress(ProcessLookupError):
            # The whole group: what a function started goes with it.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._heartbeat.close()
