"""The filter dialect of FQL, by the tables of https://segment.com/docs/api/public-api/fql/."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optilocal.forwarder.fql.condition import Condition, written
from optilocal.forwarder.fql.functions import EvaluationError
from optilocal.forwarder.fql.glob import compile_glob
from optilocal.forwarder.fql.parser import MAX_DEPTH, StatementError, parse

EVENT: dict[str, Any] = {
    "event": "Button Clicked",
    "type": "track",
    "context": {"app": {"name": "shop.js", "version": "1.0"}},
    "properties": {
        "features": ["discounts", "dark-mode"],
        "product 1": {"price": "19.99"},
        "a.b": 1,
        "count": 3,
        "yes": True,
        "nothing": None,
        "object": {"x": 1},
        "list": [1, [2]],
        "ア": "ア",
    },
}


@pytest.mark.parametrize(
    ("statement", "holds"),
    [
        # The examples at the top of the page, of the app instead of Segment's own code.
        ("event = 'Button Clicked'", True),
        ("event = 'Screen Tapped'", False),
        ("context.path.path = '/login'", False),
        ("type = 'identify' or type = 'track'", True),
        ("match( context.app.version, '1.*' )", True),
        ("match( context.app.version, '2.*' )", False),
        ("type = 'track' and ( event = 'Click' or match( event, 'Button *' ) )", True),
        ("!contains( context.app.name, 'js' )", False),
        ("'dark-mode' in properties.features", True),
        ("'blink' in properties.features", False),
        # Paths.
        ("properties.product\\ 1.price = '19.99'", True),
        ("properties.a\\.b = 1", True),
        ("properties.a.b = 1", False),
        ("properties.\\ア = 'ア'", True),
        ("properties.features.1 = 'dark-mode'", True),
        ("properties.features.2 = null", True),
        # Subexpressions.
        ("!( type in ['track', 'identify'] )", False),
        ("( type = 'track' or type = 'identify' ) and ( properties.yes or match( traits.email, '*@c.com' ) )", True),
        ("type = 'x' and type = 'x' or type = 'track'", True),
        ("type = 'track' or type = 'x' and type = 'x'", True),
        ("!properties.yes or properties.count = 3", True),
        # Types are strict.
        ("properties.count = '3'", False),
        ("properties.count != '3'", True),
        ("properties.yes = 1", False),
        ("properties.yes = true", True),
        ("properties.yes", True),
        ("properties.count", False),
        ("properties.nothing = null", True),
        ("missing = null", True),
        ("missing = false", False),
        ("missing = ''", False),
        ("properties.count > 2.5", True),
        ("properties.count >= 3", True),
        ("properties.count < 3", False),
        ("properties.count <= 3", True),
        ("properties.count > '2'", False),
        ("'3' > 2", False),
        ("missing < 1", False),
        ("properties.yes >= 1", False),
        ("properties.list = [1, [2]]", True),
        ("properties.list = [[2], 1]", False),
        ("properties.count in [1, 2, 3]", True),
        ("properties.count in ['3']", False),
        ("missing in [null]", True),
        ("event in [type, event]", True),
        # Functions.
        ("length( event ) = 14", True),
        ("length( properties.\\ア ) = 3", True),
        ("length( properties.features ) = 2", True),
        ("length( userId ) < 1", True),
        ("length( properties.count ) >= 0", False),
        ("length( properties.object ) < 5", False),
        ("lowercase( event ) = 'button clicked'", True),
        ("lowercase( missing ) = null", True),
        ("lowercase( properties.count ) = null", True),
        ("uppercase( event ) = 'BUTTON CLICKED'", True),
        ("snakecase( 'test string' ) = 'test_string'", True),
        ("kebabcase( 'test string' ) = 'test-string'", True),
        ("titlecase( 'test string' ) = 'Test String'", True),
        ("typeof( event ) = 'string'", True),
        ("typeof( properties.count ) = 'number'", True),
        ("typeof( properties.features ) = 'list'", True),
        ("typeof( properties.yes ) = 'bool'", True),
        ("typeof( missing ) = 'null'", True),
        ("contains( event, 'Click' )", True),
        ("contains( missing, 'Click' )", False),
        ("contains( properties.features, 'discounts' )", False),
        ("match( missing, '*' )", False),
        ("match( properties.count, '3' )", False),
        ("contains( lowercase( event ), 'click' )", True),
        ("match( event, properties.nothing )", False),
        ("bool( properties.count )", True),
        ("bool( missing )", False),
        ("string( properties.count ) = '3'", True),
        ("string( event ) = event", True),
        ("number( '19.99' ) = 19.99", True),
        ("number( properties.count ) = 3", True),
        # A function alone that gives no truth is none.
        ("lowercase( event )", False),
        ("all", True),
    ],
)  # fmt: skip
def test_a_statement_holds_as_the_page_says(statement: str, holds: bool) -> None:
    assert Condition(statement).matches(EVENT) is holds


@pytest.mark.parametrize(
    ("text", "pattern", "matches"),
    [
        ("abcd", "a*d", True),
        ("", "*", True),
        ("abc", "ab", False),
        ("abcd", "a??d", True),
        ("abcd", "*d", True),
        ("ab*d", r"ab\*d", True),
        ("abxd", r"ab\*d", False),
        ("abCd", "ab[cC]d", True),
        ("abcd", "ab[a-z]d", True),
        ("abcd", "ab[A-Z]d", False),
        ("ab/c", "a*", True),
        ("a\nb", "a?b", True),
        ("b", "[^a]", True),
        ("a", "[^a]", False),
        ("aab", "*ab", True),
        ("abab", "ab*ab", True),
        ("ab", "ab*ab", False),
        ("a", "[a", False),
        ("a", "a\\", False),
        ("a", "[]a]", False),
        ("m", "[z-a]", False),
    ],
)
def test_globs(text: str, pattern: str, matches: bool) -> None:
    assert compile_glob(pattern)(text) is matches
    assert Condition(f'match( text, "{pattern}" )').matches({"text": text}) is matches


def test_a_glob_of_many_stars_takes_no_time_to_speak_of() -> None:
    assert compile_glob("*a" * 500 + "b")("a" * 20_000) is False


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("", "the statement is empty at its end"),
        ('userId = oops"', "the text has no closing quote at character 14"),
        ("a and", "expected a field, a value, a function or a parenthesis at its end"),
        ("(a", "expected `)` at its end"),
        ("a = 1 b", "expected an operator, `and`, `or` or the end at character 7, 'b'"),
        ("a == 1", "expected a field, a value, a function or a parenthesis at character 4, '= 1'"),
        ("exists(a)", "there is no function 'exists' at character 1"),
        ("length()", "length takes 1 value, not 0 at character 1"),
        ("contains(a)", "contains takes 2 values, not 1 at character 1"),
        ("a = $b", "FQL does not have this character"),
        ("a\\", "a backslash needs a character after it"),
        ("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1), f"nested deeper than {MAX_DEPTH}"),
        ("a = 1 AND b = 2", "expected an operator, `and`, `or` or the end at character 7, 'AND b = 2'"),
    ],
)
def test_what_is_no_statement_is_refused_with_the_place(statement: str, problem: str) -> None:
    with pytest.raises(StatementError) as refused:
        Condition(statement)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("'x' in missing", "`in` needs a list on its right, not null"),
        ("'x' in event", "`in` needs a list on its right, not string"),
        ("number( event ) > 1", "number() cannot convert 'Button Clicked', string"),
        ("number( missing ) > 1", "number() cannot convert 'null', null"),
    ],
)
def test_what_cannot_be_evaluated_says_so(statement: str, problem: str) -> None:
    with pytest.raises(EvaluationError) as refused:
        Condition(statement).matches(EVENT)
    assert problem in str(refused.value)


def test_the_intermediate_form_is_the_published_one() -> None:
    assert parse("type = 'track' and !contains( event, \"x\" ) and (a or 1 in [2, b])") == [
        "and",
        ["=", "type", {"value": "track"}],
        ["!", ["contains", "event", {"value": "x"}]],
        ["or", "a", ["in", {"value": 1}, {"value": [{"value": 2}, "b"]}]],
    ]


def test_of_several_conditions_the_one_that_holds_is_told() -> None:
    condition = Condition("event = 'x' or match( event, 'Button *' ) or properties.yes")
    assert condition.holding(EVENT) == "match(event, 'Button *')"
    assert Condition("event = 'Button Clicked'").holding(EVENT) is None


_PATHS = st.sampled_from(["event", "properties.count", "properties.a\\.b", "a-b_c"])
_LITERALS = st.one_of(
    st.none(), st.booleans(), st.integers(-1000, 1000), st.text(alphabet="ab'\\* ", max_size=4)
).map(lambda value: {"value": value})
_TREES = st.recursive(
    _PATHS | _LITERALS,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), inner, inner, inner).map(list),
        st.tuples(st.sampled_from(["=", "!=", ">", "<="]), inner, inner).map(list),
        st.tuples(st.just("!"), inner).map(list),
        st.tuples(st.sampled_from(["length", "typeof"]), inner).map(list),
        st.tuples(st.just("match"), inner, inner).map(list),
        st.lists(inner, max_size=3).map(lambda items: {"value": items}),
    ),
    max_leaves=8,
)


@given(_TREES)
def test_what_is_written_for_people_is_read_back_as_the_same(tree: Any) -> None:
    text = written(tree)
    assert written(parse(text)) == text
