"""The template as a repository: what it declares fits what it holds."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import nbformat
import pytest
import yaml

from workspace_api.worksheets.manifest import read_manifest
from workspace_api.worksheets.parameters import parameters_cell, python_parameters
from workspace_api.worksheets.schema import worksheet_schema
from workspace_api.worksheets.values import resolve_values

NOTEBOOKS = [
    "01_quickstart.ipynb",
    "02_variant_analysis.ipynb",
    "03_batch_analysis.ipynb",
    "04_visualization.ipynb",
    "05_custom_analysis.ipynb",
]


def declared(template: Path, notebook: str) -> dict[str, Any]:
    workspace = yaml.safe_load((template / "workspace.yaml").read_text())
    worksheet = next(one for one in workspace["worksheets"] if one["notebook"] == notebook)
    return dict(worksheet["parameters"])


def defaults(template: Path, notebook: str) -> dict[str, Any]:
    cells = json.loads((template / notebook).read_text())["cells"]
    source = next(
        "".join(cell["source"]) for cell in cells if "parameters" in cell["metadata"].get("tags", [])
    )
    statements = ast.parse(source).body
    assert all(isinstance(one, ast.AnnAssign) for one in statements), "every parameter has an annotation"
    return {one.target.id: ast.literal_eval(one.value) for one in statements}  # type: ignore[attr-defined]


def test_the_workspace_understands_the_manifest(template: Path) -> None:
    manifest = read_manifest((template / "workspace.yaml").read_bytes(), NOTEBOOKS)

    assert manifest.problems == []
    assert manifest.area == "Regulatory genomics"
    assert {entry.notebook for entry in manifest.worksheets} == set(NOTEBOOKS)
    assert all(entry.title and entry.summary for entry in manifest.worksheets)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_the_defaults_are_values_the_form_accepts(template: Path, notebook: str) -> None:
    parameters = python_parameters(parameters_cell(json.loads((template / notebook).read_text())) or "")
    schema, unmatched = worksheet_schema(parameters, declared(template, notebook))

    assert unmatched == []
    assert resolve_values(schema, {}, from_form=False) == defaults(template, notebook)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_parameter_is_declared_and_every_declaration_exists(template: Path, notebook: str) -> None:
    assert set(declared(template, notebook)) == set(defaults(template, notebook))


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_defaults_and_examples_fit_their_schema(template: Path, notebook: str) -> None:
    for name, schema in declared(template, notebook).items():
        validator = jsonschema.Draft202012Validator(schema)
        validator.check_schema(schema)
        for value in [defaults(template, notebook)[name], *schema.get("examples", [])]:
            validator.validate(value)
        assert schema["title"]
        assert schema["description"].endswith(".")


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_choice_has_a_label(template: Path, notebook: str) -> None:
    schemas = declared(template, notebook).values()
    for choice in [
        part for schema in schemas for part in (schema, schema.get("items", {})) if "enum" in part
    ]:
        assert set(choice["x-labels"]) == {str(value) for value in choice["enum"]}


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_notebooks_hold_no_results_and_run_on_any_python(template: Path, notebook: str) -> None:
    content = nbformat.read(template / notebook, as_version=4)
    nbformat.validate(content)

    assert (content.nbformat, content.nbformat_minor) == (4, 5)
    assert content.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in content.cells}) == len(content.cells)
    assert all(
        not cell.outputs and not cell.execution_count for cell in content.cells if cell.cell_type == "code"
    )


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_step_has_a_name(template: Path, notebook: str) -> None:
    cells = json.loads((template / notebook).read_text())["cells"]
    steps = [
        cell
        for cell in cells
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", [])
    ]
    headings = [line[3:] for cell in cells for line in cell["source"] if line.startswith("## ")]

    assert len(headings) == len(steps)
    assert all(len(heading.strip()) < 40 for heading in headings)


def test_every_package_the_library_imports_is_pinned(template: Path) -> None:
    lines = (template / "requirements.txt").read_text().split()
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line) for line in lines)
    pinned = {line.partition("==")[0].replace("grpcio", "grpc") for line in lines}

    imported = {module for path in (template / "alphagenome_tools").glob("*.py") for module in imports(path)}

    assert {module.lower() for module in imported} == pinned


def imports(path: Path) -> set[str]:
    """The packages from elsewhere that a file imports."""
    modules: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules.append(node.module or "")
    packages = {module.partition(".")[0] for module in modules}
    return packages - set(sys.stdlib_module_names) - {"alphagenome_tools"}
