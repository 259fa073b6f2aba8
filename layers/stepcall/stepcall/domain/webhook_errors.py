"""What can go wrong with webhooks: apart from what raises it, which loads when somebody asks for webhooks."""

from stepcall.domain.errors import Problem, StepcallError


class WebhookNotFoundError(StepcallError):
    """The workflow has no such webhook: there never was, or it is deleted."""


class TooManyWebhooksError(StepcallError):
    """The workflow has as many webhooks as it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"A workflow may have {most} webhooks, and this one has as many: delete one that nobody needs."
        )


class WebhookIsChangingError(StepcallError):
    """Others change the workflow's webhooks all the time, and nothing was changed."""


class WebhookDisabledError(StepcallError):
    """Nothing is sent to the webhook as it is disabled, by its owner or because its receiver answered 410."""


class WebhookRefusedError(StepcallError):
    """There cannot be such a webhook; `problems` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__("There can be no such webhook, and nothing was changed.")
        self.problems = [problem]


class WebhookSecretsUnavailableError(StepcallError):
    """What webhooks are signed with cannot be read now."""
