"""What must hold of the team's deployment, read from its files."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

INFRA = Path(__file__).parents[2] / "infra"
COMPOSE = yaml.safe_load((INFRA / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# A service that ends is waited for until it has; it cannot be asked for its health.
LASTING = {name: one for name, one in SERVICES.items() if one.get("restart") != "no"}
SECRET = re.compile(r"PASSWORD|SECRET|ENCRYPT|ACCESS_KEY_ID")
REQUIRED = re.compile(r"\$\{[A-Z_]+:\?[^}]+\}")
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:[-?])?([^}]*)\}")


def with_defaults(text: str) -> str:
    return VARIABLE.sub(lambda found: found[3] if found[2] == ":-" else "set", text)


def variables() -> dict[str, bool]:
    """Every variable of the file, and whether the file does without it."""
    found = VARIABLE.findall((INFRA / "compose.yaml").read_text(encoding="utf-8"))
    return {name: kind == ":-" for name, kind, _ in found}


def test_all_the_parts_are_there() -> None:
    assert set(LASTING) == {
        "postgres",
        "objects",
        "lakefs",
        "code",
        "webserver",
        "daemon",
    }


@pytest.mark.parametrize("service", SERVICES)
def test_every_image_is_pinned_to_a_version(service: str) -> None:
    image = SERVICES[service]["image"]
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", image), image


@pytest.mark.parametrize(
    "line", re.findall(r"^FROM .*", (INFRA / "images/Dockerfile").read_text(), re.MULTILINE)
)
def test_the_base_images_are_pinned_too(line: str) -> None:
    assert re.match(r"FROM python:3\.1[123]\.\d+-", line)


@pytest.mark.parametrize("service", LASTING)
def test_every_lasting_service_is_asked_for_its_health(service: str) -> None:
    check = SERVICES[service]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= set(check)


@pytest.mark.parametrize("service", SERVICES)
def test_nobody_starts_before_what_it_needs_is_well(service: str) -> None:
    for needed, how in SERVICES[service].get("depends_on", {}).items():
        ends = needed not in LASTING
        expected = "service_completed_successfully" if ends else "service_healthy"
        assert how == {"condition": expected}


@pytest.mark.parametrize("service", LASTING)
def test_a_service_comes_back_and_may_not_gain_privileges(service: str) -> None:
    assert SERVICES[service]["restart"] == "unless-stopped"
    assert SERVICES[service]["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_published_port_is_bound_to_loopback(service: str) -> None:
    for port in SERVICES[service].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", with_defaults(port))


@pytest.mark.parametrize("service", SERVICES)
def test_a_secret_comes_from_the_environment_and_has_no_default(service: str) -> None:
    for name, value in SERVICES[service].get("environment", {}).items():
        if SECRET.search(name) and value != "lakefs":
            assert REQUIRED.fullmatch(value), name
        assert ":-" not in value


def test_a_password_inside_an_address_has_no_default_either() -> None:
    address = SERVICES["lakefs"]["environment"]["LAKEFS_DATABASE_POSTGRES_CONNECTION_STRING"]
    assert REQUIRED.search(address)
    assert REQUIRED.search(COMPOSE["configs"]["object-store-keys"]["content"])


def test_only_ports_and_user_ids_have_defaults() -> None:
    optional = {name for name, has_default in variables().items() if has_default}
    assert optional == {"HALLMARK_LAKEFS_PORT", "HALLMARK_UI_PORT", "HALLMARK_UID", "HALLMARK_GID"}


def test_what_lasts_is_on_named_volumes() -> None:
    named = {
        source.split(":")[0]
        for one in SERVICES.values()
        for source in one.get("volumes", [])
        if not source.startswith((".", "$"))
    }
    assert named == set(COMPOSE["volumes"])


def test_every_file_that_is_mounted_or_copied_exists() -> None:
    mounted = [
        source.split(":")[0]
        for one in SERVICES.values()
        for source in one.get("volumes", [])
        if source.startswith(".")
    ]
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (INFRA / "images/Dockerfile").read_text(), re.MULTILINE
    )
    root = INFRA.parent
    assert mounted
    assert all((INFRA / path).is_file() for path in mounted)
    assert all((root / path).exists() for line in copied for path in line.split())


@pytest.mark.parametrize(
    "file", [*INFRA.glob("**/dagster.yaml")], ids=lambda path: path.parent.name
)
def test_every_dagster_instance_is_silent_and_limits_its_pools(file: Path) -> None:
    from dagster._config import validate_config
    from dagster._core.instance.config import dagster_instance_config_schema

    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    checked = validate_config(dagster_instance_config_schema(), settings)
    assert checked.success, checked.errors
    assert settings["telemetry"] == {"enabled": False}
    assert settings["concurrency"]["pools"]["default_limit"] == 1


def test_the_workspace_points_at_the_code_location() -> None:
    workspace = yaml.safe_load((INFRA / "images/workspace.yaml").read_text(encoding="utf-8"))
    (location,) = workspace["load_from"]
    server = location["grpc_server"]
    assert server["host"] in SERVICES
    assert str(server["port"]) in SERVICES[server["host"]]["command"]


def ran(command: list[str], environment: dict[str, str]) -> bool:
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    return done.returncode == 0


def test_docker_accepts_the_file_only_with_every_secret_given(tmp_path: Path) -> None:
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    if not shutil.which("docker") or not ran(["docker", "compose", "version"], bare):
        pytest.skip("no `docker compose` on this machine")
    command = ["docker", "compose", "--file", str(INFRA / "compose.yaml"), "config", "--quiet"]
    given = {name: str(tmp_path) for name, optional in variables().items() if not optional}
    assert ran(command, bare | given)
    assert not ran(command, bare)
