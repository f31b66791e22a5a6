"""Error texts of autokd, read from its source without running it.

What a text is filled with stands as an ellipsis: ``f"{path}: is a folder"`` is ``…: is a folder``.
"""

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autokd import errors

GAP = "…"
_DEPTH = 3  # a message may come from a function that asks another one for it
_CLICK = {"UsageError": 2, "BadParameter": 2}

# A function, or the body of a module, with the expressions assigned in it by name and line.
_Assigned = dict[str, list[tuple[int, ast.expr, bool]]]
_Answers = dict[str, list[tuple[ast.expr, _Assigned]]]


@dataclass(frozen=True, slots=True)
class Message:
    """A text that an error is raised with.

    Attributes:
        text: With `GAP` for what is filled in.
        path: Of the module below the root, with ``/``.
        line: Of the ``raise``.
        error: Name of the class.
        exit_code: Of a command that meets it.
    """

    text: str
    path: str
    line: int
    error: str
    exit_code: int


def collect_messages(root: Path, package: str = "autokd") -> list[Message]:
    """Give every text that the package raises an error with, by module and line.

    Only literal texts are found: what a library says, or a rule of pydantic, is a `GAP`.

    Args:
        root: Folder that holds the package.
        package: Its name.
    """
    modules = {
        path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((root / package).rglob("*.py"))
    }
    codes = _exit_codes(list(modules.values()))
    answers = _answers(list(modules.values()))
    found: dict[Message, None] = {}
    for path, module in modules.items():
        constants = _assigned(module.body)
        for function in _functions(module):
            assigned = {**constants, **_assigned(function.body)}
            raises = [n for n in _own_nodes(function.body) if isinstance(n, ast.Raise)]
            before = 0
            for node in sorted(raises, key=lambda n: n.lineno):
                reader = _Reader(answers, assigned, since=before)
                found |= dict.fromkeys(_of_raise(node, codes, reader, path))
                before = node.lineno
    return sorted(found, key=lambda m: (m.path, m.line, m.text))


def matches(heading: str, text: str) -> bool:
    """Whether the words of a heading, between its gaps, stand in a text in that order."""
    parts = [re.escape(part) for part in heading.split(GAP) if part.strip()]
    return bool(parts) and re.search(".*?".join(parts), text, re.DOTALL) is not None


def literal_texts(source: str) -> list[str]:
    """Give all literal texts of a module, those of warnings too."""
    reader = _Reader({}, {})
    nodes = (n for n in ast.walk(ast.parse(source)) if isinstance(n, (ast.Constant, ast.JoinedStr)))
    return [text for node in nodes for text in reader.texts(node, line=0) if text.strip(GAP)]


def _of_raise(
    node: ast.Raise, codes: Mapping[str, int], reader: "_Reader", path: str
) -> Iterator[Message]:
    call = node.exc
    if not isinstance(call, ast.Call):
        return
    name = ast.unparse(call.func).rpartition(".")[2]
    # ``error`` is a class that a caller gives, a subclass of InputError.
    name = "InputError" if name == "error" else name
    if name not in codes or not call.args:
        return
    for text in reader.texts(call.args[0], line=node.lineno):
        if re.search(r"\w{2}", text):
            yield Message(text, path, node.lineno, name, codes[name])


