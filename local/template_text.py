"""The text of a template as data, as SAM reads it; by libyaml where PyYAML has it, in an eighth of the time."""

from typing import Any

import yaml
from samtranslator.yaml_helper import intrinsics_multi_constructor


class TemplateLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Knows CloudFormation's functions in their short form."""


TemplateLoader.add_multi_constructor("!", intrinsics_multi_constructor)


def parse_template(text: str) -> dict[str, Any]:
    """`!GetAtt A.B` is `{"Fn::GetAtt": ["A", "B"]}`, `!Ref A` is `{"Ref": "A"}`."""
    loader = TemplateLoader(text)
    try:
        template: dict[str, Any] = loader.get_single_data()
        return template
    finally:
        loader.dispose()
