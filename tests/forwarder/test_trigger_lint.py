"""The lint of triggers: what is surely not meant is named with what to write; what is meant is left alone."""

from __future__ import annotations

import pytest

from optilocal.forwarder.destination.trigger import compile_trigger
from optilocal.forwarder.destination.trigger_lint import lint_trigger

EVENTS = ("Order Completed", "Product Added")


@pytest.mark.parametrize(
    ("trigger", "at", "says"),
    [
        ('type = "track" and evnt = "Tea"', "evnt", "no field evnt (did you mean event?), so the condition is ignored"),
        ('Type = "track"', "Type", "no field Type (did you mean type?)"),
        ('type = "Track"', '"Track"', 'no event has the type "Track" (did you mean track?)'),
        ('type == "track"', "==", "write `=` instead of =="),
        ('event.type === "track"', "===", "write `=` instead of ==="),
        ('type = "track" && event = "Tea"', "&&", "write `and` instead of &&"),
        ('type = "track" || type = "page"', "||", "write `or` instead of ||"),
        ('type !== "track"', "!==", "write `!=` instead of !=="),
        ('type = "track" AND event = "Tea"', "AND", "write `and`: AND in capitals connects nothing"),
        ('type = "track" and not event = "Tea"', "not", "there is no `not`"),
        ("type = 'track'", "'track'", 'write "track": single quotes become part of the value'),
        ("type = “track”", "“", "straight double quotes"),
        ('type = "track', '"', 'the quote " is never closed'),
        ('type: "track"', ":", ": does not belong in a trigger"),
        ('type = "track" and (event = "A" or event = "B"', "(", "never closed"),
        ('type = "track")', ")", "closes nothing"),
        ('type = "track" and (event = "A" or (name = "B"))', "(", "there is one level"),
        ('type = "track" and !(event = "A")', "(", "negates nothing"),
        ('event = "A" or event = "B" and type = "track"', "and", "takes the last one for all conditions"),
        ('type = "track" and contain(event, "A")', "contain", "no function contain (did you mean contains?)"),
        ('type = "track" and match(event, "Product")', '"Product"', 'match(event, "Product*")'),
        ('type = "track" and traits.plan = "gold"', "traits.plan", "write context.traits.plan"),
        ('type = "track" and event = "order completed"', '"order completed"', 'write "Order Completed"'),
        ("", "", "it is empty"),
        ("42", "42", 'write it like type = "track" and event = "Order Completed"'),
    ],
)  # fmt: skip
def test_what_is_not_meant_is_named_with_what_to_write(trigger: str, at: str, says: str) -> None:
    notes = lint_trigger(trigger, EVENTS)
    assert any(note.text == at and says in note.message for note in notes), notes
    for note in notes:
        assert trigger[note.at : note.at + len(note.text)] == note.text
        assert "\n" not in note.message


@pytest.mark.parametrize(
    "trigger",
    [
        'type = "track"',
        'type = "track" and event = "Order Completed"',
        'type = "track" and (event = "Order Completed" or event = "Product Added")',
        'type = "identify" and traits.plan = "gold"',
        'type = "track" and context.traits.plan != "gold" and properties.total >= 100',
        'type = "track" and userId != null and properties.test != true',
        'type = "track" and contains(event, "Added") and !contains(event, "x")',
        'type = "track" and match(event, "Product*")',
        'type = "track" and event = "Something Else"',
        "type = track",
    ],
)
def test_what_is_meant_is_left_alone(trigger: str) -> None:
    assert lint_trigger(trigger, EVENTS) == []
    assert compile_trigger(trigger).problem is None
