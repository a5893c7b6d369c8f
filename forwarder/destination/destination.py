"""The destination as a whole: its settings and mappings, and what becomes of one event, deletion or test."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from optilocal.forwarder.destination import track_event
from optilocal.forwarder.destination.fields import SETTINGS_FIELDS, Findings, check, remove_empty_values
from optilocal.forwarder.destination.mapping import check_mapping, transform
from optilocal.forwarder.destination.mapping.validate import validate as validate_mapping_object
from optilocal.forwarder.destination.trigger import Trigger, compile_trigger
from optilocal.forwarder.destination.wire import Client, Response, call
from optilocal.forwarder.errors import (
    DestinationError,
    HTTPError,
    IntegrationError,
    InvalidAuthenticationError,
    JavaScriptRangeError,
    JavaScriptTypeError,
    ValidationError,
)
from optilocal.forwarder.javascript.json import plain_json
from optilocal.forwarder.javascript.values import UNDEFINED, get_property, truthy

__all__ = [
    "DEFAULT_SUBSCRIPTION",
    "DEFAULT_TRIGGER",
    "MAX_MAPPINGS",
    "ActionResult",
    "Client",
    "Response",
    "Settings",
    "Subscription",
    "event_keys",
    "on_delete",
    "on_event",
    "test_authentication",
    "validate_mapping",
]

DEFAULT_TRIGGER: Final = 'type = "track"'
MAX_MAPPINGS: Final = 50
DELETE_URL: Final = "https://api.optimizely.com/v2/subject-access-requests"


@dataclass(frozen=True)
class Settings:
    """The destination's settings. `raw` is the object as configured; the other fields are what validation makes of it."""

    account_id: str | None = None
    data_file_url: str | None = None
    access_token: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, configured: Mapping[str, Any]) -> Settings:
        """Reads `{"accountId", "dataFileUrl", "accessToken"}`, right or wrong; `validate` says which."""
        coerced = dict(configured)
        check(coerced, SETTINGS_FIELDS)

        def text(key: str) -> str | None:
            value = coerced.get(key)
            return value if isinstance(value, str) else None

        return cls(text("accountId"), text("dataFileUrl"), text("accessToken"), dict(configured))

    def validate(self) -> dict[str, Any]:
        """The settings after coercion. Raises `AggregateAjvError` with Segment's texts."""
        coerced, found = self._checked
        found.raise_if_wrong()
        return dict(coerced)

    @cached_property
    def _checked(self) -> tuple[dict[str, Any], Findings]:
        # The same settings serve event after event.
        coerced = {key: value for key, value in self.raw.items() if key not in ("subscriptions", "oauth")}
        return coerced, check(coerced, SETTINGS_FIELDS)


@dataclass(frozen=True)
class Subscription:
    """One subscription, which Segment's app calls a mapping: `trigger` is an FQL text, `fields` a mapping-kit object."""

    name: str
    trigger: str
    fields: Any
    enabled: bool = True
    action: str = "trackEvent"

    @cached_property
    def counts(self) -> bool:
        """Whether a template may count in the event itself, which then must be a copy."""
        return self.fields is not track_event.DEFAULT_FIELDS and "crement" in str(self.fields)

    @cached_property
    def is_valid(self) -> bool:
        """Whether nothing is wrong with `fields`, which then need not be looked at for every event."""
        try:
            check_mapping(self.fields if truthy(self.fields) else {})
        except DestinationError:
            return False
        return True


DEFAULT_SUBSCRIPTION: Final = Subscription("Track Event", DEFAULT_TRIGGER, track_event.DEFAULT_FIELDS)


@dataclass(frozen=True)
class ActionResult:
    """What became of one call.

    `outcome` is "sent" (it ran to its end), "skipped" (the trigger did not match or did not parse) or "error".
    `payload` is the event's fields after coercion, as far as it got; `output` is Segment's own list of results;
    `value` is the answer of `event_keys`.
    """

    outcome: str
    payload: dict[str, Any] | None = None
    error: DestinationError | None = None
    output: list[dict[str, Any]] = field(default_factory=list)
    matched: bool = False
    value: Any = UNDEFINED


def validate_mapping(mapping: Subscription) -> None:
    """Refuses a mapping that could never work, when it is configured.

    Raises `AggregateError` or `ValidationError` with Segment's messages, each with its place, or `DestinationError` for
    a trigger that does not parse.
    """
    trigger = (
        compile_trigger(mapping.trigger) if mapping.trigger and isinstance(mapping.trigger, str) else None
    )
    if trigger is None:
        raise DestinationError("Failed to validate subscription")
    if trigger.problem is not None:
        raise DestinationError(f"Invalid subscription : {trigger.problem}")
    validate_mapping_object(mapping.fields)


def on_event(event: Any, mapping: Subscription, settings: Settings, client: Client) -> ActionResult:
    """Sends one event through one mapping: settings, trigger, mapping, fields, then the requests.

    Never raises for what a user configured or sent: the error is in the result.
    """
    progress = _Progress()
    failure: DestinationError | None = None
    outcome = "error"
    try:
        outcome = _run(event, mapping, settings, client, progress)
    except DestinationError as error:
        failure = error
    except RecursionError:
        failure = JavaScriptRangeError("Maximum call stack size exceeded")
    if isinstance(failure, ValidationError):
        # The framework gives this one a status, and the aggregate of several none.
        failure.status = 400
    return ActionResult(outcome, progress.payload, failure, progress.output, progress.matched)


