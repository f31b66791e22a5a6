"""Numbers that carry where they come from."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from autokd.core.record import Record


class Sourced(Record):
    """A number and where it comes from; ``estimate`` when it was not looked up."""

    value: float
    source: str = Field(min_length=3)

    @model_validator(mode="before")
    @classmethod
    def _has_a_source(cls, raw: Any) -> Any:
        if isinstance(raw, (int, float, str)):
            msg = f'write {{ value = {raw}, source = "..." }}; the source of a guess is "estimate"'
            raise ValueError(msg)  # noqa: TRY004 - pydantic reports ValueErrors
        return raw

    @property
    def is_estimate(self) -> bool:
        """Whether nobody looked this number up."""
        return self.source.startswith("estimate")


def _positive(number: Sourced) -> Sourced:
    if not number.value > 0:
        msg = f"must be positive, got {number.value}"
        raise ValueError(msg)
    return number


def below(limit: float) -> AfterValidator:
    """Give the rule that a number is below ``limit``, which a wrong unit would exceed."""

    def check(number: Sourced) -> Sourced:
        if number.value >= limit:
            msg = f"must be below {limit:g} in this unit, got {number.value:g}; is the unit right?"
            raise ValueError(msg)
        return number

    return AfterValidator(check)


Positive = Annotated[Sourced, AfterValidator(_positive)]
