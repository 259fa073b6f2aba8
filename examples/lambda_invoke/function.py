"""A Lambda function of one's own: what an order costs. `Lambda.Invoke` gives it the payload as its event."""

from typing import Any

PRICES = {"teapot": 24, "cup": 6}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The order's total. Its number is the same however often the task is tried: the run's and the task's own."""
    lines = {item: PRICES[item] * count for item, count in event["items"].items()}
    return {"order": context.client_context.custom["idempotency_key"], "lines": lines, "total": sum(lines.values())}
