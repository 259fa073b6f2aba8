"""Subscriptions to the runs of a workflow: who may make, see, change and end them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import Grants, NotGrantedError
from stepcall.domain.errors import Problem
from stepcall.domain.webhook import MAX_WEBHOOKS, Webhook, WebhookEvent
from stepcall.domain.webhook_errors import (
    TooManyWebhooksError,
    WebhookIsChangingError,
    WebhookNotFoundError,
    WebhookRefusedError,
    WebhookSecretsUnavailableError,
)
from stepcall.domain.webhook_signature import spell_secret
from stepcall.runtime.webhook_secrets import WebhookSecrets
from stepcall.stores.memory_webhook_store import MemoryWebhookStore
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.create_webhook import CreateWebhook, create_webhook
from stepcall.use_cases.delete_webhook import delete_webhook
from stepcall.use_cases.delete_workflow import delete_workflow
from stepcall.use_cases.read_webhook import list_webhooks, read_webhook
from stepcall.use_cases.rotate_webhook_secret import RotateWebhookSecret, rotate_webhook_secret
from stepcall.use_cases.update_webhook import UpdateWebhook, update_webhook
from stepcall.use_cases.webhook_dependencies import WebhookDependencies
from tests.sample_workflows import workflow
from tests.unit.run_world import CALLER, STRANGER, RunWorld

URL = "https://example.com/hooks?token=hunter2"
OTHER_URL = "https://other.example.com/"
NOWHERE = UUID(int=7 << 76)
DAY = timedelta(hours=24)


class WebhooksChangedMeanwhile(MemoryWebhookStore):
    """Before so many of the replacements somebody else has disabled the webhook, or enabled it."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def replace(self, webhook: Webhook, *, seen: Webhook) -> bool:
        if self.times > 0:
            self.times -= 1
            assert super().replace(replace(seen, enabled=not seen.enabled), seen=seen)
        return super().replace(webhook, seen=seen)


@dataclass
class WebhookWorld:
    """One deployment, with a workflow."""

    runs: RunWorld = field(default_factory=RunWorld)
    webhooks: MemoryWebhookStore = field(default_factory=MemoryWebhookStore)
    signing_secret: str | None = "s" * 64

    def __post_init__(self) -> None:
        self.workflow_id = self.runs.define(workflow()).workflow_id
        self.secrets = WebhookSecrets(self._read_secret)
        self.deps = WebhookDependencies(
            workflows=self.runs.workflows,
            webhooks=self.webhooks,
            secrets=self.secrets,
            check_url=self._check_url,
            new_id=self.runs.deps.new_id,
            now=self.runs.clock.now,
            log=self.runs.deps.log,
        )

    def _read_secret(self) -> str:
        if self.signing_secret is None:
            raise WebhookSecretsUnavailableError("Not now.")
        return self.signing_secret

    @staticmethod
    def _check_url(url: str, location: str) -> None:
        if "private" in url:
            raise WebhookRefusedError(Problem(location, "not_public", "No."))

    def create(self, **said: Any) -> tuple[Webhook, bytes]:
        return create_webhook(CreateWebhook(self.workflow_id, **{"url": URL} | said), CALLER, self.deps)

    def update(self, webhook: Webhook, **said: Any) -> Webhook:
        return update_webhook(UpdateWebhook(self.workflow_id, webhook.webhook_id, **said), CALLER, self.deps)

    def rotate(self, webhook: Webhook, *valid: timedelta) -> tuple[Webhook, bytes]:
        command = RotateWebhookSecret(self.workflow_id, webhook.webhook_id, *valid)
        return rotate_webhook_secret(command, CALLER, self.deps)

    def stored(self, webhook: Webhook) -> Webhook:
        return self.webhooks.get(CALLER.tenant, self.workflow_id, webhook.webhook_id)

    def signs(self, webhook: Webhook) -> list[bytes]:
        """What a delivery would be signed with now."""
        return list(self.secrets.of_webhook(self.stored(webhook), self.runs.clock.now()))


def test_a_webhook_is_told_its_secret_once_and_signs_with_it() -> None:
    world = WebhookWorld()
    webhook, secret = world.create()
    assert (webhook.tenant, webhook.events, webhook.enabled) == (CALLER.tenant, frozenset(WebhookEvent), True)
    assert world.signs(webhook) == [secret]
    assert list_webhooks(world.workflow_id, CALLER, world.deps) == [webhook]
    assert read_webhook(world.workflow_id, webhook.webhook_id, CALLER, world.deps) == webhook
    assert not [name for name in Webhook.__slots__ if name == "secret"]


