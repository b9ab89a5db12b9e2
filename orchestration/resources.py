"""The resources of the code location, and the Dagster instance of a project."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from dagster import DagsterInstance

from assets.ports import DatasetStore
from orchestration import frames
from orchestration.project import Project, connect

INSTANCE_FILE = "dagster.yaml"
INSTANCE_TEMPLATE = Path(__file__).parents[1] / "infra" / INSTANCE_FILE


class DuckFrames:
    """DuckDB over the tables of a commit; the implementation of assets.ports.Frames."""

    def query(self, store: DatasetStore, sql: str, *, at: str) -> pl.DataFrame:
        """The answer to one SQL statement."""
        return frames.query(store, sql, at)


@dataclass(frozen=True)
class ProjectStores:
    """The stores of a project, connected when the first one is asked for."""

    project: Project

    def of(self, dataset: str) -> DatasetStore:
        """The store of one dataset, its repository made if there is none yet."""
        return connect(self.project).of(dataset)


def dagster_home(project: Project) -> Path:
    """The project's Dagster home, with the laptop's dagster.yaml where there is none yet."""
    home = project.dagster_home()
    home.mkdir(parents=True, exist_ok=True)
    if not (home / INSTANCE_FILE).exists():
        shutil.copy(INSTANCE_TEMPLATE, home / INSTANCE_FILE)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def dagster_instance(project: Project) -> DagsterInstance:
    """The project's Dagster instance."""
    return DagsterInstance.from_config(str(dagster_home(project)))
