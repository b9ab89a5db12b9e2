"""What every part of the dataset file is made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictFloat, StrictInt

NAME = r"^[a-z][a-z0-9_]{2,40}$"
CLASS_NAME = r"^[^\s\x00-\x1f]([^\x00-\x1f]*[^\s\x00-\x1f])?$"
UNQUOTED: dict[str, JsonValue] = {"unquoted": True}
"""Marks a key whose value no message repeats, because a secret may stand there by mistake."""
Share = Annotated[StrictFloat, Field(ge=0.0, le=1.0)]
Width = Annotated[StrictInt, Field(ge=1)]
Weight = Annotated[StrictFloat, Field(ge=0.0)]


class Section(BaseModel):
    """A part of the dataset file; unknown keys are faults, and so are NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
