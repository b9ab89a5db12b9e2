"""`hallmark up`: lakeFS, the Dagster UI and daemon side by side; one Ctrl-C stops all."""

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import OrchestrationError
from orchestration.project import PROJECT_VARIABLE, Project, connect
from orchestration.resources import dagster_home
from orchestration.store import embedded

STOP_SECONDS = 20
QUOTED = 3
POLL_SECONDS = 0.5
WORKSPACE = """\
load_from:
  - python_module:
      module_name: orchestration.definitions
      location_name: hallmark
"""

Tell = Callable[[str], None]


class ServiceDied(OrchestrationError):
    """One of the processes of `hallmark up` ended by itself.

    Attributes:
        name: Which one.
        exit_code: How it ended.
        log: Where it wrote.
    """

    def __init__(self, name: str, exit_code: int, log: Path, begin: int = 0) -> None:
        self.name = name
        self.exit_code = exit_code
        self.log = log
        lines = log.read_bytes()[begin:].decode("utf-8", "replace").strip().splitlines()
        errors = [line.strip() for line in lines if re.search(r"\bERROR\b|Error: ", line)]
        said = "\n  ".join(errors[-QUOTED:] or lines[-1:] or ["nothing"])
        super().__init__(f"{name} ended with exit code {exit_code}; it said:\n  {said}\nsee {log}")


class AddressTaken(OrchestrationError):
    """The Dagster UI cannot listen where it should.

    Attributes:
        host: The address.
        port: The port.
    """

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        super().__init__(
            f"the Dagster UI cannot listen on {host}, port {port}: {reason}; nothing was started; "
            "choose another port with `hallmark up --port`, or end what listens there"
        )


class AlreadyServed(OrchestrationError):
    """Another `hallmark up` serves the project.

    Attributes:
        root: The project's folder.
        pid: The process that serves it; empty where it has not said so yet.
    """

    def __init__(self, root: Path, pid: str) -> None:
        self.root = root
        self.pid = pid
        super().__init__(
            f"{root} is served already, by process {pid or 'unknown'}; two daemons would start "
            "every run twice; use that one, or end it first"
        )


@dataclass(frozen=True)
class Service:
    """One process of `hallmark up`.

    Attributes:
        begin: Where its words begin in the log, which earlier ones wrote to as well.
    """

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    begin: int


def serve(project: Project, *, port: int | None = None, tell: Tell) -> None:
    """Serve a project until Ctrl-C or SIGTERM.

    Raises:
        AddressTaken: something else listens where the UI should; nothing was started.
        AlreadyServed: another process serves this project; nothing was started.
        ServiceDied: one of the processes ended by itself; the others were stopped.
    """
    host, port = project.settings.ui.host, port or project.settings.ui.port
    with only_server(project):
        ensure_free(host, port)
        signal.signal(signal.SIGTERM, _interrupt)
        # What a shell starts in the background comes with SIGINT ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with lakefs_while_serving(project) as lakefs:
            tell(f"lakeFS        {lakefs}")
            _serve(project, host, port, tell)


def _serve(project: Project, host: str, port: int, tell: Tell) -> None:
    home = dagster_home(project)
    workspace = home / "workspace.yaml"
    workspace.write_text(WORKSPACE, encoding="utf-8")
    services = {
        "webserver": ["dagster_webserver", "-h", host, "-p", str(port), "-w", str(workspace)],
        "daemon": ["dagster._daemon", "run", "-w", str(workspace)],
    }
    running = [_start(project, home, name, command) for name, command in services.items()]
    tell(f"Dagster UI    http://{host}:{port}")
    tell(f"logs          {home}")
    tell("Ctrl-C stops all.")
    try:
        _watch(running)
    except KeyboardInterrupt:
        tell("stopping")
    finally:
        _stop(running)


@contextmanager
def only_server(project: Project) -> Iterator[None]:
    """Hold a project for this process; the system lets go of it however the process ends.

    Raises:
        AlreadyServed: another process holds it.
    """
    path = project.root / ".hallmark" / "up.pid"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyServed(project.root, file.read().strip()) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)


def ensure_free(host: str, port: int) -> None:
    """Make sure that a port can be listened on. Raises AddressTaken."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise AddressTaken(host, port, error.strerror or str(error)) from error


@contextmanager
def lakefs_while_serving(project: Project) -> Iterator[str]:
    """The address of the project's lakeFS; an embedded one that was started here is stopped again.

    One that a command left running stays its own: it ends when it is idle, and whoever needs it
    then starts it anew.
    """
    folder = project.lakefs_data()
    ours = not project.settings.lakefs.endpoint and not embedded.running(folder)
    try:
        if ours:
            embedded.endpoint_of(folder, idle_exit_seconds=None)
        yield connect(project).connection.endpoint.url
    finally:
        if ours:
            embedded.stop(folder)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _start(project: Project, home: Path, name: str, command: list[str]) -> Service:
    environment = os.environ | {
        "DAGSTER_HOME": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        PROJECT_VARIABLE: str(project.root),
    }
    path = home / f"{name}.log"
    with path.open("ab") as log:
        begin = log.tell()
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            [sys.executable, "-m", *command],
            cwd=project.root,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return Service(name, process, path, begin)


def _watch(running: list[Service]) -> None:
    while True:
        for one in running:
            if one.process.poll() is not None:
                raise ServiceDied(one.name, one.process.returncode, one.log, one.begin)
        time.sleep(POLL_SECONDS)


def _stop(running: list[Service]) -> None:
    for one in running:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGINT)
    for one in running:
        try:
            one.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(one.process.pid, signal.SIGKILL)