@dataclass
class _Progress:
    payload: dict[str, Any] | None = None
    output: list[dict[str, Any]] = field(default_factory=list)
    matched: bool = False


def _run(event: Any, mapping: Subscription, settings: Settings, client: Client, progress: _Progress) -> str:
    configured = settings.validate()
    if not mapping.trigger or not isinstance(mapping.trigger, str):
        progress.output.append({"output": "Failed to validate subscription"})
        return "skipped"
    trigger = compile_trigger(mapping.trigger)
    if trigger.problem is not None:
        progress.output.append({"output": f"Invalid subscription : {trigger.problem}"})
        return "skipped"
    if isinstance(event, list):
        return _run_batch(event, trigger, progress)
    if not trigger.matches(event):
        progress.output.append({"output": "not subscribed"})
        return "skipped"
    progress.matched = True
    event = deepcopy(event) if mapping.counts else event
    fields = mapping.fields if truthy(mapping.fields) else {}
    payload = transform(fields, event, checked=mapping.is_valid)
    progress.output.append({"output": "Mappings resolved"})
    payload = remove_empty_values(payload, track_event.FIELDS)
    found = check(payload, track_event.FIELDS)
    progress.payload = payload if isinstance(payload, dict) else None
    found.raise_if_wrong()
    progress.output.append({"output": "Payload validated"})
    _read_audience(event)
    answer = track_event.perform(payload, configured, client)
    data = answer.data
    progress.output.append({"data": answer.text if data is UNDEFINED else data, "output": "Action Executed"})
    return "sent"


def _run_batch(events: list[Any], trigger: Trigger, progress: _Progress) -> str:
    # The framework takes an array for a batch of events, which this destination has never supported.
    progress.matched = [trigger.matches(event) for event in events].count(True) > 0
    if progress.matched:
        raise IntegrationError("This action does not support batched requests.", "NotImplemented", 501)
    progress.output.append({"output": "not subscribed"})
    return "skipped"


def _read_audience(event: Any) -> None:
    # Segment looks for an audience in every event and stumbles over nulls on the way (actions-core, audience membership).
    context = event.get("context", UNDEFINED)
    if context is None:
        raise JavaScriptTypeError("Cannot destructure property 'personas' of '{}' as it is null.")
    if context is not UNDEFINED and get_property(context, "personas") is None:
        raise JavaScriptTypeError("Cannot read properties of null (reading 'computation_class')")


def on_delete(event: Any, settings: Settings, client: Client) -> ActionResult:
    """Asks Optimizely to delete: the account is named and the user is not.

    Source: Segment's optimizely-feature-experimentation-actions/index.ts.
    """
    try:
        if event is None or event is UNDEFINED:
            shown = "null" if event is None else "undefined"
            raise JavaScriptTypeError(f"Cannot destructure property 'userId' of 'event' as it is {shown}.")
        configured = settings.validate()
        token = configured.get("accessToken", UNDEFINED)
        if not truthy(token):
            raise InvalidAuthenticationError("Access Token is required for user deletion.")
        wanted = {
            "data_type": "visitor",
            "identifier": configured["accountId"],
            "identifier_type": "dcp_id",
            "request_type": "delete",
        }
        headers = {"authorization": f"Bearer {token}"}
        answer = call(client, "POST", DELETE_URL, json=plain_json(wanted), headers=headers)
    except DestinationError as error:
        return ActionResult("error", error=error)
    return ActionResult("sent", output=[{"data": answer.data}])


def test_authentication(settings: Settings, client: Client) -> ActionResult:
    """Fetches the datafile once: any 2xx passes; neither account nor token is looked at.

    Source: Segment's optimizely-feature-experimentation-actions/index.ts.
    """
    try:
        configured = settings.validate()
        try:
            call(client, "GET", configured["dataFileUrl"])
        except DestinationError as error:
            status = str(error.status) if isinstance(error, HTTPError) else ""
            raise DestinationError(f"Credentials are invalid: {status} {error.message}") from error
    except DestinationError as error:
        return ActionResult("error", error=error)
    return ActionResult("sent")


def event_keys(settings: Settings, client: Client) -> ActionResult:
    """The choices of the dynamic field `eventKey`; whatever goes wrong is part of the answer.

    Source: Segment's optimizely-feature-experimentation-actions/trackEvent/index.ts.

    Settings are not validated for it, as at Segment.
    """
    try:
        answer = call(client, "GET", settings.raw.get("dataFileUrl", UNDEFINED))
        choices = [_choice(event) for event in _events(answer.data)]
    except HTTPError as error:
        reason = error.response.reason or "Unknown error"
        return _no_choices(reason, str(error.response.status))
    except DestinationError:
        return _no_choices("Unknown error", "Unknown code")
    return ActionResult("sent", value={"choices": choices})


def _events(data: Any) -> list[Any]:
    events = data.get("events") if isinstance(data, dict) else None
    if not isinstance(events, list):
        raise DestinationError("the datafile has no list of events")
    return events


def _choice(event: Any) -> dict[str, Any]:
    if event is None:
        raise JavaScriptTypeError("Cannot read properties of null (reading 'key')")
    key = plain_json(get_property(event, "key"))
    return {} if key is UNDEFINED else {"label": key, "value": key}


def _no_choices(message: str, code: str) -> ActionResult:
    return ActionResult("sent", value={"choices": [], "error": {"message": message, "code": code}})
