"""What the target of a rule gets, and by which way."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

from jsonpath_ng.ext.parser import parse as parse_path

from local.background.agenda import Agenda
from local.background.input_template import render_input

Target = Mapping[str, Any]
Event = dict[str, Any]


class Invocations(Protocol):
    def invoke(self, function: str, payload: str) -> None: ...


class MessageQueues(Protocol):
    def send(self, arn: str, text: str, group: str | None = None) -> None: ...


class RuleTargets:
    """Functions and queues; the agenda brings them their events."""

    def __init__(self, agenda: Agenda, invocations: Invocations, queues: MessageQueues) -> None:
        self._agenda = agenda
        self._invocations = invocations
        self._queues = queues

    def deliver(self, target: Target, event: Event) -> None:
        self._agenda.soon(partial(self._bring, target, event))

    def _bring(self, target: Target, event: Event) -> None:
        text, arn = text_for(target, event), target["Arn"]
        if service_of(arn) == "lambda":
            self._invocations.invoke(arn, text)
        else:
            self._queues.send(arn, text, target.get("SqsParameters", {}).get("MessageGroupId"))


def service_of(arn: str) -> str:
    return arn.split(":")[2]


def text_for(target: Target, event: Event) -> str:
    """The event, or what the target's Input, InputPath or InputTransformer makes of it."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        found = parse_path(target["InputPath"]).find(event)
        return json.dumps(found[0].value if found else None)
    if "InputTransformer" in target:
        return render_input(target["InputTransformer"], event)
    return json.dumps(event)
