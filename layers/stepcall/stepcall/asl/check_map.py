"""What a Map says of itself besides what every state does: how its items are done, how many at once, and its label.

Imported when there is a Map: a cold start has no time for it.

Sources: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html and, for what a label may be
made of, https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

INLINE, DISTRIBUTED = "INLINE", "DISTRIBUTED"
EXECUTION_TYPES = ("STANDARD", "EXPRESS")
FIELDS_OF_CONFIG = frozenset({"Mode", "ExecutionType"})
OF_DISTRIBUTED = frozenset({"Label", "ItemReader", "ItemBatcher", "ResultWriter"})
"""Fields that say something of executions of the items' own."""
LABEL = re.compile(r"""[^\s?*<>{}\[\]"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,40}""")


def check_map(state: Mapping[str, Any]) -> Iterator[str]:
    """Every such fault of a Map state."""
    processor = state.get("ItemProcessor")
    if processor is not None and not isinstance(processor, dict):
        yield "ItemProcessor is an object"
        return
    config = (processor or {}).get("ProcessorConfig", {})
    if isinstance(config, dict):
        yield from _check_config(config)
        yield from _check_mode(state, config)
    else:
        yield "ProcessorConfig is an object"
    yield from _check_items(state)


def _check_config(config: Mapping[str, Any]) -> Iterator[str]:
    for field in sorted(config.keys() - FIELDS_OF_CONFIG):
        yield f"ProcessorConfig has no field {field}"
    mode = config.get("Mode", INLINE)
    if mode not in (INLINE, DISTRIBUTED):
        yield f"ProcessorConfig.Mode is {INLINE} or {DISTRIBUTED}"
    elif mode == INLINE and "ExecutionType" in config:
        yield f"ProcessorConfig.ExecutionType: items that are done {INLINE} have no executions"
    elif mode == DISTRIBUTED and config.get("ExecutionType") not in EXECUTION_TYPES:
        yield f"ProcessorConfig.ExecutionType is {' or '.join(EXECUTION_TYPES)} where Mode is {DISTRIBUTED}"


def _check_mode(state: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    if config.get("Mode", INLINE) == INLINE:
        for field in sorted(OF_DISTRIBUTED & state.keys()):
            yield f"{field} is of a Map whose Mode is {DISTRIBUTED}"
    label = state.get("Label", "label")
    if not isinstance(label, str) or not LABEL.fullmatch(label):
        yield "Label has 1 to 40 characters, without white space, brackets, wildcards and special characters"


def _check_items(state: Mapping[str, Any]) -> Iterator[str]:
    most = state.get("MaxConcurrency", 0)
    if type(most) is not int or most < 0:  # not bool
        yield "MaxConcurrency is a natural number, or 0 for no limit"
    if "MaxConcurrency" in state and "MaxConcurrencyPath" in state:
        yield "MaxConcurrency and MaxConcurrencyPath exclude each other"
    if not isinstance(state.get("ItemSelector", {}), dict):
        yield "ItemSelector is an object"
    if "ItemSelector" in state and "Parameters" in state:
        yield "ItemSelector and Parameters exclude each other"
