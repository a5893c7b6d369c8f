"""The destination as a whole: its settings and mappings, and what it does with an event, a deletion or a test."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from optilocal.forwarder.destination import track_event
from optilocal.forwarder.destination.fields import SETTINGS_FIELDS, Findings, check, remove_empty_values
from optilocal.forwarder.destination.mapping import check_mapping, transform
from optilocal.forwarder.destination.mapping.validate import validate as validate_mapping_object
from optilocal.forwarder.destination.trigger import compile_trigger
from optilocal.forwarder.destination.wire import Client, call
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

DEFAULT_TRIGGER: Final = 'type = "track"'
MAX_MAPPINGS: Final = 50
DELETE_URL: Final = "https://api.optimizely.com/v2/subject-access-requests"


@dataclass(frozen=True)
class Settings:
    """The destination's settings as configured, right or wrong: `{"accountId", "dataFileUrl", "accessToken"}`."""

    raw: Mapping[str, Any] = field(default_factory=dict)

    def validate(self) -> dict[str, Any]:
        """The settings after coercion. Raises `AggregateAjvError` with Segment's texts."""
        coerced, findings = self._checked
        findings.raise_if_wrong()
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

    @cached_property
    def changes_event(self) -> bool:
        """Whether a template may increment or decrement a counter in the event itself, which then must be a copy."""
        return self.fields is not track_event.DEFAULT_FIELDS and "crement" in str(self.fields)

    @cached_property
    def is_valid(self) -> bool:
        """Whether `fields` pass validation, which then is not repeated for every event."""
        try:
            check_mapping(self.fields if truthy(self.fields) else {})
        except DestinationError:
            return False
        return True


DEFAULT_SUBSCRIPTION: Final = Subscription("Track Event", DEFAULT_TRIGGER, track_event.DEFAULT_FIELDS)


@dataclass
class ActionResult:
    """What one call came to.

    `outcome` is "sent" (it ran to its end), "skipped" (the trigger did not match or did not parse) or "error".
    `payload` is the event's fields after coercion, None where it did not get that far; `value` is the answer of
    `event_keys`.
    """

    outcome: str
    payload: dict[str, Any] | None = None
    error: DestinationError | None = None
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
    result = ActionResult("error")
    try:
        result.outcome = _run(event, mapping, settings, client, result)
    except DestinationError as error:
        result.error = error
    except RecursionError:
        result.error = JavaScriptRangeError("Maximum call stack size exceeded")
    if isinstance(result.error, ValidationError):
        # Segment's framework sets a status on this one, and none on the aggregate of several.
        result.error.status = 400
    return result


def _run(event: Any, mapping: Subscription, settings: Settings, client: Client, result: ActionResult) -> str:
    """The outcome; `result` gets `matched` and `payload` as soon as they are known. Raises `DestinationError`."""
    configured = settings.validate()
    if not mapping.trigger or not isinstance(mapping.trigger, str):
        return "skipped"
    trigger = compile_trigger(mapping.trigger)
    if trigger.problem is not None:
        return "skipped"
    if isinstance(event, list):
        # The framework takes an array for a batch of events, which this destination has never supported.
        matches = [trigger.matches(item) for item in event]
        result.matched = True in matches
        if result.matched:
            raise IntegrationError("This action does not support batched requests.", "NotImplemented", 501)
        return "skipped"
    if not trigger.matches(event):
        return "skipped"
    result.matched = True
    event = deepcopy(event) if mapping.changes_event else event
    fields = mapping.fields if truthy(mapping.fields) else {}
    payload = transform(fields, event, checked=mapping.is_valid)
    payload = remove_empty_values(payload, track_event.FIELDS)
    findings = check(payload, track_event.FIELDS)
    result.payload = payload if isinstance(payload, dict) else None
    findings.raise_if_wrong()
    _read_audience(event)
    track_event.perform(payload, configured, client)
    return "sent"


def _read_audience(event: Any) -> None:
    # Segment looks for an audience in every event; a null on the way throws (@segment/actions-core, audience membership).
    context = event.get("context", UNDEFINED)
    if context is None:
        raise JavaScriptTypeError("Cannot destructure property 'personas' of '{}' as it is null.")
    if context is not UNDEFINED and get_property(context, "personas") is None:
        raise JavaScriptTypeError("Cannot read properties of null (reading 'computation_class')")


def on_delete(event: Any, settings: Settings, client: Client) -> ActionResult:
    """Asks Optimizely to delete: the request names the account and not the user.

    Source: @segment/action-destinations, optimizely-feature-experimentation-actions/index.ts.
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
        call(client, "POST", DELETE_URL, json=plain_json(wanted), headers=headers)
    except DestinationError as error:
        return ActionResult("error", error=error)
    return ActionResult("sent")


def test_authentication(settings: Settings, client: Client) -> ActionResult:
    """Fetches the datafile once: any 2xx passes; neither account nor token is looked at.

    Source: @segment/action-destinations, optimizely-feature-experimentation-actions/index.ts.
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

    Source: @segment/action-destinations, optimizely-feature-experimentation-actions/trackEvent/index.ts.

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
