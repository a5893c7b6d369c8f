"""Plain values and matchers → YAML text that the scenario reader reads back as the same values."""

import re
from typing import Any

import yaml

from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.language.yaml_nodes import reads_as_text

_WIDTH = 110
_MARK = "\ue000"
_MATCHER = re.compile(f"""["']?{_MARK}(![a-z]+){_MARK}["']?""")


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        # A list's dashes stand below the key they belong to, two columns in.
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = None if reads_as_text(value) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def flow(value: Any) -> str:
    """On one line, also between brackets and braces: `{outcome: counted, uuid: !uuid}`, `"0["`."""
    return _dumped([value])[1:-1]


def line(value: Any) -> str:
    """On one line of its own, where a text needs quotes less often: `0[`."""
    return _dumped(value)


def _dumped(value: Any) -> str:
    dumped = yaml.dump(
        _written(value),
        Dumper=_Dumper,
        default_flow_style=True,
        width=float("inf"),
        sort_keys=False,
        allow_unicode=True,
    )
    return _MATCHER.sub(r"\1", dumped.removesuffix("\n").removesuffix("\n..."))


def block(value: Any, indent: int = 0) -> str:
    """Over several lines, each `indent` columns in, short inner lists and mappings on one line; ends with a newline."""
    lines = list(_lines(value))
    return "".join(f"{' ' * indent}{each}\n" for each in lines)


def entry(key: str, value: Any, indent: int = 0) -> str:
    """`key: value` as block text: on one line where it fits, else with the value below it, as always at the top."""
    if indent == 0 and isinstance(value, dict) and value:
        return f"{line(key)}:\n{block(value, 2)}"
    return block({key: value}, indent)


def _lines(value: Any, room: int = _WIDTH) -> list[str]:
    """Block lines; whatever fits on a line stands on one."""
    if not isinstance(value, dict | list) or not value:
        return [line(value)]
    lines: list[str] = []
    pairs = value.items() if isinstance(value, dict) else [(None, item) for item in value]
    for key, item in pairs:
        head = "- " if key is None else f"{line(key)}: "
        short = line(item)
        if key is None and isinstance(item, dict) and len(item) == 1 and not short.startswith("{?"):
            short = short[1:-1]  # a step: `- forget: {}`
        if len(head) + len(short) <= room - 2 or not isinstance(item, dict | list) or not item:
            lines.append(head + short)
            continue
        inner = _lines(item, room - 2)
        if key is None:
            lines.append(head + inner[0])
            lines.extend("  " + each for each in inner[1:])
        else:
            lines.append(head.rstrip())
            lines.extend("  " + each for each in inner)
    return lines


def _written(value: Any) -> Any:
    """The value with a word in each matcher's place: the YAML library cannot write a tag without a value."""
    if isinstance(value, Matcher):
        if value.argument is not None:
            raise ValueError(f"only the author of a scenario can write {value}")
        return f"{_MARK}{value.tag}{_MARK}"
    if isinstance(value, dict):
        return {key: _written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_written(item) for item in value]
    return value