def test_two_of_one_url_are_two_with_secrets_of_their_own() -> None:
    world = WebhookWorld()
    (one, secret), (two, other) = world.create(), world.create()
    assert one.webhook_id != two.webhook_id
    assert secret != other


def test_no_more_are_made_than_a_workflow_may_have() -> None:
    world = WebhookWorld()
    for _ in range(MAX_WEBHOOKS):
        world.create()
    with pytest.raises(TooManyWebhooksError):
        world.create()
    assert len(list_webhooks(world.workflow_id, CALLER, world.deps)) == MAX_WEBHOOKS


def test_a_url_that_is_not_called_is_refused_where_it_stands_and_nothing_is_changed() -> None:
    world = WebhookWorld()
    webhook, _ = world.create()
    asks: list[Callable[[], object]] = [
        lambda: world.create(url="https://private/"),
        lambda: world.update(webhook, url="https://private/"),
    ]
    for ask in asks:
        with pytest.raises(WebhookRefusedError) as refused:
            ask()
        assert [problem.location for problem in refused.value.problems] == ["/url"]
    assert list_webhooks(world.workflow_id, CALLER, world.deps) == [webhook]


def test_while_secrets_cannot_be_read_nothing_is_made_or_rotated() -> None:
    world = WebhookWorld()
    webhook, secret = world.create()
    world.signing_secret = None
    asks: list[Callable[[], object]] = [world.create, lambda: world.rotate(webhook)]
    for ask in asks:
        with pytest.raises(WebhookSecretsUnavailableError):
            ask()
    assert list_webhooks(world.workflow_id, CALLER, world.deps) == [webhook]
    world.signing_secret = "s" * 64
    assert world.signs(webhook) == [secret]


def test_an_update_changes_what_it_says_and_nothing_else() -> None:
    world = WebhookWorld()
    webhook, secret = world.create()
    assert world.update(webhook) == webhook
    assert world.update(webhook, url=OTHER_URL) == replace(webhook, url=OTHER_URL)
    failed = frozenset({WebhookEvent.FAILED})
    assert world.update(webhook, events=failed, enabled=False) == replace(
        webhook, url=OTHER_URL, events=failed, enabled=False
    )
    assert world.update(webhook, enabled=True) == world.stored(webhook)
    assert world.signs(webhook) == [secret]


def test_what_stepcall_has_stopped_says_why_until_somebody_enables_it() -> None:
    world = WebhookWorld()
    webhook, _ = world.create()
    assert world.webhooks.replace(replace(webhook, enabled=False, stopped_reason="It answered 410."), seen=webhook)
    moved = world.update(webhook, url=OTHER_URL)
    assert (moved.enabled, moved.stopped_reason) == (False, "It answered 410.")
    assert world.update(webhook, enabled=False).stopped_reason == "It answered 410."
    assert world.update(webhook, enabled=True) == replace(webhook, url=OTHER_URL)


def test_an_update_that_meets_another_is_made_upon_it() -> None:
    world = WebhookWorld(webhooks=WebhooksChangedMeanwhile(times=3))
    webhook, _ = world.create()
    assert world.update(webhook, url=OTHER_URL) == replace(webhook, url=OTHER_URL, enabled=False)


def test_an_update_that_meets_others_every_time_says_so() -> None:
    world = WebhookWorld(webhooks=WebhooksChangedMeanwhile(times=10**6))
    webhook, secret = world.create()
    with pytest.raises(WebhookIsChangingError):
        world.update(webhook, url=OTHER_URL)
    with pytest.raises(WebhookIsChangingError):
        world.rotate(webhook)
    assert world.stored(webhook).url == URL
    assert world.signs(webhook) == [secret]


def test_for_a_day_after_a_rotation_both_secrets_sign() -> None:
    world = WebhookWorld()
    webhook, first = world.create()
    rotated, second = world.rotate(webhook)
    assert rotated.previous_secret_until == world.runs.clock.now() + DAY
    assert world.signs(webhook) == [second, first]
    world.runs.clock.sleep(DAY.total_seconds() - 1)
    assert world.signs(webhook) == [second, first]
    world.runs.clock.sleep(1)
    assert world.signs(webhook) == [second]


