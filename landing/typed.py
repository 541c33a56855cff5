"""What somebody typed into a worksheet's form, between the browser and the services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import FormData, QueryParams

from workspace_api.worksheets.forms import FormField, form_fields

PREFIX = "p."


async def read_form(request: Request) -> FormData:
    """Return the form that a browser sent."""
    return await request.form()


Form = Annotated[FormData, Depends(read_form)]


def typed_values(schema: Mapping[str, Any], form: FormData) -> dict[str, Any]:
    """Return every field as it was typed; a box left unticked, which browsers do not send, is `false`.

    Fields of the form that are no parameters of the worksheet stay in, so that the services name them.
    """
    kinds = {field.name: field.kind for field in form_fields(schema, {})}
    sent = {key[len(PREFIX) :] for key in form if key.startswith(PREFIX)}
    return {
        name: _typed(form, name, kinds.get(name, "text"))
        for name in {*kinds, *sent}
        if _counts(name, kinds, sent)
    }


def values_in_address(schema: Mapping[str, Any], query: QueryParams) -> dict[str, Any]:
    """Return the values that a link fills in: `?variant=...`; a name given twice is a list."""
    given = {}
    for name in schema["properties"]:
        texts = query.getlist(name)
        if texts:
            given[name] = texts if len(texts) > 1 else texts[0]
    return given


def text_of(form: FormData, name: str) -> str:
    """Return one of the form's own fields as text; empty where it was not sent."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def fields_of(schema: Mapping[str, Any], values: Mapping[str, Any]) -> list[FormField]:
    """Return the fields of the form with `values` in them."""
    return form_fields(schema, {n: v for n, v in values.items() if n in schema["properties"]})


def _counts(name: str, kinds: Mapping[str, str], sent: set[str]) -> bool:
    return name in sent or kinds[name] in ("checkbox", "multi")


def _typed(form: FormData, name: str, kind: str) -> Any:
    texts = [value for value in form.getlist(PREFIX + name) if isinstance(value, str)]
    if kind == "multi":
        return texts
    if kind == "checkbox":
        return texts[-1] if texts else "false"
    return texts[-1] if texts else ""
