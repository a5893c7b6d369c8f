"""The destination as a whole, against a client that answers from a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from optilocal.forwarder.destination import destination
from optilocal.forwarder.destination.destination import (
    DEFAULT_SUBSCRIPTION,
    ActionResult,
    Settings,
    Subscription,
)
from optilocal.forwarder.destination.wire import Response
from optilocal.forwarder.errors import (
    AggregateError,
    DestinationError,
    FetchError,
    RequestTimedOut,
)
from optilocal.forwarder.javascript.values import UNDEFINED

URL = "https://cdn.optimizely.com/datafiles/k.json"
SETTINGS = Settings({"accountId": "12001", "dataFileUrl": URL, "accessToken": "pat-1"})
EVENT: dict[str, Any] = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u-1",
    "anonymousId": "anon-1",
    "messageId": "m-1",
    "timestamp": "2024-01-02T03:04:05.678Z",
    "properties": {"revenue": 20},
}
DATAFILE = '{"accountId":"1","events":[{"key":"Order Completed","id":"e-1"}]}'
JSON = {"content-type": "application/json; charset=utf-8"}


class Answers:
    """Answers calls in turn; an exception in the list is raised."""

    def __init__(self, *answers: Response | DestinationError) -> None:
        self._answers = list(answers)
        self.calls: list[tuple[str, str, Any, dict[str, str]]] = []

    def request(
        self, method: str, url: str, *, json: Any = UNDEFINED, headers: Mapping[str, str] | None = None
    ) -> Response:
        self.calls.append((method, url, json, dict(headers or {})))
        answer = self._answers.pop(0)
        if isinstance(answer, DestinationError):
            raise answer
        return answer


def _on_event(
    event: Any, *answers: Response | DestinationError, **changes: Any
) -> tuple[ActionResult, Answers]:
    client = Answers(*answers)
    mapping = Subscription(
        "m", changes.get("trigger", 'type = "track"'), changes.get("fields", DEFAULT_SUBSCRIPTION.fields)
    )
    return destination.on_event(event, mapping, changes.get("settings", SETTINGS), client), client


def _good() -> tuple[Response, Response]:
    return Response(200, "OK", JSON, DATAFILE), Response(204, "No Content")


def test_an_event_is_sent() -> None:
    result, client = _on_event(EVENT, *_good())
    assert (result.outcome, result.error, result.matched) == ("sent", None, True)
    assert result.payload == {
        "eventKey": "Order Completed",
        "userId": "u-1",
        "revenue": 20,
        "eventTags": {"revenue": 20},
        "timestamp": "2024-01-02T03:04:05.678Z",
        "uuid": "m-1",
    }
    assert [(method, url) for method, url, _, _ in client.calls] == [
        ("GET", URL),
        ("POST", "https://logx.optimizely.com/v1/events"),
    ]
    assert client.calls[0][2] is UNDEFINED
    assert client.calls[1][2]["visitors"][0]["visitor_id"] == "u-1"


@pytest.mark.parametrize(
    ("changes", "visitor"),
    [
        ({"userId": None}, "anon-1"),
        ({"userId": 123}, "123"),
        ({"userId": 0}, "0"),
        ({"userId": False}, "false"),
        ({"userId": ["x"]}, "x"),
    ],
)
def test_who_the_visitor_is(changes: dict[str, Any], visitor: str) -> None:
    _, client = _on_event({**EVENT, **changes}, *_good())
    assert client.calls[1][2]["visitors"][0]["visitor_id"] == visitor


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"userId": ""}, "The root value is missing the required field 'userId'."),
        ({"event": ""}, "The root value is missing the required field 'eventKey'."),
        ({"messageId": None}, "The root value is missing the required field 'uuid'."),
        ({"timestamp": ""}, "The root value is missing the required field 'timestamp'."),
        ({"properties": {"revenue": 19.99}}, "Revenue must be an integer but it was a number."),
        ({"context": {"traits": "x"}}, "Event Attributes must be an object but it was a string."),
    ],
)
def test_a_wrong_payload_is_kept_with_its_error_and_asks_for_nothing(
    changes: dict[str, Any], message: str
) -> None:
    result, client = _on_event({**EVENT, **changes})
    assert result.outcome == "error"
    assert result.error is not None
    assert result.error.as_json() == {"name": "AggregateAjvError", "message": message, "status": 400}
    assert result.payload is not None
    assert client.calls == []


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([Response(403, "Forbidden")], {"name": "HTTPError", "message": "Forbidden", "status": 403}),
        ([Response(304, "Not Modified")], {"name": "HTTPError", "message": "Not Modified", "status": 304}),
        ([Response(599)], {"name": "HTTPError", "message": "599", "status": 599}),
        ([Response(200, "OK", JSON, "// off")], {"name": "IntegrationError", "message": "// off", "status": 400, "code": "PROJECT_DEACTIVATED"}),
        ([Response(200, "OK", JSON, "")], {"name": "IntegrationError", "message": "", "status": 400, "code": "PROJECT_DEACTIVATED"}),
        ([Response(200, "OK", {"content-type": "text/plain"}, DATAFILE)], {"name": "PayloadValidationError", "message": "Event with name Order Completed is not defined", "status": 400, "code": "PAYLOAD_VALIDATION_FAILED"}),
        ([Response(200, "OK", {}, DATAFILE)], {"name": "PayloadValidationError", "message": "Event with name Order Completed is not defined", "status": 400, "code": "PAYLOAD_VALIDATION_FAILED"}),
        ([Response(200, "OK", JSON, "null")], {"name": "TypeError", "message": "Cannot read properties of null (reading 'events')"}),
        ([Response(200, "OK", JSON, DATAFILE), Response(503, "Service Unavailable")], {"name": "HTTPError", "message": "Service Unavailable", "status": 503}),
        ([RequestTimedOut()], {"name": "TimeoutError", "message": "Request timed out after 10000ms", "code": "ETIMEDOUT"}),
        ([FetchError("request to x failed", "ECONNREFUSED")], {"name": "FetchError", "message": "request to x failed", "code": "ECONNREFUSED"}),
    ],
)  # fmt: skip
def test_what_can_go_wrong_on_the_way(
    answers: list[Response | DestinationError], error: dict[str, Any]
) -> None:
    result, _ = _on_event(EVENT, *answers)
    assert result.outcome == "error"
    assert result.error is not None
    assert result.error.as_json() == error
    assert result.payload is not None


@pytest.mark.parametrize("trigger", ['type = "page"', "nonsense", "", None])
def test_events_that_are_skipped(trigger: Any) -> None:
    result, client = _on_event(EVENT, trigger=trigger)
    assert (result.outcome, result.matched, result.payload) == ("skipped", False, None)
    assert client.calls == []


def test_settings_come_before_everything_else() -> None:
    result, _ = _on_event(EVENT, trigger="nonsense", settings=Settings({"dataFileUrl": "x"}))
    assert result.error is not None
    assert result.error.details == [
        "The root value is missing the required field 'accountId'.",
        "Datafile URL must be a valid URI string but it was not.",
    ]


def test_settings_are_coerced() -> None:
    settings = Settings({"accountId": 12001, "dataFileUrl": [URL], "other": 1})
    assert settings.validate() == {"accountId": "12001", "dataFileUrl": URL}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://a/b", "Only HTTP(S) protocols are supported"),
        ("http://", "Invalid URL"),
        ("file:///x", "Only absolute URLs are supported"),
    ],
)
def test_addresses_that_are_never_called(url: str, message: str) -> None:
    settings = Settings({"accountId": "1", "dataFileUrl": url})
    result, client = _on_event(EVENT, settings=settings)
    assert result.error is not None
    assert (result.error.name, result.error.message) == ("TypeError", message)
    assert client.calls == []


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({**EVENT, "context": None}, "Cannot destructure property 'personas' of '{}' as it is null."),
        (
            {**EVENT, "context": {"personas": None}},
            "Cannot read properties of null (reading 'computation_class')",
        ),
        (None, "Cannot read properties of null (reading 'type')"),
    ],
)
def test_nulls_that_segments_code_stumbles_over(event: Any, message: str) -> None:
    result, client = _on_event(event)
    assert result.error is not None
    assert (result.error.name, result.error.message) == ("TypeError", message)
    assert client.calls == []


def test_a_batch_is_not_supported() -> None:
    result, _ = _on_event([EVENT, {"type": "page"}])
    assert result.error is not None
    assert result.error.as_json() == {
        "name": "IntegrationError",
        "message": "This action does not support batched requests.",
        "code": "NotImplemented",
        "status": 501,
    }
    assert _on_event([{"type": "page"}])[0].outcome == "skipped"


def test_a_wrong_mapping_has_a_status_only_when_it_is_one_directive() -> None:
    one, _ = _on_event(EVENT, fields={"@nope": 1})
    several, _ = _on_event(EVENT, fields={"eventKey": {"@nope": 1}})
    assert one.error is not None
    assert several.error is not None
    assert (one.error.name, one.error.status) == ("ValidationError", 400)
    assert (several.error.name, several.error.status) == ("AggregateError", None)


def test_a_template_that_counts_leaves_the_event_alone() -> None:
    event = {**EVENT, "n": 5}
    fields = {**DEFAULT_SUBSCRIPTION.fields, "revenue": {"@liquid": "{% increment n %}"}}
    result, _ = _on_event(event, *_good(), fields=fields)
    assert result.payload is not None
    assert result.payload["revenue"] == 5
    assert event["n"] == 5


def test_mappings_are_refused_when_they_are_configured() -> None:
    destination.validate_mapping(DEFAULT_SUBSCRIPTION)
    with pytest.raises(AggregateError, match="/eventKey/@path should be a string"):
        destination.validate_mapping(Subscription("m", 'type = "track"', {"eventKey": {"@path": 1}}))
    with pytest.raises(
        DestinationError, match=r"Invalid subscription : contains\(\) is missing a 1st argument"
    ):
        destination.validate_mapping(Subscription("m", "contains", {}))
    with pytest.raises(DestinationError, match="Failed to validate subscription"):
        destination.validate_mapping(Subscription("m", "", {}))


def test_deletion_names_the_account_and_not_the_user() -> None:
    client = Answers(Response(201, "Created"))
    assert destination.on_delete({"userId": "u-1"}, SETTINGS, client).outcome == "sent"
    assert client.calls == [
        (
            "POST",
            "https://api.optimizely.com/v2/subject-access-requests",
            {
                "data_type": "visitor",
                "identifier": "12001",
                "identifier_type": "dcp_id",
                "request_type": "delete",
            },
            {"authorization": "Bearer pat-1"},
        )
    ]


@pytest.mark.parametrize(
    ("settings", "answers", "error"),
    [
        ({"accountId": "1", "dataFileUrl": URL}, [], {"name": "InvalidAuthenticationError", "message": "Access Token is required for user deletion.", "status": 401, "code": "INVALID_AUTHENTICATION"}),
        ({"accountId": "1", "dataFileUrl": URL, "accessToken": "é\u0100"}, [], {"name": "TypeError", "message": "Bearer é\u0100 is not a legal HTTP header value"}),
        ({"accountId": "1", "dataFileUrl": URL, "accessToken": "t"}, [Response(401, "Unauthorized")], {"name": "HTTPError", "message": "Unauthorized", "status": 401}),
        ({"accessToken": "t"}, [], {"name": "AggregateAjvError", "message": "The root value is missing the required field 'accountId'. The root value is missing the required field 'dataFileUrl'.", "status": 400}),
    ],
)  # fmt: skip
def test_deletions_that_fail(
    settings: dict[str, Any], answers: list[Response], error: dict[str, Any]
) -> None:
    result = destination.on_delete({"userId": "u"}, Settings(settings), Answers(*answers))
    assert result.error is not None
    assert result.error.as_json() == error


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Response(200, "OK", {}, "not json"), None),
        (Response(403, "Forbidden"), "Credentials are invalid: 403 Forbidden"),
        (
            FetchError("request to x failed, reason: y"),
            "Credentials are invalid:  request to x failed, reason: y",
        ),
    ],
)
def test_credentials(answer: Response | DestinationError, message: str | None) -> None:
    result = destination.test_authentication(SETTINGS, Answers(answer))
    if message is None:
        assert result.outcome == "sent"
    else:
        assert result.error is not None
        assert result.error.as_json() == {"name": "Error", "message": message}


UNKNOWN = {"choices": [], "error": {"message": "Unknown error", "code": "Unknown code"}}


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (Response(200, "OK", JSON, '{"events":[{"key":"B"},{"key":"A"},{}]}'), {"choices": [{"label": "B", "value": "B"}, {"label": "A", "value": "A"}, {}]}),
        (Response(404, "Not Found"), {"choices": [], "error": {"message": "Not Found", "code": "404"}}),
        (Response(200, "OK", JSON, "{}"), UNKNOWN),
        (Response(200, "OK", JSON, '{"events":[null]}'), UNKNOWN),
        (Response(200, "OK", {}, '{"events":[]}'), UNKNOWN),
        (FetchError("no"), UNKNOWN),
    ],
)  # fmt: skip
def test_the_choices_of_event_keys(answer: Response | DestinationError, value: dict[str, Any]) -> None:
    result = destination.event_keys(SETTINGS, Answers(answer))
    assert (result.outcome, result.value) == ("sent", value)