def test_of_two_rotations_in_a_day_the_first_secret_signs_no_more() -> None:
    world = WebhookWorld()
    webhook, first = world.create()
    _, second = world.rotate(webhook)
    _, third = world.rotate(webhook)
    assert world.signs(webhook) == [third, second]
    assert len({first, second, third}) == 3


def test_a_secret_that_got_out_can_be_ended_at_once() -> None:
    world = WebhookWorld()
    webhook, _ = world.create()
    rotated, second = world.rotate(webhook, timedelta(0))
    assert rotated.previous_secret_until is None
    assert world.signs(webhook) == [second]


def test_a_deleted_webhook_is_gone() -> None:
    world = WebhookWorld()
    webhook, _ = world.create()
    delete_webhook(world.workflow_id, webhook.webhook_id, CALLER, world.deps)
    for ask in (
        lambda: read_webhook(world.workflow_id, webhook.webhook_id, CALLER, world.deps),
        lambda: world.update(webhook, enabled=True),
        lambda: world.rotate(webhook),
        lambda: delete_webhook(world.workflow_id, webhook.webhook_id, CALLER, world.deps),
    ):
        with pytest.raises(WebhookNotFoundError):
            ask()


def test_a_webhook_of_another_workflow_is_not_this_ones() -> None:
    world = WebhookWorld()
    webhook, _ = world.create()
    other = world.runs.define(workflow()).workflow_id
    with pytest.raises(WebhookNotFoundError):
        update_webhook(UpdateWebhook(other, webhook.webhook_id, url=OTHER_URL), CALLER, world.deps)
    assert list_webhooks(other, CALLER, world.deps) == []
    assert world.stored(webhook) == webhook


def every_way_in(world: WebhookWorld, webhook: Webhook, caller: Any) -> list[Callable[[], object]]:
    ids = (world.workflow_id, webhook.webhook_id)
    return [
        lambda: create_webhook(CreateWebhook(world.workflow_id, URL), caller, world.deps),
        lambda: list_webhooks(world.workflow_id, caller, world.deps),
        lambda: read_webhook(*ids, caller, world.deps),
        lambda: update_webhook(UpdateWebhook(*ids, url=OTHER_URL), caller, world.deps),
        lambda: rotate_webhook_secret(RotateWebhookSecret(*ids), caller, world.deps),
        lambda: delete_webhook(*ids, caller, world.deps),
    ]


def test_another_tenants_workflow_is_not_there_and_another_workflow_is_not_granted() -> None:
    world = WebhookWorld()
    webhook, _ = world.create()
    narrowed = replace(CALLER, grants=Grants(frozenset({NOWHERE})))
    for caller, error in ((STRANGER, WorkflowNotFoundError), (narrowed, NotGrantedError)):
        for ask in every_way_in(world, webhook, caller):
            with pytest.raises(error):
                ask()
    assert list_webhooks(world.workflow_id, CALLER, world.deps) == [webhook]


def test_nobody_reaches_the_webhooks_of_a_deleted_workflow_but_its_runs_are_told_of() -> None:
    world = WebhookWorld()
    webhook, _ = world.create()
    delete_workflow(world.workflow_id, CALLER, world.runs.deps)
    for ask in every_way_in(world, webhook, CALLER):
        with pytest.raises(WorkflowNotFoundError):
            ask()
    assert world.webhooks.list_by_workflow(CALLER.tenant, world.workflow_id) == [webhook]


def test_who_changed_what_is_in_the_log_and_the_url_and_the_secrets_are_not() -> None:
    world = WebhookWorld()
    webhook, first = world.create()
    world.update(webhook, enabled=False)
    world.update(webhook, enabled=False)
    _, second = world.rotate(webhook)
    delete_webhook(world.workflow_id, webhook.webhook_id, CALLER, world.deps)
    named = {"tenant": CALLER.tenant, "principal": CALLER.principal}
    named |= {"webhook_id": str(webhook.webhook_id), "workflow_id": str(world.workflow_id)}
    events = ["webhook_created", "webhook_updated", "webhook_secret_rotated", "webhook_deleted"]
    assert world.runs.logged == [(event, named) for event in events]
    told = str(world.runs.logged)
    assert not [secret for secret in ("hunter2", spell_secret(first), spell_secret(second)) if secret in told]
