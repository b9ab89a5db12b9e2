"""The Dagster code location of the project that HALLMARK_PROJECT names, or that is here."""

from orchestration.location import definitions
from orchestration.project import open_project

defs = definitions(open_project())
