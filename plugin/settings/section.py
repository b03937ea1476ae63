"""A part of the settings that finds everything that is wrong with it in one go.

Pydantic stops at the first level: a model whose fields are wrong never gets to the rules that look
at several fields. Here those rules run too, over the fields that are right, so that nobody mends a
file one problem at a time.

Rules, in order:

0. `completed`: what the values themselves say about what is left out.
1. Unknown names are refused.
2. Every field by itself.
3. `cross_findings`: the rules over several fields, where all of them are right.

No message of pydantic's is passed on and no input is shown: values may be secrets.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Self, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.functional_validators import ModelWrapValidatorHandler
from pydantic_core import ErrorDetails

from gatepass.plugin.settings.problems import BadValue, Finding, nearest

_MAPPING = "must be a mapping"
_SENTENCES = {
    "missing": "required, but missing",
    "extra_forbidden": "unknown setting",
    "tuple_type": "must be a list",
    "too_short": "name at least one",
    "model_type": _MAPPING,
    "dict_type": _MAPPING,
}
_NO_VALUE = "has no value; give it one, or leave the line out"
_KEY = "[key]"
"""What pydantic appends to the location of a name that is wrong."""


class Section(BaseModel):
    """Base of everything that holds settings: frozen, and closed to unknown names."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield what is wrong between fields; only those in `right` may be looked at."""
        del right
        yield from ()

    @classmethod
    def completed(cls, values: Mapping[str, object]) -> Mapping[str, object]:
        """Return the values with defaults that depend on some of them filled in."""
        return values

    @model_validator(mode="wrap")
    @classmethod
    def _find_everything(
        cls, values: object, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        every = frozenset(cls.model_fields)
        if isinstance(values, Mapping):
            values = cls.completed(values)
        try:
            section = handler(values)
        except ValidationError as error:
            findings = findings_of(error, tuple(cls.model_fields))
            right = every.difference(*(_touched(finding) for finding in findings))
            if isinstance(values, Mapping):
                partial = cls._with_right_fields(values, right, info.context)
                findings += partial.cross_findings(right)
            raise BadValue(*findings) from None
        findings = list(section.cross_findings(every))
        if findings:
            raise BadValue(*findings)
        return section

    @classmethod
    def _with_right_fields(
        cls, values: Mapping[str, object], right: frozenset[str], context: object
    ) -> Self:
        """Return a section of the right fields alone; the others are absent or at their default."""
        validated: dict[str, object] = {}
        for name in right & values.keys():
            field = cls.model_fields[name]
            # pydantic keeps a field's checks beside its type; the docstring is there because
            # Annotated wants at least one thing beside the type
            kind = cast("type[object]", Annotated[(field.annotation, cls.__doc__, *field.metadata)])
            validated[name] = TypeAdapter(kind).validate_python(values[name], context=context)
        return cast("Self", cls.model_construct(set(validated), **validated))


def findings_of(error: ValidationError, fields: tuple[str, ...]) -> list[Finding]:
    """Return our own findings for what pydantic found; `fields` could stand for unknown ones."""
    every = error.errors(include_url=False)
    unknown = [details["loc"][-1] for details in every if details["type"] == "extra_forbidden"]
    meant = {nearest(str(name), fields) for name in unknown}
    return [
        finding
        for details in every
        for finding in _findings_of_one(details, fields)
        # `audiance` is one mistake, not also a missing `audience`
        if details["type"] != "missing" or details["loc"][-1] not in meant
    ]


def _findings_of_one(details: ErrorDetails, fields: tuple[str, ...]) -> Iterator[Finding]:
    kind, location = details["type"], details["loc"]
    if location and location[-1] == _KEY:
        location = location[:-1]
    context = details.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, BadValue):
        for finding in cause.findings:
            yield finding.below(location)
    elif kind == "extra_forbidden":
        yield Finding(location, _SENTENCES[kind], siblings=fields)
    elif details["input"] is None:
        yield Finding(location, _NO_VALUE)
    elif kind == "too_short" and details["input"]:
        return  # what is in it is wrong, and reported; to pydantic nothing is left
    elif kind == "literal_error":
        yield Finding(location, f"must be {context['expected']}")
    elif kind == "too_long":
        yield Finding(location, f"name at most {context['max_length']}")
    else:
        yield Finding(location, _SENTENCES.get(kind, "cannot be used here"))


def _touched(finding: Finding) -> set[str | None]:
    """Return the field that is wrong, and the one that an unknown name was meant to be."""
    names = {str(part) for part in finding.location[:1]}
    return names | {nearest(name, finding.siblings) for name in names if finding.siblings}
