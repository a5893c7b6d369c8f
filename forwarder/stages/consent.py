"""Consent: `context.consent.categoryPreferences` against the categories that the destination is mapped to.

By the table "Reconcile consent object and integrations object conflicts" of
https://segment.com/docs/privacy/consent-management/consent-in-segment-connections/, its odd row included: an empty
consent object beside an integrations object blocks every mapped destination that the integrations object does not set
to true, although an empty consent object alone blocks none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from optilocal.forwarder.stages.integrations import DISPLAY_NAME, integrations_of
from optilocal.forwarder.stages.shape import Shape
from optilocal.forwarder.stages.stage import Ended, Event, StageResult

CODE: Final = "FILTERED_BY_END_USER_CONSENT"
_CATEGORY: Final = re.compile(r"[^0-9].{0,33}", re.DOTALL)


@dataclass(frozen=True)
class Consent:
    """The categories that the destination is mapped to; `others` are the workspace's other categories."""

    categories: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """`{"categories": […], "otherCategories": […]}`."""
        return {
            "categories": list(self.categories),
            **({"otherCategories": list(self.others)} if self.others else {}),
        }


def read_consent(configured: Any) -> Consent:
    """`{"categories": [ids], "otherCategories": [ids]}` from JSON. Raises `ShapeError`."""
    shape = Shape(configured, "consent")
    shape.only(("categories", "otherCategories"))
    lists = {name: shape.texts(name) for name in ("categories", "otherCategories")}
    for name, ids in lists.items():
        for position, category in enumerate(ids):
            if not _CATEGORY.fullmatch(category):
                shape.refuse(
                    f"{name}[{position}]",
                    "a category id has fewer than 35 characters and does not start with a number",
                )
    shape.done()
    return Consent(lists["categories"], lists["otherCategories"])


def apply(consent: Consent, event: Event) -> StageResult:
    """Ends the event unless its consent is true for every category that the destination is mapped to."""
    if not consent.categories:
        return StageResult(event)
    why = _refused(consent, event)
    return (
        StageResult(event)
        if why is None
        else StageResult(event, ended=Ended("consent_refused", CODE, tuple(why)))
    )


def _refused(consent: Consent, event: Event) -> list[str] | None:
    """Why the event's consent does not cover the destination, in sentences; None where it does."""
    context = event.get("context")
    consented = context.get("consent") if isinstance(context, dict) else None
    if consented is None:
        return None
    preferences = consented.get("categoryPreferences") if isinstance(consented, dict) else consented
    if isinstance(preferences, dict) and preferences:
        return _not_consented(consent, preferences)
    integrations = integrations_of(event)
    if integrations.get(DISPLAY_NAME) or (preferences is None and not integrations):
        return None
    if preferences is None:
        what = "context.consent has no categoryPreferences"
    elif preferences == {}:
        what = "context.consent.categoryPreferences is empty"
    else:
        what = "context.consent.categoryPreferences is not an object"
    why = [
        f"{what}, so none of the destination's categories is consented to: {', '.join(consent.categories)}"
    ]
    if preferences is None:
        why.append(
            "without an integrations object an empty consent object would enforce nothing; "
            f"beside one it refuses every mapped destination that {DISPLAY_NAME!r} does not set to true"
        )
    return why


def _not_consented(consent: Consent, preferences: Mapping[str, Any]) -> list[str] | None:
    why = []
    for category in consent.categories:
        if category not in preferences:
            near = [name for name in preferences if name.casefold() == category.casefold()]
            hint = f" (it has {near[0]!r}; ids must match exactly)" if near else ""
            why.append(f"the event's consent lacks the category {category!r}, which counts as false{hint}")
        elif preferences[category] is not True:
            why.append(f"the event's consent says {category!r}: {_value_text(preferences[category])}")
    return why or None


def _value_text(value: Any) -> str:
    return "false" if value is False else f"{value!r}, which is not true"
