"""Strategies for whole preview lines: events, datafiles, settings, statuses."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from json_values import (
    BEYOND,
    KEYS,
    date_texts,
    keys,
    members,
    numbers,
    objects,
    scalars,
    sometimes,
    texts,
    values,
    words,
)
from mapping_cases import event_mappings, mappings
from trigger_cases import triggers

EVENT_KEYS = ["Order Completed", "A", "a", "__proto__", "constructor", "5", "x", "id", "true"]
event_keys = st.sampled_from(EVENT_KEYS)

_properties = members(
    {
        "revenue": sometimes(
            st.sampled_from([20, "20", "20.0", 19.99, True, None, "", [5], "0x10", " 7 ", "abc", BEYOND])
        ),
        "value": sometimes(st.sampled_from([49.99, "1.5", "Infinity", 0, None, "", [2], BEYOND])),
        "plan": scalars,
        "a": values,
    }
)
_context = members({"traits": sometimes(st.dictionaries(keys, values, max_size=4)), "ip": texts}, missing=4)
_personas = st.fixed_dictionaries({"personas": sometimes(objects)})
_good_events = st.fixed_dictionaries(
    {
        "type": st.just("track"),
        "event": event_keys,
        "messageId": st.just("m-1"),
        "timestamp": sometimes(st.just("2024-01-02T03:04:05.678Z"), date_texts),
        "userId": st.sampled_from(["u-1", 5, True]),
    },
    optional={
        "properties": st.dictionaries(keys, values, max_size=4) | _properties,
        "context": st.fixed_dictionaries({"traits": st.dictionaries(keys, values, max_size=5)}),
        "anonymousId": texts,
    },
)
events = _good_events | members(
    {
        "type": sometimes(st.sampled_from(["track", "track", "track", "track", "identify", "page", "Track"])),
        "event": sometimes(event_keys),
        "userId": sometimes(st.sampled_from(["u-1", "u-2", "", 123, 0, False, ["x"], None])),
        "anonymousId": sometimes(st.sampled_from(["anon-1", None, "", 7])),
        "messageId": sometimes(st.sampled_from(["m-1", 5, ["m"], [None], True])),
        "timestamp": sometimes(date_texts, values | numbers | date_texts.map(lambda text: [text])),
        "properties": sometimes(_properties | objects),
        "context": sometimes(_context, _personas | values),
        "traits": sometimes(objects),
        "name": texts,
        "a": values,
    },
    missing=14,
)

_entity = members(
    {"id": sometimes(st.sampled_from(["1", "2", 3, "", 0, None])), "key": sometimes(event_keys)}, missing=20
)
_attribute = members({"id": texts, "key": st.sampled_from([*KEYS, "plan"])}, missing=20)
_datafile_objects = members(
    {
        "accountId": sometimes(st.just("12001")),
        "anonymizeIP": sometimes(st.booleans()),
        "botFiltering": sometimes(st.booleans()),
        "events": sometimes(
            st.lists(sometimes(_entity), min_size=1, max_size=8), values | st.dictionaries(keys, _entity)
        ),
        "attributes": sometimes(st.lists(sometimes(_attribute), max_size=6), values),
    },
    missing=20,
)
_full = st.just({"accountId": "1", "events": [{"key": key, "id": f"e-{key}"} for key in EVENT_KEYS], "attributes": [
    {"key": key, "id": f"a-{key}"} for key in KEYS]})  # fmt: skip
_deactivated = "// This Optimizely project has been deactivated. Visit app.optimizely.com to activate it."
_raw = st.sampled_from(
    [
        _deactivated,
        "",
        "null",
        "[]",
        "{}",
        "5",
        '"x"',
        "\ufeff{}",
        "{,}",
        "NaN",
        '{"events":[{"key":"A","id":1e2}]}',
    ]
)
datafiles = sometimes(_full | _datafile_objects, _raw | values)

_urls = st.sampled_from(
    words(
        "https://cdn.optimizely.com/datafiles/k.json HTTPS://CDN.Optimizely.com http://a.b:80/x/../y?q='1#f"
        " ftp://a/b file:///x http:// https://ex%41.com urn:x:y mailto:a@b https://[::1]/x https://h:99999/"
        " //a/b a http://127.1/ https:a http:/x/y https://u:p@h/x?y=%20 http://x/%zz https://h/a'b javascript:1"
        " data:,x https://1.2.3.4:443/a http://a..b/ http://h?x https://h/a.json#x https://h# http://h/?q#/../b"
    )
)
settings = members(
    {
        "accountId": sometimes(st.just("12001")),
        "dataFileUrl": sometimes(
            st.just("https://cdn.optimizely.com/datafiles/k.json"), _urls | texts | values
        ),
        "accessToken": sometimes(st.just("pat-1")),
    },
    missing=12,
)
_statuses = sometimes(
    st.just(200),
    st.sampled_from(
        [201, 202, 203, 204, 205, 206, 301, 304, 400, 401, 403, 404, 418, 429, 499, 500, 503, 509, 599]
    ),
)
_content_types = st.sampled_from(
    [
        "application/json; charset=utf-8",
        "text/plain",
        None,
        "Application/JSON",
        "application/vnd.api+json",
        "x application/json",
    ]
)


@st.composite
def lines(draw: st.DrawFn, ops: list[str]) -> dict[str, Any]:
    """One line for `optilocal preview` with one of these operations, without an id."""
    op = draw(st.sampled_from(ops))
    line: dict[str, Any] = {} if op == "track" else {"op": op}

    def maybe(key: str, strategy: st.SearchStrategy[Any], out_of_ten: int) -> None:
        if draw(st.integers(1, 10)) <= out_of_ten:
            line[key] = draw(strategy)

    if op == "fql":
        return {**line, "event": draw(sometimes(events)), "subscription": draw(triggers)}
    if op == "mapping":
        return {**line, "event": draw(sometimes(events | objects)), "mapping": draw(mappings)}
    if op == "track":
        line["event"] = draw(_good_events | sometimes(events))
        maybe("mapping", sometimes(event_mappings, mappings), 4)
        maybe("subscription", sometimes(st.just('type = "track"'), triggers), 2)
    maybe("settings", settings, 5)
    maybe("datafile", datafiles, 9)
    maybe("datafile_status", _statuses, 3)
    maybe("datafile_content_type", _content_types, 1)
    maybe("events_status", _statuses, 3)
    return line
