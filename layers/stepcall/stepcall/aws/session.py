"""The session that AWS clients are made from: botocore's own, with a loader that reads less.

Half of a cold start is this. boto3 would import transfer managers and resources that nothing here uses; botocore's
loader opens 900 folders, twice, to learn which services there are, and reads 1.3 MB of endpoints by Python's own JSON
parser. Figures: docs/benchmarks.md.
"""

import gzip
import os
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session, get_session
from pydantic_core import from_json


def open_session() -> Session:
    """A session that takes region and credentials from the environment, as boto3's does."""
    session = get_session()
    session.register_component("data_loader", ServiceLoader())
    return session


class QuickFileLoader(JSONFileLoader):
    """Reads the same files by pydantic's parser, in a quarter of the time."""

    def load_file(self, file_path: str) -> Any:
        """`file_path` is without its `.json` or `.json.gz`; None when there is neither."""
        if (plain := Path(file_path + ".json")).is_file():
            return from_json(plain.read_bytes())
        if (packed := Path(file_path + ".json.gz")).is_file():
            return from_json(gzip.decompress(packed.read_bytes()))
        return None


class ServiceLoader(Loader):
    """Takes every folder for a service: whether a description is in it shows when it is read."""

    FILE_LOADER_CLASS = QuickFileLoader

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 (the signature is botocore's)
        return sorted(name for path in self.search_paths if Path(path).is_dir() for name in os.listdir(path))  # noqa: PTH208
