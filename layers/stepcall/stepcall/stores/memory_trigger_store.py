"""Triggers in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from threading import RLock
from uuid import UUID

from stepcall.domain.trigger import MAX_TRIGGERS, LastError, LastRun, Trigger, TriggerKey
from stepcall.stores.trigger_store import TooManyTriggersError, TriggerNotFoundError, UnsettledTrigger

Ids = tuple[str, UUID, UUID]


class MemoryTriggerStore:
    """See TriggerStore."""

    def __init__(self) -> None:
        self._triggers: dict[Ids, Trigger] = {}
        self._unsettled: dict[Ids, UnsettledTrigger] = {}
        self._lock = RLock()

    def put(self, trigger: Trigger) -> None:
        with self._lock:
            if len(self.list_by_workflow(trigger.tenant, trigger.workflow_id)) >= MAX_TRIGGERS:
                raise TooManyTriggersError(MAX_TRIGGERS)
            self._write(trigger, trigger.created_at)

    def replace(self, trigger: Trigger, *, seen: Trigger, now: datetime) -> Trigger | None:
        with self._lock:
            kept = self.get(*_ids(trigger.key))
            if kept.revision != seen.revision:
                return None
            changed = replace(
                trigger,
                revision=seen.revision + 1,
                is_settled=False,
                changed_at=now,
                created_at=kept.created_at,
                last_run=kept.last_run,
                last_error=kept.last_error,
            )
            self._write(changed, now)
            return replace(changed, last_run=seen.last_run, last_error=seen.last_error)

    def get(self, tenant: str, workflow_id: UUID, trigger_id: UUID) -> Trigger:
        try:
            return self._triggers[tenant, workflow_id, trigger_id]
        except KeyError as exc:
            raise TriggerNotFoundError("There is no such trigger.") from exc

    def list_by_workflow(self, tenant: str, workflow_id: UUID) -> Sequence[Trigger]:
        with self._lock:
            return [self._triggers[ids] for ids in sorted(self._triggers) if ids[:2] == (tenant, workflow_id)]

    def delete(self, trigger: Trigger, now: datetime) -> None:
        with self._lock:
            if self._triggers.pop(_ids(trigger.key), None):
                self._unsettled[_ids(trigger.key)] = UnsettledTrigger(trigger.key, now)

    def settle(self, key: TriggerKey, revision: int | None) -> bool:
        with self._lock:
            found = self._triggers.get(_ids(key))
            if (found.revision if found else None) != revision:
                return False
            if found:
                self._triggers[_ids(key)] = replace(found, is_settled=True)
            self._unsettled.pop(_ids(key), None)
            return True

    def recheck(self, key: TriggerKey, now: datetime) -> None:
        with self._lock:
            self._unsettled.setdefault(_ids(key), UnsettledTrigger(key, now))

    def list_unsettled(self, *, limit: int) -> Sequence[UnsettledTrigger]:
        with self._lock:
            return sorted(self._unsettled.values(), key=lambda each: (each.changed_at, each.key.trigger_id))[:limit]

    def record_run(self, key: TriggerKey, run: LastRun) -> None:
        def record(found: Trigger) -> Trigger:
            return found if found.last_run and found.last_run.at > run.at else replace(found, last_run=run)

        self._change(key, record)

    def record_error(self, key: TriggerKey, error: LastError) -> None:
        def record(found: Trigger) -> Trigger:
            return found if found.last_error and found.last_error.at > error.at else replace(found, last_error=error)

        self._change(key, record)

    def _write(self, trigger: Trigger, now: datetime) -> None:
        self._triggers[_ids(trigger.key)] = replace(trigger, is_settled=False)
        self._unsettled[_ids(trigger.key)] = UnsettledTrigger(trigger.key, now)

    def _change(self, key: TriggerKey, change: Callable[[Trigger], Trigger]) -> None:
        with self._lock:
            if found := self._triggers.get(_ids(key)):
                self._triggers[_ids(key)] = change(found)


def _ids(key: TriggerKey) -> Ids:
    return key.tenant, key.workflow_id, key.trigger_id
