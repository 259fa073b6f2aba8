"""Why the local stack cannot start."""


class CannotStartError(Exception):
    """The base of them all; the text is a sentence for the developer."""


class PortInUseError(CannotStartError):
    """Somebody else listens on the port."""


class UnknownLogLevelError(CannotStartError):
    """LOG_LEVEL is none that the template knows."""


class UnsupportedResourceError(CannotStartError):
    """The template has a resource that would silently not exist locally."""


class ConflictingVariableError(CannotStartError):
    """Two functions want different values of one variable; in one process they can only have the same."""


class UnhealthyError(CannotStartError):
    """The service does not answer, or not well."""


class DockerError(CannotStartError):
    """The Docker engine did not do what it was asked for."""


class SamLocalError(CannotStartError):
    """`sam local` lacks something, or has ended."""


class OwnFunctionError(CannotStartError):
    """What is said of a function of the user's own names none."""
