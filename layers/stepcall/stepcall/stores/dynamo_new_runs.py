"""A new run is put together with what goes with it: all or nothing."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.errors import StepcallError
from stepcall.stores.dynamo_items import OUTRUN, TRANSACTION_CANCELED, codes_of
from stepcall.stores.dynamo_update import CONDITION_FAILED
from stepcall.stores.run_store import RunExistsError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ATTEMPTS = 6
PAUSE = 0.05
WAS_THERE = "ConditionalCheckFailed"
CONFLICT = "TransactionConflict"


class Beside(NamedTuple):
    """The arguments of PutItem for an item that goes with a run, and what it means that somebody else was first."""

    put: dict[str, Any]
    outrun: StepcallError
    is_awaited: bool = False
    """Whether a conflict is waited out: until it is known who was first."""


def put_run(
    client: "DynamoDBClient",
    run_id: UUID,
    put: dict[str, Any],
    others: Sequence[Beside],
    sleep: Callable[[float], None],
) -> None:
    """Raises RunExistsError, else the `outrun` of the first of the others that somebody else has put."""
    if others:
        _put_together(client, run_id, [put, *(other.put for other in others)], others, sleep)
        return
    try:
        client.put_item(**put)  # half the price of a transaction
    except ClientError as exc:
        if exc.response["Error"]["Code"] != CONDITION_FAILED:
            raise
        raise _run_exists(run_id) from exc


def _put_together(
    client: "DynamoDBClient",
    run_id: UUID,
    puts: Sequence[dict[str, Any]],
    others: Sequence[Beside],
    sleep: Callable[[float], None],
) -> None:
    items: Any = [{"Put": put} for put in puts]
    for attempt in range(ATTEMPTS):
        try:
            client.transact_write_items(TransactItems=items)
        except ClientError as exc:
            if refusal := _refusal(exc, run_id, others, is_last=attempt == ATTEMPTS - 1):
                raise refusal from exc
            sleep(PAUSE * 2**attempt)
        else:
            return


def _run_exists(run_id: UUID) -> RunExistsError:
    return RunExistsError(f"The run {run_id} is already stored.")


def _refusal(exc: ClientError, run_id: UUID, others: Sequence[Beside], *, is_last: bool) -> StepcallError | None:
    """None for a conflict that is waited out. Raises again what is not ours to judge: throttling, for one."""
    if exc.response["Error"]["Code"] != TRANSACTION_CANCELED or not codes_of(exc) <= OUTRUN:
        raise exc
    of_run, *of_others = [reason["Code"] for reason in exc.response["CancellationReasons"]]
    if of_run == WAS_THERE:
        return _run_exists(run_id)
    judged = list(zip(others, of_others, strict=True))
    for other, code in judged:
        if code == WAS_THERE:
            return other.outrun
    awaited = [other for other, code in judged if other.is_awaited and code == CONFLICT]
    if awaited and not is_last:
        return None
    return (awaited or [other for other in others if not other.is_awaited] or others)[0].outrun
