"""The resolved parameters of a run: the notebook's own defaults under the values that were asked for."""

from __future__ import annotations

import ast
from typing import Any

TAG = "parameters"


def default_parameters(cells: list[Any]) -> dict[str, Any]:
    """Return the assignments of the cell tagged ``parameters``, in order; nothing is executed.

    A value that is not a literal is given as its source text. A cell that is not Python gives {}.
    """
    tagged = [cell for cell in cells if TAG in cell["metadata"].get("tags", [])]
    if not tagged:
        return {}
    try:
        tree = ast.parse(tagged[0]["source"])
    except SyntaxError:
        return {}
    return {name: literal_or_source(value) for name, value in assignments(tree)}


def assignments(tree: ast.Module) -> list[tuple[str, ast.expr]]:
    """Return (name, value) of the plain and annotated assignments at the top of ``tree``."""
    pairs: list[tuple[str, ast.expr]] = []
    for statement in tree.body:
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets: list[ast.expr] = [statement.target]
            value = statement.value
        elif isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        else:
            continue
        pairs += [(target.id, value) for target in targets if isinstance(target, ast.Name)]
    return pairs


def literal_or_source(value: ast.expr) -> Any:
    """Return the value of a literal expression, or its source text."""
    try:
        return ast.literal_eval(value)
    except ValueError:
        return ast.unparse(value)


def shown(value: Any) -> str:
    """Return a parameter's value as a reader writes it: lists with commas, truth as yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "–"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value) or "–"
    return str(value)
