"""Random statements, events and changes for the comparison with Segment's engine for filters.

Left out is where Segment's own page and that engine differ, and the page is followed: docs/before-the-destination.md names
each. So texts whose length is counted are ASCII, `typeof` is compared with the names that both know, a missing field never
meets null, lists on the right of `in` are written out, and functions do not stand in functions.
"""

from __future__ import annotations

from random import Random
from typing import Any

Ir = Any

NUMBERS = (0, 1, 2, 3, -1, 2.5, 19.99, 100, 1e6)
TEXTS = (
    "",
    "a",
    "ab",
    "abc",
    "Order Completed",
    "order completed",
    "ABC",
    "a*b",
    "a/b",
    "test@segment.com",
    "É",
    "x\ny",
)
GLOBS = (
    "*",
    "a*",
    "*c",
    "a?c",
    "[a-c]*",
    "[^a]*",
    "ab[cC]",
    "a\\*b",
    "*@segment.com",
    "Order *",
    "[a",
    "a\\",
    "[]a]",
    "?",
    "",
)
PRESENT = (
    "event", "type", "userId", "properties.text", "properties.same", "properties.number", "properties.other", "properties.yes",
    "properties.no", "properties.none", "properties.list", "properties.deep.inner", "properties.object",
)  # fmt: skip
ANY = (*PRESENT, "missing", "properties.missing", "event.inner", "properties.number.x", "context.page.path")
HOLDING = {
    "and",
    "or",
    "!",
    "=",
    "!=",
    ">",
    ">=",
    "<",
    "<=",
    "in",
    "contains",
    "match",
    "lowercase",
    "typeof",
    "length",
}
"""Every operator and function that Segment's engine has."""


def event(random: Random) -> dict[str, Any]:
    """An event with a field of every type."""
    text = random.choice(TEXTS)
    return {
        "type": random.choice(("track", "identify")),
        "event": random.choice(TEXTS),
        "userId": random.choice(("u-1", "test", "")),
        "properties": {
            "text": text,
            "same": random.choice((text, random.choice(TEXTS))),
            "number": random.choice(NUMBERS),
            "other": random.choice(NUMBERS),
            "yes": True,
            "no": False,
            "none": None,
            "list": random.choice(([], [1, "a"], ["a", True, None], [[1], {"x": 1}])),
            "deep": {"inner": random.choice(TEXTS)},
            "object": random.choice(({}, {"a": 1, "b": 2}, {"b": 2, "a": 1})),
        },
    }


def literal(value: Any) -> Ir:
    """A literal of the intermediate form."""
    return {"value": value}


def comparison(random: Random, operator: str) -> Ir:
    """One condition with an operator or function in it, rather true than false."""
    path, number = random.choice(PRESENT), literal(random.choice(NUMBERS))
    if operator in ("=", "!="):
        left = random.choice(PRESENT)
        right = random.choice((path, left, left, literal(random.choice((*TEXTS, *NUMBERS, True, False)))))
        lists = [literal([literal(1), literal("a")]), literal([literal("a")]), literal([])]
        return [
            operator,
            *random.choice(((left, right), (left, right), (random.choice(lists), random.choice(lists)))),
        ]
    if operator in (">", ">=", "<", "<="):
        return [operator, random.choice((number, "properties.number", random.choice(ANY))), number]
    if operator == "in":
        items = [literal(item) for item in random.sample((*TEXTS, *NUMBERS, True, False), 8)]
        items += [random.choice(PRESENT), path]
        return ["in", random.choice((path, literal(random.choice(TEXTS)))), literal(items)]
    if operator == "contains":
        return [
            "contains",
            random.choice(("event", "properties.text", random.choice(ANY))),
            literal(random.choice(TEXTS[:4])),
        ]
    if operator == "match":
        return [
            "match",
            random.choice(("event", "properties.text", random.choice(ANY))),
            literal(random.choice(GLOBS)),
        ]
    if operator == "lowercase":
        return [
            "=",
            ["lowercase", random.choice(("event", "properties.text", path))],
            random.choice((literal("order completed"), literal("abc"), literal("a"), literal(""))),
        ]
    if operator == "typeof":
        return ["=", ["typeof", random.choice(ANY)], literal(random.choice(("string", "number")))]
    if operator == "length":
        ascii_only = random.choice(
            (
                literal(random.choice(TEXTS[:10])),
                "properties.list",
                "properties.none",
                "userId",
                "properties.number",
            )
        )
        return [
            random.choice((">", ">=", "<", "<=", "=")),
            ["length", ascii_only],
            literal(random.choice((0, 1, 2, 3))),
        ]
    raise AssertionError(operator)


def condition(random: Random, depth: int = 0) -> Ir:
    """A statement, its parts joined and negated up to three deep."""
    simple = sorted(HOLDING - {"and", "or", "!"})
    kind = random.choice(("simple", "simple", "path", "and", "or", "!")) if depth < 3 else "simple"
    if kind == "path":
        return random.choice(ANY)
    if kind == "!":
        return ["!", condition(random, depth + 1)]
    if kind in ("and", "or"):
        return [kind, *[condition(random, depth + 1) for _ in range(random.randint(2, 3))]]
    return comparison(random, random.choice(simple))


def heads(ir: Ir) -> set[str]:
    """The operators and functions in a statement."""
    if isinstance(ir, dict):
        return set().union(*map(heads, ir["value"])) if isinstance(ir["value"], list) else set()
    return {ir[0]}.union(*map(heads, ir[1:])) if isinstance(ir, list) else set()


def payload(random: Random) -> dict[str, Any]:
    """An event to be changed, with objects in lists and objects in objects."""
    items = [{"sku": "a", "price": 1}, {"sku": "b", "price": None, "x": True}, "odd", 7, None]
    return {
        "userId": random.choice(("u-1", "u-2", f"u-{random.randrange(1000)}")),
        "event": "Order Completed",
        "properties": {
            "email": "e",
            "revenue": random.choice((4999, 19.99, "12")),
            "flag": True,
            "products": random.sample(items, 3),
            "deep": {"a": {"b": 1, "c": "x"}, "d": [1, 2]},
        },
        "context": {"ip": "1.2.3.4", "traits": {"plan": "gold"}},
    }


NAMES = ("email", "revenue", "price", "sku", "x", "userId", "event", "a", "b", "ip", "plan", "nothing")
PLACES = (
    "",
    "properties",
    "properties.products",
    "properties.deep",
    "properties.deep.a",
    "context",
    "context.traits",
    "missing",
    "properties.email",
)
SOURCES = (
    "properties.email",
    "properties.revenue",
    "properties.deep.a.c",
    "context.ip",
    "userId",
    "missing.path",
)
TARGETS = (
    "properties.new",
    "properties.deep.new",
    "properties.deep.a.z",
    "fresh",
    "missing.x",
    "properties.email.x",
    "context.traits.email",
)


def fields(random: Random) -> dict[str, list[str]]:
    """Names to drop or allow, by place."""
    return {
        place: random.sample(NAMES, random.randint(0, 5))
        for place in random.sample(PLACES, random.randint(1, 3))
    }


def changes(random: Random) -> tuple[dict[str, str], dict[str, Any]]:
    """Properties to move (new place → old place), and to set."""
    moves: dict[str, str] = {}
    values: dict[str, Any] = {}
    for target in random.sample(TARGETS, random.randint(1, 3)):
        if random.random() < 0.5:
            moves[target] = random.choice(SOURCES)
        else:
            values[target] = random.choice(("USD", 1, 2.5, True, None, {"k": 1}, [1]))
    return moves, values
