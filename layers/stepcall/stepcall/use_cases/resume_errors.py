"""What a resume is refused with, apart from it: the map of errors is loaded at every cold start, a resume seldom."""

from stepcall.domain.errors import StepcallError


class ResumeRefusedError(StepcallError):
    """The run cannot be resumed, or not any more; the text says why, and what to do instead."""
