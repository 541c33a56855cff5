"""The readable page of the REST API, made from its own description without any other host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from jinja2 import Environment, FileSystemLoader
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)


@router.get("/api/docs", response_class=HTMLResponse)
def documentation(request: Request) -> HTMLResponse:
    """Show every call of the REST API: its address, parameters, body and answers."""
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
    page = templates.get_template("api_docs.html")
    document = request.app.openapi()
    return HTMLResponse(
        page.render(
            title=document["info"]["title"],
            version=document["info"]["version"],
            openapi_url=request.app.openapi_url,
            sections=sections_of(document),
        )
    )


@dataclass(frozen=True)
class Field:
    """One parameter, or one value of a body."""

    name: str
    kind: str
    required: bool
    words: str


@dataclass(frozen=True)
class Call:
    """One call of the API."""

    anchor: str
    method: str
    path: str
    words: str
    parameters: list[Field]
    body: list[Field]
    answers: list[tuple[str, str]]


def sections_of(document: dict[str, Any]) -> dict[str, list[Call]]:
    """Return the calls that an OpenAPI document describes, by their first tag."""
    sections: dict[str, list[Call]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["other"])[0]
            sections.setdefault(tag, []).append(_call(document, path, method, operation))
    return sections


def _call(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Call:
    return Call(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        words=operation.get("description") or operation.get("summary", ""),
        parameters=[_parameter(each) for each in operation.get("parameters", [])],
        body=_body(document, operation.get("requestBody")),
        answers=[(code, each["description"]) for code, each in operation.get("responses", {}).items()],
    )


def _parameter(parameter: dict[str, Any]) -> Field:
    schema = parameter.get("schema", {})
    kind = f"{_kind(schema)}, in the {parameter['in']}"
    return Field(parameter["name"], kind, parameter.get("required", False), parameter.get("description", ""))


def _body(document: dict[str, Any], body: dict[str, Any] | None) -> list[Field]:
    if body is None:
        return []
    schema = next(iter(body["content"].values())).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    required = schema.get("required", ())
    return [
        Field(name, _kind(value), name in required, value.get("description", ""))
        for name, value in schema.get("properties", {}).items()
    ]


def _kind(schema: dict[str, Any]) -> str:
    """Return the type of a value in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")
