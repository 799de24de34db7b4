"""JSON from files: bounded in size and depth, without doubtful corners."""

from __future__ import annotations

import json
import re
from typing import Any

from kerasish.saving.errors import LoadError

MAX_CHARACTERS = 64 * 1024 * 1024
MAX_DEPTH = 300

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def loads(text: Any, file: Any = None, key: str | None = None) -> Any:
    """The value of a JSON text.

    Args:
        text: The text, or its UTF-8 bytes.
        file: Where it comes from, for errors.
        key: The place in the file, for errors.

    >>> loads('{"a": [1, 2]}')
    {'a': [1, 2]}
    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise LoadError(f"expected JSON in UTF-8: {error}", file, key) from error
    if not isinstance(text, str):
        raise LoadError(f"expected a JSON text. Received: {type(text).__name__}", file, key)
    if len(text) > MAX_CHARACTERS:
        raise LoadError(
            f"the JSON is too long: at most {MAX_CHARACTERS} characters. Received: {len(text)} characters", file, key
        )
    _check_depth(text, file, key)
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise LoadError(f"this is not valid JSON: {error}", file, key) from error


def _check_depth(text: str, file: Any, key: str | None) -> None:
    depth = 0
    for match in _TOKENS.finditer(text):
        first = text[match.start()]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise LoadError(f"the JSON is nested too deeply: at most {MAX_DEPTH} levels", file, key)
        elif first in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} stands twice in one object")
    return members
