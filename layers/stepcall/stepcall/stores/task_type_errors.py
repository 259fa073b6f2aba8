"""What the store of task types raises: apart from it, which loads when it is asked."""

from stepcall.domain.errors import StepcallError


class TaskTypeNotFoundError(StepcallError):
    """The tenant has no task type of this name of its own."""
