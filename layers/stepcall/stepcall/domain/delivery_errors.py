"""What can go wrong with deliveries: apart from what raises it, which loads when somebody asks for deliveries."""

from stepcall.domain.errors import StepcallError


class DeliveryNotFoundError(StepcallError):
    """There is no such delivery: there never was, or it is kept no longer."""


class DeliveryPendingError(StepcallError):
    """The delivery has not ended: its next attempt comes by itself."""
