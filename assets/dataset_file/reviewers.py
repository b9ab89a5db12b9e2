"""The section of the reviewers: who is asked."""

from pydantic import Field, StrictInt

from assets.dataset_file.section import Section


class Reviewer(Section):
    """A person whom tasks are given to."""

    name: str = Field(
        min_length=1, description="As votes have it after `human:`, an e-mail address for example."
    )
    capacity: StrictInt = Field(50, ge=0, description="Tasks of one queue at most.")
