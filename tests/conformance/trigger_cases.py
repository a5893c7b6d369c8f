"""Strategies for triggers: well-formed ones, and soups of their tokens."""

from __future__ import annotations

from hypothesis import strategies as st
from json_values import words

_FIELDS = words(
    "type~event~name~userId~properties~properties.a~properties.revenue~properties.plan~traits.a~traits"
    "~context.traits.a~context.ip~properties.a.b~anonymousId~constructor~__proto__~properties.x\\ y"
    "~properties.a\\.b~propertiesX~event.x~properties.0~properties.length~messageId~properties.null"
    "~properties.constructor.name",
    "~",
)
_VALUES = words(
    '"track"~"Order Completed"~"A"~"a*"~"*a"~"*"~""~"20"~\'A\'~track~true~false~null~5~20~19.99~-1~+5'
    '~1.5.2~"é"~"\\""~(1)~5.~"true"~"*A*"~"Ord*"~"*ed"~-~"1"~eos~NaN',
    "~",
)
_OPERATORS = words("= != < <= > >= in contains exists starts_with ! == =! is_true number_equals")
_NOISE = words(
    "(~)~!~and~or~AND~not~,~.~[~]~contains(~match(~length(~é~$~\n~\r~\t~\"~'~\\~a~an~no~nul~o~1~type",
    "~",
)

_value = st.sampled_from(_VALUES)
_comparison = st.tuples(st.sampled_from(_FIELDS), st.sampled_from(_OPERATORS[:6] * 4 + _OPERATORS), _value)
_function = st.tuples(
    st.sampled_from(["contains", "match", "!contains", "!match", "length", "!"]),
    st.sampled_from(_FIELDS),
    _value,
).map(lambda parts: f"{parts[0]}({parts[1]},{parts[2]})")
_condition = _comparison.map(" ".join) | _comparison.map("".join) | _function | _comparison.map(" ".join)


def _joined(condition: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(condition, st.sampled_from([" and ", " or ", " ", " AND "])).map("".join)
    return st.tuples(st.lists(pair, max_size=3).map("".join), condition).map("".join)


_group = _joined(_condition).map(lambda text: f"({text})")
_soup = st.lists(st.sampled_from([*_FIELDS, *_OPERATORS, *_VALUES, *_NOISE]), max_size=8)
triggers = (
    _joined(_condition)
    | _joined(_condition | _group)
    | _joined(_condition | _group)
    | _soup.map(" ".join)
    | _soup.map("".join)
)
