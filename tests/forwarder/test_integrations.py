"""An event's `integrations`: a key that is almost the destination's name is answered with the right one."""

from __future__ import annotations

from typing import Any

import pytest

from optilocal.forwarder.stages.integrations import DISPLAY_NAME, apply_integrations

MEANT = [
    "Optimizely",
    "Optimizely Full Stack",
    "Optimizely Feature Experimentation",
    "optimizely feature experimentation (actions)",
    f" {DISPLAY_NAME}",
    "actions-optimizely-feature-experimentation-cloud",
]
OTHERS = [
    "All",
    "Amplitude",
    "Optimizely Web",
    "Optimizely Data Platform",
    "Optimizely Advanced Audience Targeting (Actions)",
]


def look(integrations: Any) -> tuple[str | None, list[str]]:
    """Why the event ends, and what is warned of when it goes on."""
    result = apply_integrations({"type": "track", "integrations": integrations})
    return result.ended and result.ended.details[0], [note["message"] for note in result.warnings]


@pytest.mark.parametrize("name", MEANT)
def test_a_wrong_name_that_keeps_the_event_away_is_told_with_the_right_one(name: str) -> None:
    why, warnings = look({"All": False, name: True})
    said = 'integrations says {"All": false} and does not name this destination: it names'
    assert why == f"{said} {name!r} instead of {DISPLAY_NAME!r}"
    assert warnings == [], "it is said once"


@pytest.mark.parametrize("name", MEANT)
def test_a_wrong_name_without_effect_is_a_warning(name: str) -> None:
    why, (warning,) = look({name: False})
    assert why is None
    assert (
        warning
        == f"integrations says {{{name!r}: false}}, which is not this destination's name: {DISPLAY_NAME!r}"
    )
    assert look({name: True}) == (None, []), "it is sent, as it was meant to be"


@pytest.mark.parametrize("name", OTHERS)
def test_another_destination_is_not_meant(name: str) -> None:
    assert look({name: True}) == (None, [])
    why, _ = look({"All": False, **({name: True} if name != "All" else {})})
    assert why == 'integrations says {"All": false} and does not name this destination'


def test_the_right_name_beside_a_wrong_one_is_enough() -> None:
    assert look({"All": False, DISPLAY_NAME: True, "Optimizely": False}) == (None, [])
    assert look({DISPLAY_NAME: False, "Optimizely": True}) == (
        f'integrations says {{"{DISPLAY_NAME}": false}}',
        [],
    )


def test_what_is_no_object_says_nothing() -> None:
    for given in (None, [], "Optimizely", 7):
        assert look(given) == (None, [])
