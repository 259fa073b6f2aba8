"""The child processes that evaluate JSONata: a hostile expression ends a child and not the worker.

A child is kept and asked again, which costs some 50 µs more than evaluating in the worker's process.
"""

from dataclasses import dataclass

CHILD = "run_data_task.evaluate"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one evaluation may take, from reading its request to writing its answer."""

    seconds: float = 15
    memory_bytes: int = 768 * 1024 * 1024
    """Of address space. `[{},{},…]` of 26 MB takes 574 MB; 18 MB of ordinary records take 190 MB."""

    @property
    def child(self) -> tuple[str, ...]:
        """The module that evaluates within these limits, and what it is started with."""
        return CHILD, str(self.seconds), str(self.memory_bytes)
