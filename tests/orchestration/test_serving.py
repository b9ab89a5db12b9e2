"""`hallmark up` refuses before it starts anything, and leaves nothing behind."""

import os
import socket
from pathlib import Path

import pytest

from orchestration.project import Project, open_project
from orchestration.serving import (
    AddressTaken,
    AlreadyServed,
    ServiceDied,
    lakefs_while_serving,
    only_server,
    serve,
)
from orchestration.store import embedded


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "hallmark.yaml").touch()
    return open_project(tmp_path, {})


def test_a_port_that_is_taken_is_named_and_nothing_is_started(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AddressTaken, match=f"port {port}.*--port"):
            serve(project, port=port, tell=print)
    assert not project.dagster_home().exists()
    assert not embedded.running(project.lakefs_data())


def test_a_project_is_served_by_one_process_which_the_other_is_told(project: Project) -> None:
    with only_server(project), pytest.raises(AlreadyServed, match=f"process {os.getpid()}"):
        serve(project, tell=print)
    with only_server(project):
        pass


def test_the_lakefs_that_serving_started_ends_with_it(project: Project) -> None:
    with lakefs_while_serving(project):
        assert embedded.running(project.lakefs_data())
    assert not embedded.running(project.lakefs_data())


def test_the_lakefs_that_ran_before_is_left_alone(project: Project) -> None:
    before = embedded.endpoint_of(project.lakefs_data())
    try:
        with lakefs_while_serving(project) as url:
            assert url == before.url
        assert embedded.running(project.lakefs_data())
    finally:
        embedded.stop(project.lakefs_data())


def test_a_service_that_died_is_quoted_by_its_errors_of_this_time(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text("ERROR of yesterday\n")
    begin = log.stat().st_size
    with log.open("a") as more:
        more.write("INFO starting\n2026 ERROR no such table: runs\nINFO shutting down\n")
    told = str(ServiceDied("daemon", 1, log, begin))
    assert "no such table" in told
    assert "yesterday" not in told
    assert "shutting down" not in told


def test_a_service_that_named_no_error_is_quoted_by_its_last_line(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text("starting\nKilled\n")
    assert "Killed" in str(ServiceDied("daemon", -9, log))
