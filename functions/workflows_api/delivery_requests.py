"""What the list of deliveries takes."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from stepcall.domain.delivery import OWN_URL
from stepcall.domain.errors import shorten
from stepcall.domain.ids import MalformedIdError, read_webhook_id
from stepcall.stores.delivery_store import DeliveryPlace

PLACE = re.compile(r"([^.]{1,64})\.([1-9][0-9]{0,5})", re.ASCII)


class DeliveriesQuery(BaseModel):
    """The query of `GET /workflows/{id}/executions/{execution_id}/deliveries`."""

    model_config = ConfigDict(frozen=True)

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    next_token: str | None = None


def read_place(text: str) -> DeliveryPlace:
    """What `spell_place` has made. Raises MalformedIdError."""
    found = PLACE.fullmatch(text)
    if not found:
        raise MalformedIdError(f"{shorten(text)!r} is no place in a list of deliveries.")
    target = found[1] if found[1] == OWN_URL else str(read_webhook_id(found[1]))
    return DeliveryPlace(target, int(found[2]))
