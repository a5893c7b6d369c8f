"""Liquid under @liquid: Segment's dialect, its limits, and its errors with their places."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optilocal.forwarder.destination.mapping import transform
from optilocal.forwarder.errors import DestinationError

EVENT: dict[str, Any] = {
    "event": "Order Completed",
    "userId": "u-1",
    "n": None,
    "properties": {
        "revenue": 19.99,
        "plan": "gold",
        "items": [{"sku": "x", "price": 1}, {"sku": "y", "price": 2.5}],
        "tags": ["b", "a"],
    },
    "timestamp": "2024-01-02T03:04:05.678Z",
}


def _render(template: str, event: dict[str, Any] | None = None) -> Any:
    return transform({"x": {"@liquid": template}}, EVENT if event is None else event)["x"]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{{ properties.revenue | times: 100 | round }}", "1999"),
        ("{{ properties.revenue | times: 100 }}", "1998.9999999999998"),
        ("{{ missing | times: 100 | round }}", "0"),
        ("{% if missing %}{{ missing | times: 100 }}{% endif %}", ""),
        ("{{ event | downcase | replace: ' ', '_' }}", "order_completed"),
        ("{{ properties.items[1].price }}{{ properties['plan'] }}", "2.5gold"),
        ("{{ properties.tags }}{{ properties }}{{ n }}", "ba[object Object]"),
        ("{{ properties.tags | join: '-' }} {{ properties.tags.size }}", "b-a 2"),
        ("{{ properties.tags.first }}{{ properties.tags[-1] }}", "ba"),
        ("{{ timestamp | date: '%Y-%m-%d %H:%M' }}", "2024-01-02 03:04"),
        ("{{ 1704164645 | date: '%-d %B, %A' }}", "2 January, Tuesday"),
        ("{{ timestamp | date: '%H:%M %z', -120 }}", "05:04 +0200"),
        ("{{ properties.items | where: 'sku', 'y' | json }}", '[{"sku":"y","price":2.5}]'),
        ("{{ properties.items | sum: 'price' }}", "3.5"),
        ("{% assign x = 'a,b' | split: ',' %}{{ x | last }}", "b"),
        ("{% capture c %}<{{ userId }}>{% endcapture %}{{ c | escape }}", "&lt;u-1&gt;"),
        ("{% if properties.revenue > 10 and userId contains 'u' %}y{% else %}n{% endif %}", "y"),
        ("{% unless userId %}a{% elsif event == 'x' %}b{% else %}c{% endunless %}", "c"),
        ("{% comment %}{{ x }}{% endcomment %}{% raw %}{{ y }}{% endraw %}", "{{ y }}"),
        (" a {%- if true -%} b {%- endif -%} c ", " abc "),
        ("{% increment k %}{% increment k %}{% decrement k %}", "011"),
        ("{% cycle 'a', 'b' %}{% cycle 'c', 'd' %}", "ad"),
        ("{{ event | nosuchfilter }}", "Order Completed"),
        (
            "{{ n | default: 'x' }}{{ '' | default: 'y' }}{{ false | default: 'z', allow_false: true }}",
            "xyfalse",
        ),
        ("{{ 5 | divided_by: 0 }} {{ 7 | modulo: 3 }} {{ -2.5 | round }}", "Infinity 1 -3"),
        ("{{ (1..3) }}{{ 'é' | url_encode }}{{ 'a b' | base64_encode }}", "123%C3%A9YSBi"),
        ("a{% break %}b", "a"),
        ("{{ 5 | at_most: 7, x: empty }}", "0"),
        ("{{ 'a' | split: '' | push: nil | json }}", '["a",{}]'),
        ("a\r\nb\rc\n{% capture x %}\r\n{% endcapture %}{{ x }}", "a\r\nb\rc\n\r\n"),
        ("{{ 'a\\ud800b' }}", "a\ud800b"),
        ("{% liquid\n assign a = 1\n echo a\n%}", "1"),
        ("{{ nil == n }}{{ 1 == '1' }}{{ '' == empty }}{{ ' ' == blank }}", "truefalsetruetrue"),
    ],
)
def test_templates(template: str, text: str) -> None:
    assert _render(template) == text


@pytest.mark.parametrize(
    ("template", "name", "message"),
    [
        ("{% for x in y %}{% endfor %}", "ParseError", 'tag "for" is disabled, line:1, col:1'),
        ("a\n  {% case x %}", "ParseError", 'tag "case" is disabled, line:2, col:3'),
        ("x{{ y | sort }}", "RenderError", 'filter "sort" is disabled, line:1, col:2'),
        ("{% nope %}", "ParseError", 'tag "nope" not found, line:1, col:1'),
        ("{% endif %}", "ParseError", 'tag "endif" not found, line:1, col:1'),
        ("{% output %}", "ParseError", 'tag "output" not found, line:1, col:1'),
        ("{% if x %}", "ParseError", "tag {% if x %} not closed, line:1, col:1"),
        ("{% if a %}{% else b %}{% endif %}", "ParseError", 'unexpected "b", line:1, col:1'),
        ("{{ x", "TokenizationError", 'output "{{ x" not closed, line:1, col:1'),
        ("{% if", "TokenizationError", 'tag "{% if" not closed, line:1, col:1'),
        ("{% raw %}x", "TokenizationError", 'raw "{% raw %}x" not closed, line:1, col:10'),
        ("{% %}", "TokenizationError", "illegal tag syntax, tag name expected, line:1, col:4"),
        ("{{ }}", "TokenizationError", 'invalid value expression: "", line:1, col:4'),
        ("{{ a | b c }}", "TokenizationError", 'expected ":" after filter name, line:1, col:10'),
        ("{% assign = 1 %}", "TokenizationError", "expected variable name, line:1, col:11"),
        ("{{ 'a' | append }}", "RenderError", "append expect 2 arguments, line:1, col:1"),
        ("{{ '%' | url_decode }}", "RenderError", "URI malformed, line:1, col:1"),
        ("{{ (1..900000000) }}", "RenderError", "memory alloc limit exceeded, line:1, col:1"),
    ],
)
def test_errors(template: str, name: str, message: str) -> None:
    with pytest.raises(DestinationError) as caught:
        _render(template)
    assert (caught.value.name, caught.value.message) == (name, message)


def test_a_template_has_at_most_a_thousand_characters() -> None:
    assert _render("x" * 1000) == "x" * 1000
    with pytest.raises(DestinationError, match="liquid template values are limited to 1000 characters"):
        _render("x" * 1001)


@pytest.mark.parametrize(
    "template",
    [
        "{% assign x = event %}" + "{% assign x = x | append: x %}" * 30,
        "{% assign x = event %}" + "{% assign x = x | replace: 'e', x %}" * 10,
        "{% assign x = event %}" + "{% capture x %}{{x}}{{x}}{% endcapture %}" * 23,
    ],
)
def test_what_doubles_itself_ends_at_the_memory_limit(template: str) -> None:
    with pytest.raises(DestinationError, match="memory alloc limit exceeded, line:1"):
        _render(template)


def test_a_template_in_an_array_must_be_a_text() -> None:
    with pytest.raises(DestinationError, match="liquid template value must be a string"):
        transform({"x": [{"@liquid": 5}]}, EVENT)


_alphabet = [
    "{{",
    "}}",
    "{%",
    "%}",
    "-",
    " ",
    "a",
    "if",
    "endif",
    "|",
    "size",
    ":",
    "'",
    ".",
    "[",
    "]",
    "(",
    ")",
    "1",
    "raw",
    "endraw",
]


@given(st.lists(st.sampled_from(_alphabet), max_size=12).map("".join))
def test_any_text_renders_or_fails_by_name(template: str) -> None:
    try:
        assert isinstance(_render(template, {"a": [1]}), str)
    except DestinationError as error:
        assert error.name in ("ParseError", "RenderError", "TokenizationError")
        assert ", line:" in error.message
