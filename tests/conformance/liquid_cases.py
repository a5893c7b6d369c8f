"""Strategies for Liquid templates: what people write, every filter and tag, and what is broken."""

from __future__ import annotations

from hypothesis import strategies as st
from json_values import words

FILTERS = words(
    "abs at_least at_most ceil divided_by floor minus plus modulo times round append prepend capitalize"
    " upcase downcase strip lstrip rstrip remove remove_first remove_last replace replace_first replace_last"
    " split strip_newlines truncate truncatewords normalize_whitespace number_of_words default raw json"
    " jsonify to_integer inspect escape xml_escape escape_once strip_html url_decode url_encode cgi_escape"
    " uri_escape slugify join first last size sum compact push unshift pop shift slice where date"
    " date_to_xmlschema date_to_rfc822 date_to_string date_to_long_string base64_encode base64_decode sort"
    " map reverse concat uniq group_by find type has newline_to_br nothing UPCASE"
)
VALUES = words(
    "event~userId~properties~properties.revenue~properties.a~properties.plan~a~a.b~a[0]~a['b']~a.size"
    "~a.first~a.last~properties.size~context.traits~context.traits.plan~timestamp~name~missing"
    "~missing.x~nil~true~false~empty~blank~'text'~\"A b\"~'é'~''~'19.99'~'1e3'"
    "~'2024-01-02T03:04:05Z'~'<b>x & y</b>'~'%41+%zz'~'YWI='~'  a  b '~'a,b,,'~5~-1~19.99~0~1.5~3.7"
    "~-2.5~100~1704164645~1e3~(1..3)~(1..x)~constructor~size~first~x~y~i~'now a'~'ordinal'~'US'~'cjk'"
    "~'%Y-%m-%d'~'%A %-d %b %y %j %H:%M:%S.%L %p %s %z'~-5.5~true.x~'a'.size~properties['plan']"
    "~properties[name]~a[-1]~[name]~a.~1..2",
    "~",
)


_value = st.sampled_from(VALUES)
_argument = _value | _value | st.tuples(st.sampled_from(["allow_false", "x"]), _value).map(": ".join)
_arguments = st.lists(_argument, max_size=2).map(lambda found: f": {', '.join(found)}" if found else "")
_filter = st.tuples(st.sampled_from(FILTERS), _arguments).map(lambda pair: f" | {pair[0]}{pair[1]}")
_one_argument = st.tuples(st.sampled_from(FILTERS), _value).map(lambda pair: f" | {pair[0]}: {pair[1]}")
_filtered = st.tuples(_value, st.lists(_filter | _one_argument, max_size=2).map("".join)).map("".join)
_operator = st.sampled_from(["==", "!=", "<", ">", "<=", ">=", "contains", "and", "or"])
_condition = (
    _value
    | st.tuples(_value, _operator, _value).map(" ".join)
    | st.tuples(_value, _operator, _value, _operator, _value, _operator, _value).map(" ".join)
    | st.tuples(st.just("not"), _value, st.sampled_from(["and", "=="]), _value).map(" ".join)
)
_dash = st.sampled_from(["", "", "", "-"])
_output = st.tuples(_dash, _filtered | _condition, _dash).map(
    lambda parts: f"{{{{{parts[0]} {parts[1]} {parts[2]}}}}}"
)
_text = st.sampled_from([" ", "x", "\n", " a ", "é", "{", "}", "😀"])
_simple_tag = st.one_of(
    st.tuples(st.sampled_from("xyi"), _filtered).map(lambda pair: f"assign {pair[0]} = {pair[1]}"),
    _filtered.map(lambda value: f"echo {value}"),
    st.sampled_from(
        [
            "increment i",
            "decrement i",
            "increment a",
            "break",
            "continue",
            "# note",
            "#note\n# more",
            "# a\n b",
            "echo",
            "liquid echo a\n assign x = 5\n echo x",
            "cycle 'a', 'b'",
            "cycle 'g': 1, 2",
            "for x in a",
            "case a",
            "render 'a'",
            "include 'a'",
            "tablerow x in a",
            "layout 'x'",
            "unknown",
            "endif",
            "else",
            "",
            "assign",
            "assign x",
            "cycle",
        ]
    ),
)
_tag = st.tuples(_dash, _simple_tag, _dash).map(lambda parts: f"{{%{parts[0]} {parts[1]} {parts[2]}%}}")
_piece = _output | _output | _tag | _text


def _blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(inner, max_size=2).map("".join)
    return st.one_of(
        st.tuples(_condition, body).map(lambda parts: f"{{% if {parts[0]} %}}{parts[1]}{{% endif %}}"),
        st.tuples(_condition, body, body).map(
            lambda p: f"{{%- if {p[0]} -%}} {p[1]} {{%- else -%}} {p[2]}{{% endif %}}"
        ),
        st.tuples(_condition, body, _condition, body, body).map(
            lambda p: f"{{% if {p[0]} %}}{p[1]}{{% elsif {p[2]} %}}{p[3]}{{% else %}}{p[4]}{{% endif %}}"
        ),
        st.tuples(_condition, body, body).map(
            lambda p: f"{{% unless {p[0]} %}}{p[1]}{{% else %}}{p[2]}{{% endunless %}}"
        ),
        body.map(lambda text: f"{{% capture x %}}{text}{{% endcapture %}}{{{{ x }}}}"),
        body.map(lambda text: f"{{% comment %}}{text}{{% endcomment %}}"),
        body.map(lambda text: f"{{% raw %}}{text}{{% endraw %}}"),
        body.map(lambda text: f"{{% block b %}}{text}{{% endblock %}}"),
    )


_template = st.lists(st.recursive(_piece, _blocks, max_leaves=3), max_size=3).map("".join)
_usual = st.sampled_from(
    [
        "{{ properties.revenue | times: 100 | round }}",
        "{% if properties.revenue %}{{ properties.revenue | times: 100 | round }}{% endif %}",
        "{{ event | downcase | replace: ' ', '_' }}",
        "{{ userId | default: anonymousId }}",
        "{{ properties.plan | upcase | append: '-x' }}",
        "{{ timestamp | date: '%Y-%m-%d' }}",
        "{{ event }}",
        "{{ properties | json }}",
        "plain text",
        "",
        "x" * 1001,
    ]
)
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
    '"',
    ".",
    "[",
    "]",
    "(",
    ")",
    "1",
    "raw",
    "endraw",
    ",",
    "==",
    "assign",
    "=",
    "comment",
    "endcomment",
    "\n",
    "liquid",
    "#",
]
_broken = st.lists(st.sampled_from(_alphabet), max_size=9).map("".join)
_cut = st.tuples(_template, st.integers(0, 40)).map(lambda pair: pair[0][: -pair[1]] if pair[1] else pair[0])
templates = _usual | _template | _template | _template | _cut | _broken
