"""`hallmark up`: lakeFS, the Dagster UI and daemon side by side; one Ctrl-C stops all."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from orchestration.errors import OrchestrationError
from orchestration.project import PROJECT_VARIABLE, Project, connect
from orchestration.resources import dagster_home

STOP_SECONDS = 20
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

    def __init__(self, name: str, exit_code: int, log: Path) -> None:
        self.name = name
        self.exit_code = exit_code
        self.log = log
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        super().__init__(f"{name} ended with exit code {exit_code}: {' '.join(last)}; see {log}")


def serve(project: Project, *, port: int | None = None, tell: Tell) -> None:
    """Serve a project until Ctrl-C or SIGTERM.

    Raises:
        ServiceDied: one of the processes ended by itself; the others were stopped.
    """
    home = dagster_home(project)
    stores = connect(project)
    workspace = home / "workspace.yaml"
    workspace.write_text(WORKSPACE, encoding="utf-8")
    host, port = project.settings.ui.host, port or project.settings.ui.port
    services = {
        "webserver": ["dagster_webserver", "-h", host, "-p", str(port), "-w", str(workspace)],
        "daemon": ["dagster._daemon", "run", "-w", str(workspace)],
    }
    signal.signal(signal.SIGTERM, _interrupt)
    running = {name: _start(project, home, name, command) for name, command in services.items()}
    tell(f"lakeFS        {stores.connection.endpoint.url}")
    tell(f"Dagster UI    http://{host}:{port}")
    tell(f"logs          {home}")
    tell("Ctrl-C stops all.")
    try:
        _watch(running, home)
    except KeyboardInterrupt:
        tell("stopping")
    finally:
        _stop(running)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _start(
    project: Project, home: Path, name: str, command: list[str]
) -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        "DAGSTER_HOME": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        PROJECT_VARIABLE: str(project.root),
    }
    with (home / f"{name}.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            [sys.executable, "-m", *command],
            cwd=project.root,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _watch(running: dict[str, "subprocess.Popen[bytes]"], home: Path) -> None:
    while True:
        for name, process in running.items():
            if process.poll() is not None:
                raise ServiceDied(name, process.returncode, home / f"{name}.log")
        time.sleep(POLL_SECONDS)


def _stop(running: dict[str, "subprocess.Popen[bytes]"]) -> None:
    for process in running.values():
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
    for process in running.values():
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
