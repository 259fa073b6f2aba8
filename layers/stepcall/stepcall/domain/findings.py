"""What a check has found so far: problems and warnings, each at the place where its author wrote it."""

from dataclasses import replace

from stepcall.domain.definition_document import DefinitionDocument
from stepcall.domain.document_order import in_document_order
from stepcall.domain.errors import MAX_PROBLEMS, MAX_PROBLEMS_LENGTH, Problem
from stepcall.domain.fault import Fault, Tell
from stepcall.domain.model_problems import Suggester


class EnoughProblemsError(Exception):
    """So many problems that looking for more only costs time."""


class Findings:
    """Keeps at most 1,000 problems. Locations given are those of the document's `value`."""

    def __init__(self, document: DefinitionDocument) -> None:
        self.suggest = Suggester()
        self._document = document
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []
        self._length = 0

    @property
    def has_problems(self) -> bool:
        return bool(self._problems)

    @property
    def problems(self) -> list[Problem]:
        return in_document_order(self._problems, self._document.sent)

    @property
    def warnings(self) -> list[Problem]:
        return in_document_order(self._warnings, self._document.sent)

    def add(self, location: str, code: str, message: str, expected: str | None = None, got: str | None = None) -> None:
        self.keep(Problem(location, code, message, expected, got))

    def keep(self, problem: Problem) -> None:
        """Raises EnoughProblemsError."""
        self._problems.append(self._as_written(problem))
        self._length += problem.length
        if len(self._problems) >= MAX_PROBLEMS or self._length > MAX_PROBLEMS_LENGTH:
            raise EnoughProblemsError

    def warn(self, problem: Problem) -> None:
        if len(self._warnings) < MAX_PROBLEMS and self._length <= MAX_PROBLEMS_LENGTH:
            self._length += problem.length
            self._warnings.append(self._as_written(problem))

    def teller(self, pointer: str) -> Tell:
        """Keeps the faults of the value that stands there."""

        def tell(fault: Fault) -> None:
            (self.warn if fault.is_warning else self.keep)(fault.at(pointer))

        return tell

    def _as_written(self, problem: Problem) -> Problem:
        unmixed = self._document.unmixed
        return replace(problem, location=unmixed.as_written(problem.location)) if unmixed.moved else problem
