"""Strategies for mapping-kit mappings: right ones, wrong ones, and templates of each kind."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from json_values import keys, objects, scalars, sometimes, texts, values, words
from liquid_cases import templates

PATHS = words(
    "$.event $.userId $.anonymousId $.properties $.properties.revenue $.properties.a $.properties.a.b"
    " $.properties.a[0] a a.b $.context.traits $.context.traits.plan $.timestamp $.messageId a[0].b a.0"
    " a['b'] a[\"b\"] a..b .a a. [0] a[*] a[-1] $ $. . a$.b $.properties.plan.length length constructor"
    " constructor.name a.constructor.name __proto__ a.__proto__ $.event.0 $.event.length toString a.length"
    " $['a'] traits.a $.missing.x a.toString.name name type"
)
PATHS += ["", "x y"]
paths = st.sampled_from(PATHS)
_template_texts = st.lists(
    st.sampled_from(
        [
            "{{",
            "}}",
            "{{{",
            "}}}",
            "{{ a }}",
            "{{event}}",
            "{{{properties.a}}}",
            "{{$.a}}",
            "{{}}",
            "{{ }}",
            "x",
            " ",
            "{{properties}}",
            "{{a.b}}",
            "{{ properties.revenue }}",
            "$&",
            "{{constructor}}",
            "{{name}}",
            "}",
        ]
    ),
    max_size=5,
).map("".join)


def _options(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return sometimes(
        st.fixed_dictionaries({}, optional=fields)
        | st.fixed_dictionaries(fields)
        | st.fixed_dictionaries(fields),
        values,
    )


def _directives(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    part = inner | scalars | paths.map(lambda path: {"@path": path})
    direction = sometimes(st.sampled_from(["left", "right", "LEFT", "up"]))
    short = sometimes(
        st.sampled_from(["a", "b", "$", ".", "A", "é", "ß", "K", "", "a" * 10, "a" * 11, "^", "😀", "1"])
    )
    replacement = st.sampled_from(["x", "", "$&", "$$", "$`", "$'", "$1", "x" * 10, "x" * 11, None])
    options = {
        "@path": sometimes(paths, part | texts),
        "@template": sometimes(_template_texts, part),
        "@literal": part | objects,
        "@if": _options(exists=part, blank=part, then=part, **{"else": part}),
        "@case": _options(operator=sometimes(st.sampled_from(["lower", "upper", "x", ""])), value=part),
        "@replace": _options(
            pattern=short,
            replacement=replacement,
            value=part,
            **{"global": st.booleans(), "ignorecase": st.booleans()},
        )
        | _options(
            pattern=short,
            value=part,
            pattern2=short,
            replacement2=replacement,
            ignorecase=sometimes(st.booleans()),
        ),
        "@arrayPath": sometimes(
            st.tuples(paths | part, sometimes(st.dictionaries(keys, part, max_size=3))).map(list)
            | st.tuples(paths).map(list)
        ),
        "@merge": _options(objects=sometimes(st.lists(part | objects, max_size=3)), direction=direction),
        "@json": _options(mode=sometimes(st.sampled_from(["encode", "decode", "ENCODE", "x"])), value=part),
        "@flatten": _options(
            value=part | objects, separator=sometimes(st.sampled_from([".", "_", ""])), omitArrays=scalars
        ),
        "@transform": _options(
            apply=part | st.dictionaries(keys, part, max_size=3),
            mapping=part | st.dictionaries(keys, part, max_size=3),
        ),
        "@excludeWhenNull": part | objects,
        "@liquid": sometimes(templates),
        "@unknown": part,
    }
    one = st.sampled_from(list(options)).flatmap(lambda name: options[name].map(lambda value: {name: value}))
    with_more = st.tuples(
        one, st.dictionaries(st.sampled_from(["_metadata", "x", "@path", "@if"]), part, max_size=1)
    )
    return sometimes(one, with_more.map(lambda pair: {**pair[0], **pair[1]}))


directives = st.recursive(paths.map(lambda path: {"@path": path}) | scalars, _directives, max_leaves=4)
_members = st.dictionaries(
    keys, sometimes(directives | st.lists(directives, max_size=2)), min_size=1, max_size=3
)
_single = _directives(directives)
_root = st.tuples(st.dictionaries(keys, directives, max_size=2), sometimes(_single)).map(
    lambda pair: {**pair[0], "__segment_internal_directive": pair[1]}
)
mappings = sometimes(_single.map(lambda directive: {"a": directive}) | _members | _single, _root | values)


def _at(path: str) -> dict[str, str]:
    return {"@path": path}


_revenue = st.sampled_from(
    [
        {"@liquid": "{{ properties.revenue | times: 100 | round }}"},
        {"@template": "{{properties.revenue}}"},
        _at("$.properties.revenue"),
    ]
)
_usual: dict[str, st.SearchStrategy[Any]] = {
    "eventKey": st.just(_at("$.event")),
    "userId": st.just(
        {"@if": {"exists": _at("$.userId"), "then": _at("$.userId"), "else": _at("$.anonymousId")}}
    ),
    "attributes": st.just(_at("$.context.traits")),
    "revenue": _revenue,
    "value": st.just(_at("$.properties.value")),
    "eventTags": st.just(_at("$.properties")),
    "timestamp": st.just(_at("$.timestamp")),
    "uuid": st.just(_at("$.messageId")),
}
event_mappings = st.fixed_dictionaries({key: sometimes(usual, directives) for key, usual in _usual.items()})
