"""moto keeps every model it ever made, each copy of a DynamoDB item too, for the dashboard of its own server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.common_models import BaseModel

from local.moto_world.replacing import replaced

S3_MODELS = "moto.s3.models"  # tracked for more than the dashboard: S3 closes the files of its objects by the list


@contextmanager
def untracked_models() -> Iterator[None]:
    with replaced(BaseModel, "__new__", staticmethod(_track_s3_only(BaseModel.__new__))):
        yield


def _track_s3_only(make_tracked: Callable[..., Any]) -> Callable[..., Any]:
    def make(cls: type, *args: Any, **kwargs: Any) -> Any:
        return make_tracked(cls, *args, **kwargs) if cls.__module__ == S3_MODELS else object.__new__(cls)

    return make
