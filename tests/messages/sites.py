"""Every place of the tree that raises an error on purpose, with its message as it is written."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autokd import errors

ROOT = Path(__file__).parents[2]
CLASSES = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.AutoKDError)
} | {"UnreachableError", "ConnectionLostError"}
HOLE = "\N{HORIZONTAL ELLIPSIS}"
# What a call puts into a message that ends by naming the right choices.
CHOICES = "did you mean one of these?"


@dataclass(frozen=True)
class Message:
    """One text of one error.

    Attributes:
        place: ``autokd/core/codec.py:39``.
        error: Name of its class.
        text: With an ellipsis where a value comes.
    """

    place: str
    error: str
    text: str


def messages() -> list[Message]:
    """Give the messages whose text stands where the error is made."""
    found = []
    for path in sorted((ROOT / "autokd").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in _functions(tree):
            for call in _own(function, ast.Call):
                name = call.func.id if isinstance(call.func, ast.Name) else ""
                if name not in CLASSES or not call.args:
                    continue
                place = f"{path.relative_to(ROOT)}:{call.lineno}"
                found += [Message(place, name, text) for text in _texts(call.args[0], function)]
    return found


def raising_lines() -> dict[str, set[int]]:
    """Give the lines of each module on which a ``raise`` with an error begins or goes on."""
    lines: dict[str, set[int]] = {}
    for path in sorted((ROOT / "autokd").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and node.exc is not None:
                lines.setdefault(str(path.relative_to(ROOT)), set()).add(node.lineno)
    return lines


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _own(function: ast.FunctionDef, kind: type) -> Iterator:
    """Give the nodes of a function that are not of a function inside it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef):
            continue
        if isinstance(node, kind):
            yield node
        waiting += ast.iter_child_nodes(node)


def _texts(argument: ast.expr, function: ast.FunctionDef) -> list[str]:
    """Give the texts that an argument may be; none when it comes from elsewhere."""
    if isinstance(argument, ast.Name):
        return _assigned(argument, function)
    if isinstance(argument, ast.IfExp):
        return [*_texts(argument.body, function), *_texts(argument.orelse, function)]
    if isinstance(argument, ast.BinOp):
        left, right = _texts(argument.left, function), _texts(argument.right, function)
        return [a + b for a in left or [HOLE] for b in right or [HOLE]]
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return [argument.value]
    if isinstance(argument, ast.JoinedStr):
        return ["".join(_piece(part) for part in argument.values)]
    return []


def _assigned(argument: ast.Name, function: ast.FunctionDef) -> list[str]:
    """Give the text that a name has where it is used, with what was added to it."""
    assigned = [
        node
        for node in _own(function, ast.Assign)
        if any(isinstance(t, ast.Name) and t.id == argument.id for t in node.targets)
        and node.lineno <= argument.lineno
    ]
    if not assigned:
        return []
    last = max(assigned, key=lambda node: node.lineno)
    added = "".join(
        (_texts(node.value, function) or [HOLE])[0]
        for node in _own(function, ast.AugAssign)
        if isinstance(node.target, ast.Name) and node.target.id == argument.id
        if last.lineno <= node.lineno <= argument.lineno
    )
    return [text + added for text in _texts(last.value, function)]


def _piece(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    value = part.value if isinstance(part, ast.FormattedValue) else part
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return CHOICES if value.func.id == "nearest" else HOLE
    if isinstance(value, ast.Name) and value.id.strip("_").upper() in {"FORM", "FORMS", "ACCEPTED"}:
        return CHOICES
    if isinstance(value, ast.Name) and value.id.strip("_") in {"hint", "advice", "LOOK", "ASK"}:
        return CHOICES
    return HOLE
