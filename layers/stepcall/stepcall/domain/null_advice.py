"""What its author can do about a value that may be null and must not be."""

from collections.abc import Mapping

from stepcall.domain.errors import shorten
from stepcall.domain.json_schema import ANYTHING, Schema, step_into
from stepcall.domain.template import InputReference, ItemReference, Reference, RunReference
from stepcall.domain.types import JsonType

DEFAULTS: Mapping[JsonType, str] = {
    JsonType.STRING: '""',
    JsonType.INTEGER: "0",
    JsonType.NUMBER: "0",
    JsonType.BOOLEAN: "false",
}
"""By type, what may stand behind `??`; objects and arrays cannot."""


def advise_on_null(reference: Reference, root: Schema | None, wanted: Schema) -> str:
    """`root` is what the reference names without its path."""
    if isinstance(reference, InputReference):
        return _advise_on_input(reference, wanted)
    default = next((spelled for kind, spelled in DEFAULTS.items() if kind in wanted.variants), None)
    ways = [
        *([f"give it a default, such as `?? {default}` behind the name"] if default else []),
        *(["list it in `required` of the schema that declares it"] if _is_unlisted(root, reference) else []),
        "replace null by a task before",
    ]
    is_of_run = isinstance(reference, RunReference) and not isinstance(reference, ItemReference)
    advice = f"{', or '.join(ways)}."
    return f"{'Not every run is about a time. ' if is_of_run else ''}{advice[0].upper()}{advice[1:]}"


def _advise_on_input(reference: InputReference, wanted: Schema) -> str:
    advice = (
        "List the field as `required` in the input's `schema`, or replace null by a task before."
        if reference.path
        else "Make the input required, or give it a default."
    )
    if wanted.variants.keys() - {JsonType.NULL} != {JsonType.BOOLEAN}:
        return advice
    return f"{advice} Or say what null counts as: `{{{{{shorten(str(reference))} ?? false}}}}`."


def _is_unlisted(root: Schema | None, reference: Reference) -> bool:
    """Whether it may be null for one reason: what declares the field does not say that it is always there."""
    if root is None or not reference.path:
        return False
    *before, last = reference.path
    for step in before:
        root = step_into(root, step) or ANYTHING
    variant = root.variants.get(JsonType.OBJECT)
    if variant is None or not isinstance(last, str) or last in variant.required:
        return False
    declared = variant.properties.get(last)
    return declared is not None and not declared.may_be_null
