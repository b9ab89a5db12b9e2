"""A user's project: its folder, its settings, and the stores that its datasets live in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from orchestration import settings as settings_file
from orchestration.errors import ProjectNotFound
from orchestration.settings import LakeFSSettings, Settings
from orchestration.store import embedded
from orchestration.store.answers import Patience
from orchestration.store.connection import Connection, Endpoint
from orchestration.store.stores import LakeFSStores

PROJECT_VARIABLE = "HALLMARK_PROJECT"


@dataclass(frozen=True)
class Project:
    """The folder that holds hallmark.yaml; the implementation of assets.ports.ProjectFolder.

    Attributes:
        root: The folder.
        settings: What hallmark.yaml says.
    """

    root: Path
    settings: Settings

    def datasets(self) -> Path:
        """Where the dataset files are."""
        return self.root / "datasets"

    def labeling(self) -> Path:
        """Where the user's labeling functions and models are."""
        return self.root / "labeling"

    def inbox(self, dataset: str) -> Path:
        """Where raw files are dropped."""
        return self.root / "inbox" / dataset

    def reviews(self, dataset: str) -> Path:
        """Where review exports are dropped."""
        return self.root / "reviews" / dataset

    def queue(self, dataset: str) -> Path:
        """Where review tasks are written for people to take."""
        return self.root / "queue" / dataset

    def rejects(self, dataset: str) -> Path:
        """Where what could not be taken in is set aside with its reason."""
        return self.root / "rejects" / dataset

    def cache(self) -> Path:
        """Where what can be made again is kept."""
        return self.root / ".hallmark" / "cache"

    def dagster_home(self) -> Path:
        """Where Dagster keeps runs and events."""
        return self.root / (self.settings.dagster_home or ".hallmark/dagster")

    def lakefs_data(self) -> Path:
        """Where the embedded lakeFS keeps every version; never delete it."""
        return self.root / ".hallmark" / "lakefs"


def find_root(folder: Path | None = None, environment: Mapping[str, str] | None = None) -> Path:
    """The project's folder: the one given, else HALLMARK_PROJECT, else upward from here.

    Raises:
        ProjectNotFound: there is no hallmark.yaml.
    """
    known = os.environ if environment is None else environment
    named = folder or (Path(known[PROJECT_VARIABLE]) if known.get(PROJECT_VARIABLE) else None)
    start = (named or Path.cwd()).expanduser().resolve()
    # A folder that somebody names is meant itself; only the search from here goes upward.
    candidates = [start] if named else [start, *start.parents]
    for candidate in candidates:
        if (candidate / settings_file.FILE_NAME).is_file():
            return candidate
    raise ProjectNotFound(start, named=named is not None)


def open_project(
    folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> Project:
    """The project of a folder, of HALLMARK_PROJECT, or around the current folder.

    Raises:
        ProjectNotFound: there is no hallmark.yaml.
        SettingsInvalid: names everything that is wrong with it.
    """
    known = os.environ if environment is None else environment
    root = find_root(folder, known)
    return Project(root, settings_file.load(root / settings_file.FILE_NAME, known))


def connect(project: Project, environment: Mapping[str, str] | None = None) -> LakeFSStores:
    """The stores of a project's datasets; cheap to ask again, also after a server restarted.

    The embedded server is started where none runs, also when it ended between two requests.

    Raises:
        KeysMissing: the environment has no keys for the configured server.
        EmbeddedLakeFSFailed: the embedded server did not start.
    """
    known = os.environ if environment is None else environment
    lakefs = project.settings.lakefs
    if lakefs.endpoint:
        endpoint = Endpoint(lakefs.endpoint.rstrip("/"), *settings_file.keys(lakefs, known))
        return _stores(endpoint, lakefs, project.cache(), None)
    folder = project.lakefs_data()
    return _stores(embedded.endpoint_of(folder), lakefs, project.cache(), folder)


@lru_cache
def _stores(
    endpoint: Endpoint, lakefs: LakeFSSettings, cache: Path, folder: Path | None
) -> LakeFSStores:
    locate = partial(embedded.endpoint_of, folder) if folder else None
    return LakeFSStores(
        Connection(endpoint, patience=Patience(lakefs.patience_seconds), locate=locate),
        cache,
        repository_prefix=lakefs.repository_prefix,
        storage_namespace=lakefs.storage_namespace,
    )
