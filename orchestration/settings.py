"""hallmark.yaml: where lakeFS is and how the project runs; every fault is named at once."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from assets.dataset_file.document import Document, Position, read
from assets.dataset_file.faults import Fault
from assets.dataset_file.section import Section
from assets.dataset_file.sections import section_at
from assets.dataset_file.wording import expectation
from orchestration.errors import KeysMissing, SettingsInvalid

FILE_NAME = "hallmark.yaml"
ENDPOINT_VARIABLE = "HALLMARK_LAKEFS_ENDPOINT"
DAGSTER_HOME_VARIABLE = "HALLMARK_DAGSTER_HOME"
ADDRESS = r"^https?://[^\s/]\S*$"
ENVIRONMENT_NAME = r"^[A-Z][A-Z0-9_]*$"


class LakeFSSettings(Section):
    """Where the versions are kept."""

    endpoint: str | None = Field(
        None,
        pattern=ADDRESS,
        description="Address of a lakeFS server; left out, the embedded one is used.",
    )
    access_key_env: str = Field(
        "HALLMARK_LAKEFS_ACCESS_KEY_ID",
        pattern=ENVIRONMENT_NAME,
        description="Environment variable that holds the access key id.",
    )
    secret_key_env: str = Field(
        "HALLMARK_LAKEFS_SECRET_ACCESS_KEY",
        pattern=ENVIRONMENT_NAME,
        description="Environment variable that holds the secret access key.",
    )
    storage_namespace: str = Field(
        "",
        pattern=r"^([a-z0-9]+://\S+)?$",
        description="Where new repositories keep data, for example s3://bucket/hallmark.",
    )
    repository_prefix: str = Field(
        "",
        pattern=r"^([a-z0-9][a-z0-9-]{0,19})?$",
        description="Put before the name of every repository, where a server is shared.",
    )
    patience_seconds: float = Field(
        60, gt=0, le=3600, description="How long a request is repeated that the server may answer."
    )


class LabelStudioSettings(Section):
    """A Label Studio that tasks are sent to and answers are fetched from."""

    url: str | None = Field(
        None, pattern=ADDRESS, description="Address of Label Studio; left out, files are exchanged."
    )
    token_env: str = Field(
        "HALLMARK_LABEL_STUDIO_TOKEN",
        pattern=ENVIRONMENT_NAME,
        description="Environment variable that holds an access token.",
    )
    projects: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict, description="Number of the project of each dataset that takes part."
    )


class UISettings(Section):
    """Where the Dagster UI listens."""

    host: str = Field("127.0.0.1", description="Address; the UI has no login of its own.")
    port: int = Field(3000, ge=1, le=65535, description="Port.")


class Settings(Section):
    """All that hallmark.yaml may say."""

    lakefs: LakeFSSettings = LakeFSSettings()
    ui: UISettings = UISettings()
    label_studio: LabelStudioSettings = LabelStudioSettings()
    review_tool: Literal["label_studio"] = Field(
        "label_studio", description="The tool that people label in."
    )
    dagster_home: str | None = Field(
        None,
        min_length=1,
        description="Folder of the Dagster instance; left out, .hallmark/dagster in the project.",
    )
    executor: Literal["multiprocess", "in_process"] = Field(
        "in_process", description="Whether the steps of a run share a process or have their own."
    )


def load(path: Path, environment: Mapping[str, str]) -> Settings:
    """The settings of a file, with the endpoint and Dagster's home from the environment first.

    Raises:
        SettingsInvalid: names everything that is wrong with the file.
    """
    content = path.read_bytes()
    document = read(content if _says_something(content) else b"{}")
    faults = [
        Fault(path, wrong.at.line, wrong.at.column, wrong.key, None, wrong.expected)
        for wrong in document.misread
    ]
    if faults:
        raise SettingsInvalid(path, tuple(faults))
    try:
        settings = Settings.model_validate(document.data)
    except ValidationError as error:
        found = (_fault(path, document, details) for details in error.errors())
        in_order = sorted(found, key=lambda fault: (fault.line, fault.column or 0))
        raise SettingsInvalid(path, tuple(in_order)) from error
    return _overridden(settings, environment)


def _says_something(content: bytes) -> bool:
    lines = (line.strip() for line in content.splitlines())
    return any(line and not line.startswith(b"#") for line in lines)


def _overridden(settings: Settings, environment: Mapping[str, str]) -> Settings:
    endpoint = environment.get(ENDPOINT_VARIABLE) or settings.lakefs.endpoint
    if endpoint and not re.match(ADDRESS, endpoint):
        expected = "an address such as http://127.0.0.1:8000"
        fault = Fault(Path("environment"), 1, None, (ENDPOINT_VARIABLE,), endpoint, expected)
        raise SettingsInvalid(fault.path, (fault,))
    lakefs = settings.lakefs.model_copy(update={"endpoint": endpoint})
    home = environment.get(DAGSTER_HOME_VARIABLE) or settings.dagster_home
    return settings.model_copy(update={"lakefs": lakefs, "dagster_home": home})


def _fault(path: Path, document: Document, details: ErrorDetails) -> Fault:
    key = details["loc"]
    at = document.values.get(key, Position(1))
    if details["type"] == "extra_forbidden":
        at = document.keys.get(key, at)
    expected = expectation(details, section_at(Settings, document.data, key[:-1]))
    return Fault(path, at.line, at.column, key, at.written, expected)


def keys(settings: LakeFSSettings, environment: Mapping[str, str]) -> tuple[str, str]:
    """Access key id and secret access key. Raises KeysMissing."""
    names = (settings.access_key_env, settings.secret_key_env)
    missing = tuple(name for name in names if not environment.get(name))
    if missing:
        raise KeysMissing(settings.endpoint or "", missing)
    return environment[names[0]], environment[names[1]]
