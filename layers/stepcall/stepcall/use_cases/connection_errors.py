"""What is refused of connections, datasets and procedures: apart from what refuses it, which loads when it is asked."""

from stepcall.domain.errors import Problem, StepcallError


class DatasetRefusedError(StepcallError):
    """A dataset or connection cannot be made of what the caller says; `problems` holds all that is wrong."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("This cannot be made a dataset or connection, and nothing was changed.")
        self.problems = problems


class ImportUnavailableError(StepcallError):
    """What imports files does not take this one now."""


class DefaultConnectionError(StepcallError):
    """The default connection is always there."""


class ConnectionInUseError(StepcallError):
    """Workflows can be called on the connection."""


class ApiAccessRefusedError(StepcallError):
    """The workflow cannot be called on this connection; `problems` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__("The workflow cannot be enabled so, and nothing was changed.")
        self.problems = [problem]


class ApiAccessDisabledError(StepcallError):
    """There is nothing to keep in step: the workflow cannot be called by name."""
