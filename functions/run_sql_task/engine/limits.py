"""What one query may take."""

import os
from dataclasses import dataclass

MEGABYTE = 1024 * 1024
KEPT_FOR_THE_WORKER_MB = 300
"""The worker itself takes about 110 MB, and the engine's address space is a little larger than what it holds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, but for `threads`.

    `memory` is held by the kernel: DuckDB's own limit, `buffers`, does not bind the strings that functions make.
    """

    memory: int
    buffers: int
    spilled: int = 1024 * MEGABYTE
    """What DuckDB may put on disk beyond its buffers."""
    result: int = 1024 * MEGABYTE
    """Of the file that a result is written to."""
    threads: int = 2

    def __post_init__(self) -> None:
        if self.buffers >= self.memory:
            raise ValueError("DuckDB needs memory besides its buffers.")


def limits_for(memory_mb: int) -> Limits:
    """For a function of that size."""
    memory = max(memory_mb - KEPT_FOR_THE_WORKER_MB, memory_mb // 2)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Limits(memory * MEGABYTE, memory * 6 // 10 * MEGABYTE, threads=processors)
