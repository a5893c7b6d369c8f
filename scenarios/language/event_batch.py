"""The step `event_batch`: an event batch as a program without an SDK posts it to Optimizely's Event API."""

from typing import Any

from optilocal.scenarios.language.checker import Checker
from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.language.shapes import Shape
from optilocal.scenarios.language.yaml_nodes import NodePath

ABSENT = "!absent"
FIELDS = {
    "account_id": "The account. Default: that of the scenario's datafile.",
    "visitors": "[{visitor_id, attributes, snapshots: [{decisions, events: [{entity_id, key, uuid, timestamp, …}]}]}]",
    "client_name": 'What sends it. Default: "own-sender".',
    "client_version": 'Default: "1".',
    "anonymize_ip": "Default: true.",
    "enrich_decisions": "Whether the events are joined with decisions sent before. Default: true.",
}
"""The fields of a batch that are filled in or that every batch has; any other may be given too, for it is sent as it is."""


def _check(checker: Checker, path: NodePath, value: Any) -> None:
    """Anything may be posted, wrong batches above all; of matchers only `!absent` says something here."""
    if isinstance(value, Matcher):
        if value.tag != ABSENT:
            checker.no_matchers(value, path, "event_batch")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(checker, (*path, key), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check(checker, (*path, index), item)


EVENT_BATCH = Shape(
    "an event batch, or a text that is posted as it stands",
    (dict, str),
    also=_check,
    schema={
        "anyOf": [
            {"type": "string", "description": "Posted as it stands: what is not JSON, for one."},
            {"type": "object", "properties": {name: {"description": says} for name, says in FIELDS.items()}},
        ]
    },
)


def summary(arguments: Any) -> str:
    """Whose batch it is, for reports: its visitors."""
    if isinstance(arguments, str):
        return "text"
    visitors = arguments.get("visitors")
    named = (
        [item.get("visitor_id") for item in visitors if isinstance(item, dict)]
        if isinstance(visitors, list)
        else []
    )
    return ", ".join(name for name in named if isinstance(name, str)) or "no visitor"