class _Reader:
    """Gives the texts that an expression may come to.

    Args:
        answers: What functions return.
        assigned: What names stand for.
        since: Line of the raise before: of several values of a name, all after it may be meant.
    """

    def __init__(self, answers: _Answers, assigned: _Assigned, *, since: int = 0) -> None:
        self._answers = answers
        self._assigned = assigned
        self._since = since

    def texts(self, node: ast.expr, *, line: int, depth: int = 0) -> list[str]:
        """Give them with gaps; a single gap for what is not a literal text."""
        if depth > _DEPTH:
            return [GAP]
        found = [GAP]
        match node:
            case ast.Constant(value=str() as text):
                found = [text]
            case ast.JoinedStr(values=values):
                found = _joined([self._piece(value, line, depth) for value in values])
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                sides = (left, right)
                found = _joined([self.texts(side, line=line, depth=depth) for side in sides])
            case ast.IfExp(body=body, orelse=other):
                both = (self.texts(n, line=line, depth=depth) for n in (body, other))
                found = [text for texts in both for text in texts]
            case ast.Name(id=name):
                found = self._of_name(name, line, depth)
            case ast.Call(func=ast.Name(id=name)) if name in self._answers:
                found = self._of_function(name, depth)
            case ast.Call(func=ast.Attribute(value=value, attr="replace")):
                found = self.texts(value, line=line, depth=depth)
        return found

    def _of_function(self, name: str, depth: int) -> list[str]:
        found = []
        for answer, assigned in self._answers[name]:
            found += _Reader(self._answers, assigned).texts(
                answer, line=answer.lineno, depth=depth + 1
            )
        return found

    def _piece(self, node: ast.expr, line: int, depth: int) -> list[str]:
        if isinstance(node, ast.Constant):
            return [str(node.value)]
        assert isinstance(node, ast.FormattedValue)
        if not isinstance(node.value, ast.Name):
            return [GAP]
        found = self.texts(node.value, line=line, depth=depth + 1)
        return found if len(found) == 1 else [GAP]

    def _of_name(self, name: str, line: int, depth: int) -> list[str]:
        before = [a for a in self._assigned.get(name, ()) if a[0] <= line]
        plain = [value for at, value, is_added in before if not is_added and at > self._since]
        plain = plain or [value for _, value, is_added in before if not is_added][-1:]
        if not plain:
            return [GAP]
        found = [t for n in plain for t in self.texts(n, line=n.lineno, depth=depth + 1)]
        # What is added may hang on a condition, so it is a gap.
        is_longer = any(is_added for at, _, is_added in before if at > plain[-1].lineno)
        return _joined([found, [GAP]]) if is_longer else found


def _joined(pieces: Sequence[Sequence[str]]) -> list[str]:
    whole = ("".join(parts) for parts in itertools.product(*pieces))
    return [re.sub(f"{GAP}+", GAP, text) for text in whole]


def _exit_codes(modules: Sequence[ast.Module]) -> dict[str, int]:
    """Give the exit code of each class of errors, those included that a module adds to the tree."""
    codes = dict(_CLICK)
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.AutoKDError):
            codes[name] = value.exit_code
    classes = [n for m in modules for n in ast.walk(m) if isinstance(n, ast.ClassDef)]
    for _ in range(_DEPTH):
        for node in classes:
            bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
            known = next((codes[base] for base in bases if base in codes), None)
            if known is not None:
                codes.setdefault(node.name, known)
    return codes


def _answers(modules: Sequence[ast.Module]) -> _Answers:
    """Give what each function of the package returns, by its name."""
    found: _Answers = {}
    for module in modules:
        for function in _functions(module):
            assigned = _assigned(function.body)
            for node in _own_nodes(function.body):
                if isinstance(node, ast.Return) and node.value is not None:
                    found.setdefault(function.name, []).append((node.value, assigned))
    return found


def _functions(module: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef))


def _own_nodes(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Give the nodes below statements, but not those of functions inside."""
    queue: list[ast.AST] = list(body)
    while queue:
        node = queue.pop(0)
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            queue.extend(ast.iter_child_nodes(node))


def _assigned(body: Sequence[ast.stmt]) -> _Assigned:
    found: _Assigned = {}
    for node in _own_nodes(body):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found.setdefault(name, []).append((node.lineno, value, False))
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for target, value in zip(names, values, strict=False):
                    if isinstance(target, ast.Name):
                        found.setdefault(target.id, []).append((node.lineno, value, False))
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
                found.setdefault(name, []).append((node.lineno, value, True))
    return {name: sorted(rows, key=lambda row: row[0]) for name, rows in found.items()}
