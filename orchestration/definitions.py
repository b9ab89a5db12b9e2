"""The Dagster code location of a project.

The project is the one that HALLMARK_PROJECT names, or the one around the working directory; else,
so that `dagster dev -w workspace.yaml` shows something in a fresh clone, the demo's, else the
digits example's.
"""

from pathlib import Path

from orchestration.errors import ProjectNotFound
from orchestration.location import definitions
from orchestration.project import Project, open_project
from orchestration.scaffold import EXAMPLES


def _project() -> Project:
    try:
        return open_project()
    except ProjectNotFound:
        demo = Path.cwd() / "demo"
        return open_project(demo if demo.is_dir() else EXAMPLES / "digits")


defs = definitions(_project())
