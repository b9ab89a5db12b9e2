"""The section of the language models: any endpoint that speaks OpenAI's chat completions."""

from typing import ClassVar, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, model_validator

from assets.dataset_file.labelers import LabelerBase
from assets.dataset_file.section import UNQUOTED, Section, Share

# No user or password before the host: keys come from the environment only.
ADDRESS = r"^https?://[^\s/@?#]+(/[^\s@?#]*)?$"
ENVIRONMENT_NAME = r"^[A-Z][A-Z0-9_]*$"


class FewShot(Section):
    """Items that people labeled, shown to the language model with their labels."""

    count: StrictInt = Field(
        4, ge=0, le=64, description="How many, where people labeled as many in the train split."
    )
    choice: Literal["balanced", "nearest"] = Field(
        "balanced",
        description="balanced: the same for every item, each class in turn; nearest: for each "
        "item those whose words are most like its own.",
    )


class Price(Section):
    """What the endpoint charges."""

    input: StrictFloat = Field(ge=0, description="Of a million tokens in.")
    output: StrictFloat = Field(ge=0, description="Of a million tokens out.")
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="Of prices and budget.")


class CallBudget(Section):
    """What one run may spend; when it is spent, the items left are abstentions."""

    money: StrictFloat | None = Field(None, ge=0, description="In the currency of the price.")
    tokens: StrictInt | None = Field(None, ge=0, description="Tokens in and out together.")
    calls: StrictInt | None = Field(None, ge=0, description="Requests, repeated ones included.")


class LanguageModelLabeler(LabelerBase):
    """A language model behind an OpenAI-compatible endpoint; it votes as `llm:NAME`."""

    icon: ClassVar[str] = "llm"

    kind: Literal["llm"] = Field(description="A language model, local or hosted.")
    endpoint: str = Field(
        pattern=ADDRESS,
        json_schema_extra=UNQUOTED,
        description="Address up to the version, for example http://localhost:11434/v1.",
    )
    model: str = Field(min_length=1, description="The model, as the endpoint names it.")
    api_key_variable: str | None = Field(
        None,
        pattern=ENVIRONMENT_NAME,
        json_schema_extra=UNQUOTED,
        description="Environment variable that holds the key; a key never stands in the file.",
    )
    instructions: str = Field("", description="Said to the model before the classes.")
    examples: FewShot = Field(FewShot(), description="What people labeled, as examples.")
    temperature: StrictFloat = Field(0.0, ge=0, le=2, description="0 for the likeliest answer.")
    max_tokens: StrictInt = Field(64, ge=1, description="An answer is cut off there.")
    samples: StrictInt = Field(
        1, ge=1, le=50, description="Answers asked for an item; the share that agree is the score."
    )
    log_probabilities: StrictBool = Field(
        False, description="Take the probability of the answer's tokens as the score."
    )
    vote_above: Share = Field(0.0, description="It abstains where the score is lower.")
    seed: StrictInt = Field(0, description="Chooses examples, and is told to the endpoint.")
    concurrency: StrictInt = Field(4, ge=1, le=64, description="Requests under way at once.")
    requests_per_minute: StrictFloat | None = Field(None, gt=0, description="At most so many.")
    tokens_per_minute: StrictFloat | None = Field(None, gt=0, description="In and out together.")
    timeout_seconds: StrictFloat = Field(30, gt=0, le=600, description="One answer, one try.")
    retries: StrictInt = Field(3, ge=0, le=10, description="Further tries of a failed request.")
    price: Price | None = Field(None, description="Left out, only tokens are counted.")
    budget: CallBudget = Field(CallBudget(), description="What one run may spend.")

    @model_validator(mode="after")
    def _one_score(self) -> "LanguageModelLabeler":
        if self.samples > 1 and self.log_probabilities:
            raise ValueError("samples above 1 or log_probabilities as the score, not both")
        if self.samples > 1 and self.temperature == 0:
            raise ValueError(
                f"a temperature above 0 where samples is above 1: {self.samples} answers at "
                "temperature 0 are one answer"
            )
        return self

    @model_validator(mode="after")
    def _budget_has_a_price(self) -> "LanguageModelLabeler":
        if self.budget.money is not None and self.price is None:
            raise ValueError("a price where budget.money is given")
        return self
