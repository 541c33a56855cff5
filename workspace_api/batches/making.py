"""The row of a new batch, and the refusal of what cannot become one."""

from __future__ import annotations

import secrets
from typing import Any

from workspace_api.batches.models import Batch
from workspace_api.database import now
from workspace_api.errors import FieldError, InvalidInputError
from workspace_api.projects.views import WorksheetView

SHOWN_REFUSALS = 100


def new_batch(sheet: WorksheetView, *, title: str, filename: str, rows: int, **more: Any) -> Batch:
    """Return the row of a batch of `rows` rows for a worksheet as it is now; `more` are further columns."""
    usual: dict[str, Any] = {
        "parameters": None,
        "problems": [],
        "problem_count": 0,
        "repeated": 0,
        "run_ids": [],
    }
    return Batch(
        id=secrets.token_hex(8),
        project_id=sheet.project_id,
        commit=sheet.commit,
        version=sheet.version,
        notebook=sheet.notebook,
        worksheet_title=sheet.title,
        title=title,
        schema=dict(sheet.schema),
        filename=filename,
        rows=rows,
        created_at=now(),
        **{**usual, **more},
    )


def not_taken(field: str, words: str) -> InvalidInputError:
    """Return the refusal of a table, said beside a field."""
    return InvalidInputError("The table was not taken.", [FieldError(field, words)])
