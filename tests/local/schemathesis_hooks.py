"""What Schemathesis leaves out of the requests that it makes: who is called back would be somebody on the internet."""

from typing import Any

import schemathesis


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """A start as it is described would be taken, and its `webhook_url` called. tests/functional asks for those."""
    is_described = case.meta is not None and case.meta.generation.mode.is_positive
    if is_described and isinstance(case.body, dict):
        case.body.pop("webhook_url", None)
