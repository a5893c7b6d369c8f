"""JavaScript's semantics as far as they show on the wire."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optilocal.forwarder.destination.uri import is_uri
from optilocal.forwarder.errors import InvalidURLError, JavaScriptTypeError
from optilocal.forwarder.javascript.date import is_date_like, utc_milliseconds
from optilocal.forwarder.javascript.json import JsonSyntaxError, parse_json, plain_json, stringify, to_json
from optilocal.forwarder.javascript.url import parse_url
from optilocal.forwarder.javascript.values import (
    UNDEFINED,
    get_property,
    in_key_order,
    number_to_string,
    to_number,
    to_primitive_string,
    truthy,
    utf16_length,
    utf16_slice,
)

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1e21, "1e+21"),
        (1.5e21, "1.5e+21"),
        (123456789012345680000.0, "123456789012345680000"),
        (2.0**60, "1152921504606847000"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (-1.25e-9, "-1.25e-9"),
        (19.99, "19.99"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
    ],
)
def test_numbers_are_written_as_javascript_writes_them(number: float, text: str) -> None:
    assert number_to_string(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_number_reads_back_as_the_same_double(number: float) -> None:
    assert float(number_to_string(number)) == number
    assert to_number(number_to_string(number)) == number


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("", 0),
        (" \ufeff7\n", 7),
        ("0x10", 16),
        ("0b11", 3),
        ("0o17", 15),
        ("1e3", 1000),
        (".5", 0.5),
        ("5.", 5),
        ("-Infinity", -math.inf),
        (None, 0),
        (True, 1),
        ([], 0),
        (["5"], 5),
    ],
)
def test_values_become_numbers(value: Any, number: float) -> None:
    assert to_number(value) == number


@pytest.mark.parametrize(
    "value", ["1,000", "abc", "--1", "0x", "1_0", "infinity", "++Infinity", UNDEFINED, {}, [1, 2]]
)
def test_what_is_no_number_is_nan(value: Any) -> None:
    assert math.isnan(to_number(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (UNDEFINED, "undefined"),
        (False, "false"),
        ({}, "[object Object]"),
        ([1, None, [2, "x"]], "1,,2,x"),
    ],
)
def test_values_become_texts(value: Any, text: str) -> None:
    assert to_primitive_string(value) == text


def test_data_in_place_of_to_string_is_a_type_error() -> None:
    with pytest.raises(JavaScriptTypeError, match="Cannot convert object to primitive value"):
        to_primitive_string({"toString": 1})


def test_empty_containers_are_true_and_empty_scalars_are_not() -> None:
    assert [truthy(value) for value in ([], {}, "0", -1)] == [True] * 4
    assert [truthy(value) for value in ("", 0, math.nan, None, UNDEFINED, False)] == [False] * 6


def test_integer_like_keys_come_first() -> None:
    keys = ["b", "10", "a", "2", "01", "-1", "4294967295", "4294967294"]
    ordered = ["2", "10", "4294967294", "b", "a", "01", "-1", "4294967295"]
    assert list(in_key_order(dict.fromkeys(keys))) == ordered
    assert list(parse_json('{"b":1,"10":2,"a":3,"2":4}')) == ["2", "10", "b", "a"]


def test_texts_are_measured_in_utf16_units() -> None:
    assert utf16_length("a😀") == 3
    assert utf16_slice("a😀b", 0, 2) == "a\ud83d"
    assert get_property("😀", "0") == "\ud83d"


def test_built_in_properties_leak() -> None:
    assert get_property("abc", "length") == 3
    assert get_property([1], "length") == 1
    assert get_property(get_property({}, "constructor"), "name") == "Object"
    assert get_property({"constructor": 5}, "constructor") == 5
    assert get_property({}, "length") is UNDEFINED


@given(_json)
def test_json_survives_a_round_trip(value: Any) -> None:
    assert parse_json(to_json(value)) == value


@pytest.mark.parametrize(
    "text", ["", "NaN", "Infinity", "{,}", "\ufeff{}", "{'a':1}", "01", "[1,]", '"\t"', "[" * 10**5]
)
def test_what_json_parse_refuses_is_refused(text: str) -> None:
    with pytest.raises(JsonSyntaxError):
        parse_json(text)


def test_numbers_are_doubles_and_the_last_of_two_keys_wins() -> None:
    assert parse_json('{"a":1,"b":9007199254740993,"a":1e400}') == {"a": math.inf, "b": 9007199254740992}
    assert list(parse_json('{"a":1,"b":2,"a":3}').items()) == [("a", 3), ("b", 2)]
    assert parse_json("9" * 5000) == math.inf


def test_what_does_not_travel_is_dropped_or_null() -> None:
    value = {"a": UNDEFINED, "b": [UNDEFINED, math.nan], "c": math.inf, "d": get_property({}, "constructor")}
    assert plain_json(value) == {"b": [None, None], "c": None}
    assert stringify(UNDEFINED) is UNDEFINED
    assert stringify({"x": 1e-7, "y": "\ud800", "z": -0.0}) == '{"x":1e-7,"y":"\\ud800","z":0}'


@pytest.mark.parametrize(
    ("timestamp", "milliseconds"),
    [
        ("2024-01-02T03:04:05.678Z", 1704164645678),
        ("2024-01-02T03:04:05+02:00", 1704157445000),
        ("2024-01-02T03:04:05", 1704164645000),
        ("2024-01-02", 1704153600000),
        ("2024-01-02T03:04:05.6", 1704164645006),
        ("2024-01-02T03:04:05.678999", 1704164645678),
        (1704164645678, 1704164645678),
        (1.9, 1),
        ("1704164645", -8350743600000),
        ("1704164645678", -8350739572000),
        ("20240102", 1704153600000),
        ("2024-13-45", 1739491200000),
        ("5", 988675200000),
        ("hello 5", 988675200000),
        ("0050-01-01", -631152000000),
        ("Tue, 02 Jan 2024 03:04:05 GMT", 1704164645000),
        ("Jan 2 2024 5:00 pm EST", 1704232800000),
        ("2024-01-02T24:00:00Z", 1704240000000),
        (8.64e15, 8640000000000000),
    ],
)
def test_timestamps_are_read_as_segment_reads_them(timestamp: Any, milliseconds: int) -> None:
    assert utc_milliseconds(timestamp) == milliseconds


@pytest.mark.parametrize("timestamp", [8.65e15, math.inf, "not a date", "2024-01-02T25:00:00Z", "1 2 3 4"])
def test_what_is_no_time_is_an_invalid_date(timestamp: Any) -> None:
    assert utc_milliseconds(timestamp) is None


def test_digits_pass_as_unix_seconds_and_are_no_dates_all_the_same() -> None:
    assert is_date_like("99999999999")
    assert not is_date_like("99999999999999")
    assert not is_date_like("NaN")
    assert not is_date_like("not a date")


@pytest.mark.parametrize(
    ("written", "href"),
    [
        ("HTTPS://CDN.Example.com:443", "https://cdn.example.com/"),
        ("http://a.b/x/../y?q='1#f", "http://a.b/y?q=%271#f"),
        ("https://cdn.optimizely.com/datafiles/k.json", "https://cdn.optimizely.com/datafiles/k.json"),
    ],
)
def test_urls_are_spelt_as_the_client_spells_them(written: str, href: str) -> None:
    assert parse_url(written).href == href


def test_a_url_that_cannot_be_parsed_is_an_error_and_a_plain_text_has_no_scheme() -> None:
    with pytest.raises(InvalidURLError, match="Invalid URL"):
        parse_url("https://h:99999/")
    assert parse_url("cdn.example.com/x").scheme == ""


@pytest.mark.parametrize(
    "text",
    ["https://a.b/c?d#e", "ftp://a/b", "http://", "urn:x:y", "http://[::1]:80/", "a:b", "http://x/%20"],
)
def test_uris(text: str) -> None:
    assert is_uri(text)


@pytest.mark.parametrize(
    "text", ["", "a", "//a/b", "http:", "http://a b", "http://x/%zz", "http://[::1", "http://é/", "1a:b"]
)
def test_texts_that_are_no_uris(text: str) -> None:
    assert not is_uri(text)
