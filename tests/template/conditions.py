"""A transformed template as CloudFormation sees it once its parameters are chosen: their values, and no conditions."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from tests.template.sam_template import Template

NO_VALUE = {"Ref": "AWS::NoValue"}


def decide(template: Template, parameters: Mapping[str, Any]) -> Template:
    """Without the resources whose condition does not hold, and with the one branch of each `Fn::If` that does."""
    chosen = {name: parameters.get(name, told["Default"]) for name, told in template["Parameters"].items()}
    holds = {name: _evaluate(condition, chosen) for name, condition in template["Conditions"].items()}
    resources = {
        logical_id: {key: _choose(part, holds) for key, part in resource.items() if key != "Condition"}
        for logical_id, resource in deepcopy(template["Resources"]).items()
        if holds.get(resource.get("Condition", ""), True)
    }
    rest = {key: deepcopy(part) for key, part in template.items() if key != "Conditions"}
    parameters_told = {name: {**told, "Default": chosen[name]} for name, told in template["Parameters"].items()}
    return {**rest, "Parameters": parameters_told, "Resources": resources}


def _evaluate(condition: Any, chosen: Mapping[str, Any]) -> bool:
    [(function, arguments)] = condition.items()
    match function:
        case "Fn::Equals":
            left, right = (chosen[side["Ref"]] if isinstance(side, dict) else side for side in arguments)
            return str(left) == str(right)
        case "Fn::Not":
            return not _evaluate(arguments[0], chosen)
        case "Fn::Or":
            return any(_evaluate(argument, chosen) for argument in arguments)
    raise NotImplementedError(function)


def _choose(part: Any, holds: Mapping[str, bool]) -> Any:
    if isinstance(part, dict) and "Fn::If" in part:
        condition, this, other = part["Fn::If"]
        return _choose(this if holds[condition] else other, holds)
    if isinstance(part, dict):
        chosen = {key: _choose(value, holds) for key, value in part.items()}
        return {key: value for key, value in chosen.items() if value != NO_VALUE}
    if isinstance(part, list):
        return [value for value in (_choose(item, holds) for item in part) if value != NO_VALUE]
    return part
