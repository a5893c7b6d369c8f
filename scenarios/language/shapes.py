"""What may stand at a place of a scenario: described once, so that check, JSON Schema and docs say the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from optilocal.scenarios.language.checker import Checker
from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.language.problems import alternatives
from optilocal.scenarios.language.yaml_nodes import NodePath

Check = Callable[[Checker, NodePath, Any], None]
PLACEHOLDER = {"$ref": "#/$defs/placeholder"}
MATCHER = {"$ref": "#/$defs/matcher"}


@dataclass(frozen=True)
class Shape:
    """One kind of value: `words` names it to an author, `types` are Python's (none: anything), `choices` the only texts.

    `keys` are those of a mapping that has no others. `also` looks further at a value that has the right type.
    `schema` is the JSON Schema where types, choices and keys do not say it.
    """

    words: str
    types: tuple[type, ...] = ()
    choices: tuple[str, ...] = ()
    keys: Mapping[str, Key] | None = None
    also: Check | None = None
    schema: Mapping[str, Any] | None = None
    or_nothing: bool = False
    matchers: bool = False
    """Whether a matcher may stand in its place, as in expectations."""

    def check(self, checker: Checker, path: NodePath, value: Any, what: str) -> None:
        """Note every mistake of a value; `what` names it: `decide: user`."""
        if (self.matchers and isinstance(value, Matcher)) or (self.or_nothing and value is None):
            return
        if self.keys is not None:
            if not _has_keys(checker, path, value, self, what):
                return
        elif self.types and not checker.kind(value, path, self.types, self.words, what):
            return
        if self.choices and value not in self.choices:
            checker.problem(path, f"{what} {value!r} is unknown{alternatives(value, self.choices)}")
        elif self.also:
            self.also(checker, path, value)

    def as_schema(self, says: str = "") -> dict[str, Any]:
        """The JSON Schema of the value; a value of the row, `${name}`, may stand for what is not a text."""
        own = self._own_schema()
        others = [MATCHER] * self.matchers + [PLACEHOLDER] * (own.get("type") != "string" and own != {})
        schema = {"anyOf": [own, *others]} if (others and self.keys is None) or self.matchers else own
        return {**({"description": says} if says else {}), **schema}

    def _own_schema(self) -> dict[str, Any]:
        schema = self._given_schema()
        return {**schema, "type": [schema["type"], "null"]} if self.or_nothing else schema

    def _given_schema(self) -> dict[str, Any]:
        if self.schema is not None:
            return dict(self.schema)
        if self.choices:
            return {"enum": list(self.choices)}
        if self.keys is not None:
            required = [name for name, key in self.keys.items() if key.required]
            return {
                "type": "object",
                **({"required": required} if required else {}),
                "additionalProperties": False,
                "properties": {name: key.shape.as_schema(key.says) for name, key in self.keys.items()},
            }
        names = [_JSON_TYPES[kind] for kind in self.types if not (kind is int and float in self.types)]
        return {"type": names[0] if len(names) == 1 else names} if names else {}

    def expected(self) -> Shape:
        """The same where a matcher may stand for it."""
        return replace(self, matchers=True)


@dataclass(frozen=True)
class Key:
    """One key of a mapping: what stands behind it, and a sentence on it. `names` says what of the datafile it refers to."""

    shape: Shape
    says: str = ""
    required: bool = False
    names: str | None = None


_JSON_TYPES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
    type(None): "null",
}


def _has_keys(checker: Checker, path: NodePath, value: Any, shape: Shape, what: str) -> bool:
    assert shape.keys is not None
    required = [name for name, key in shape.keys.items() if key.required]
    if not checker.keys(value, path, shape.keys, what, required):
        return False
    for name, item in value.items():
        if name in shape.keys:
            shape.keys[name].shape.check(checker, (*path, name), item, f"{what}: {name}")
    return True


ANYTHING = Shape("anything")
TEXT = Shape("a text", (str,))
ID = Shape("a text (quote it)", (str,))
WHOLE = Shape("a whole number", (int,))
NUMBER = Shape("a number", (int, float))
YES_NO = Shape("true or false", (bool,))
MAPPING = Shape("a mapping", (dict,))
LIST = Shape("a list", (list,))


def one_of(*words: str) -> Shape:
    """One of these texts and no other."""
    return Shape("a text", (str,), choices=words)


def mapping_of(**keys: Key) -> Shape:
    """A mapping with these keys and no others."""
    return Shape("a mapping", (dict,), keys=keys)


def list_of(shape: Shape, what: str) -> Shape:
    """A list whose items all have this shape; `what` is one of them in an author's words."""

    def items(checker: Checker, path: NodePath, value: Any) -> None:
        for index, item in enumerate(value):
            shape.check(checker, (*path, index), item, what)

    return Shape("a list", (list,), also=items, schema={"type": "array", "items": shape.as_schema()})


def read_by(read: Callable[[Any], Any], words: str, **schema: Any) -> Shape:
    """What a function reads; its ValueError says what is wrong."""
    return Shape(words, also=lambda checker, path, value: checker.attempt(path, read, value), schema=schema)
