"""The SQL worker and the uploads as far as the faces see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from stepcall.domain.connection import Column
from stepcall.domain.ids import spell_upload
from stepcall.use_cases.sql_worker import MAX_SECONDS, ImportedTable, TableRows
from stepcall.use_cases.uploads import Upload, UploadedFile, UploadNotFoundError

IMPORTED = ImportedTable((Column("id", "INT64"), Column("city", "STRING")), row_count=3, size=1234)
EXPIRES_AT = datetime(2026, 3, 4, 6, 6, 7, tzinfo=UTC)


@dataclass
class FakeSqlWorker:
    """Answers what it is told, or raises it, and keeps what it was asked for."""

    rows: TableRows | Exception = field(default_factory=lambda: TableRows([], [], 0))
    imported: ImportedTable | Exception = IMPORTED
    selected: list[tuple[str, Mapping[str, str], Any]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    imports: list[tuple[str, str, str]] = field(default_factory=list)

    def select(
        self,
        statement: str,
        tables: Mapping[str, str],
        parameters: Mapping[str, Any] | Sequence[Any],
        *,
        seconds: float = MAX_SECONDS,
    ) -> TableRows:
        self.seconds.append(seconds)
        self.selected.append((statement, tables, parameters))
        if isinstance(self.rows, Exception):
            raise self.rows
        return self.rows

    def import_file(self, source: str, file_format: str, target_key: str) -> ImportedTable:
        self.imports.append((source, file_format, target_key))
        if isinstance(self.imported, Exception):
            raise self.imported
        return self.imported


@dataclass
class FakeUploads:
    """Every place that was opened has a file."""

    kept: dict[tuple[str, str], bytes] = field(default_factory=dict)
    discarded: list[str] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: count(1))

    def open(self, tenant: str) -> Upload:
        upload_id = self.put(tenant, b"")
        return Upload(upload_id, f"https://bucket.example/{upload_id}", EXPIRES_AT)

    def put(self, tenant: str, content: bytes) -> str:
        upload_id = spell_upload(UUID(int=next(self.numbers)))
        self.kept[tenant, upload_id] = content
        return upload_id

    def discard(self, key: str) -> None:
        self.discarded.append(key)

    def find(self, tenant: str, upload_id: str) -> UploadedFile:
        if (tenant, upload_id) not in self.kept:
            raise UploadNotFoundError("There is no upload of this id.")
        return UploadedFile(f"uploads/{tenant}/{upload_id}", self.kept[tenant, upload_id][:512])
