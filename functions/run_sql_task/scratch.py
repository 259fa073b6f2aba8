"""Folders on disk that last as long as one query."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "stepcall-sql-"
MAX_AGE_SECONDS = 15 * 60  # no function runs longer


@contextmanager
def scratch_folder(root: Path | None = None) -> Iterator[Path]:
    """A new folder, gone afterwards with all that is in it."""
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", dir=root, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def remove_left_behind(root: Path | None = None) -> None:
    """Folders of processes that were killed: when a function runs into its time limit, Lambda keeps its /tmp."""
    for folder in Path(root or tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        is_old = time.time() - folder.stat().st_mtime > MAX_AGE_SECONDS
        if is_old or (owner.isdigit() and not _is_running(int(owner))):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
