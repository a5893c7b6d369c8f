"""The datafile CDN over HTTP: addresses, conditional GET, tokens, states, and what becomes of a changed datafile."""

from email.utils import parsedate_to_datetime

import pytest
from field_builders import codes, datafile, experiment
from space import Space


def test_a_datafile_is_served_as_it_was_set(space: Space) -> None:
    set_ = space.put_datafile()
    assert set_.status_code == 201
    assert set_.json() == {
        "sdkKey": "sdk-1",
        "revision": "1",
        "url": f"{space.base_url}/datafiles/sdk-1.json",
        "warnings": [],
    }
    served = space.session.get(set_.json()["url"])
    assert served.json() == datafile()
    assert "application/json" in served.headers["Content-Type"]
    assert served.headers["Cache-Control"] == "no-cache"
    assert served.headers["Access-Control-Allow-Origin"] == "*"
    assert parsedate_to_datetime(served.headers["Last-Modified"]).tzinfo is not None


def test_the_older_address_goes_by_the_project(space: Space) -> None:
    space.put_datafile()
    assert space.get("/json/20001.json").json() == datafile()
    assert space.get("/json/20002.json").status_code == 403


def test_of_two_environments_the_older_address_gives_the_one_set_last(space: Space) -> None:
    space.put_clock("2026-01-15T10:00:00Z")
    space.put_datafile(datafile(revision="5"), "sdk-1")
    space.put_clock("2026-01-15T10:00:01Z")
    space.put_datafile(datafile(revision="9", sdkKey="sdk-2"), "sdk-2")
    assert space.get("/json/20001.json").json()["revision"] == "9"


@pytest.mark.parametrize(
    "path",
    [
        "/public/20001/datafile_v4.json",
        "/public/20001/datafile_v3.json",
        "/public/20001/s/production_v4.json",
        "/public/20001/s/production.json",
        "/public/20001/s/sdk-1.json",
        "/public/20001/s/20001_20001.json",
        "/public/12001/s/20001_10661100394.json",
        "/public/20001/s/20001.json",
    ],
)
def test_the_oldest_addresses_go_by_project_and_environment(space: Space, path: str) -> None:
    space.put_datafile()
    served = space.get(path)
    assert served.json() == datafile()
    again = space.get(path, headers={"If-Modified-Since": served.headers["Last-Modified"]})
    assert again.status_code == 304
    assert space.call("OPTIONS", path).status_code == 204
    assert [row["surface"] for row in space.rows("exchanges")] == ["datafile", "datafile"]


@pytest.mark.parametrize(
    "path",
    [
        "/public/20002/datafile_v4.json",
        "/public/20001/s/development_v4.json",
        "/public/20001/s/10661100394.json",
        "/public/20002/s/20001_20001.json",
    ],
)
def test_the_oldest_addresses_of_what_is_not_there_are_403(space: Space, path: str) -> None:
    space.put_datafile()
    assert space.get(path).status_code == 403


def test_of_two_environments_each_goes_by_its_name(space: Space) -> None:
    space.put_clock("2026-01-15T10:00:00Z")
    space.put_datafile(datafile(environmentKey="development"), "sdk-1")
    space.put_clock("2026-01-15T10:00:01Z")
    space.put_datafile(datafile(revision="9", sdkKey="sdk-2"), "sdk-2")
    assert space.get("/public/20001/s/development_v4.json").json()["revision"] == "1"
    assert space.get("/public/20001/s/production_v4.json").json()["revision"] == "9"
    assert space.get("/public/20001/s/20001_77.json").json()["revision"] == "9"


def test_an_odd_datafile_is_served_and_what_is_odd_is_told_with_its_path(space: Space) -> None:
    raw = datafile(accountId=12001, experiments=[experiment("a", "running"), experiment("b", None)])
    answer = space.put_datafile(raw)
    assert answer.status_code == 201
    assert [(one["code"], one["path"]) for one in answer.json()["warnings"]] == [
        ("unknown_status", "experiments[0].status"),
        ("python_sdk_refuses", "accountId"),
        ("python_sdk_refuses", "experiments[1].status"),
    ]
    assert space.get("/datafiles/sdk-1.json").json() == raw
    statuses = {key: one["status"] for key, one in space.json("results")["experiments"].items()}
    assert (statuses["a"], statuses["b"]) == ("running", "Not started")


def test_of_many_oddities_the_first_twenty_are_told(space: Space) -> None:
    raw = datafile(experiments=[experiment(f"e{i}", "running") for i in range(30)])
    warnings = space.put_datafile(raw).json()["warnings"]
    assert codes(warnings) == ["unknown_status"] * 20 + ["more_notes"]
    assert warnings[-1]["message"].startswith("10 more")


@pytest.mark.parametrize("path", ["/datafiles/none.json", "/json/1.json", "/datafiles/auth/none.json"])
def test_an_unknown_key_is_403_as_storage_gives_it(space: Space, path: str) -> None:
    space.put_clock(
        "2026-01-15T10:00:00Z"
    )  # a question alone brings no namespace into being, and is not kept
    answer = space.get(path)
    assert answer.status_code == 403
    assert "<Code>AccessDenied</Code>" in answer.text
    [exchange] = space.rows("exchanges")
    assert (exchange["surface"], codes(exchange["warnings"])) == ("datafile", ["unknown_datafile"])


def test_a_client_that_has_the_newest_is_told_304(space: Space) -> None:
    space.put_datafile()
    modified = space.get("/datafiles/sdk-1.json").headers["Last-Modified"]
    again = space.get("/datafiles/sdk-1.json", headers={"If-Modified-Since": modified})
    assert (again.status_code, again.content) == (304, b"")
    nonsense = space.get("/datafiles/sdk-1.json", headers={"If-Modified-Since": "yesterday"})
    assert nonsense.status_code == 200


def test_two_changes_within_one_second_are_both_seen(space: Space) -> None:
    space.put_clock("2026-01-15T10:00:00Z")
    seen = {}
    for revision in ("1", "2", "3"):
        space.put_datafile(datafile(revision=revision))
        since = {"If-Modified-Since": seen["modified"]} if seen else {}
        answer = space.get("/datafiles/sdk-1.json", headers=since)
        assert (answer.status_code, answer.json()["revision"]) == (200, revision)
        seen["modified"] = answer.headers["Last-Modified"]


def test_forgotten_and_set_again_is_never_304(space: Space) -> None:
    space.put_clock("2026-01-15T10:00:00Z")
    space.put_datafile()
    modified = space.get("/datafiles/sdk-1.json").headers["Last-Modified"]
    assert space.call("DELETE", "/_emulator/datafiles/sdk-1").status_code == 200
    assert space.get("/datafiles/sdk-1.json").status_code == 403
    space.put_datafile(datafile(revision="2"))
    assert space.get("/datafiles/sdk-1.json", headers={"If-Modified-Since": modified}).status_code == 200


def test_a_deactivated_project_gets_the_text_that_is_no_json(space: Space) -> None:
    space.put_datafile()
    modified = space.get("/datafiles/sdk-1.json").headers["Last-Modified"]
    state = space.call("PUT", "/_emulator/datafiles/sdk-1/state", json={"deactivated": True})
    assert state.json() == {"sdkKey": "sdk-1", "deactivated": True}
    answer = space.get("/datafiles/sdk-1.json", headers={"If-Modified-Since": modified})
    assert answer.status_code == 200
    assert answer.text.startswith("// This Optimizely project has been deactivated.")
    assert "json" not in answer.headers["Content-Type"]
    assert space.rows("datafiles")[0]["deactivated"] is True
    space.call("PUT", "/_emulator/datafiles/sdk-1/state", json={"deactivated": False})
    assert space.get("/datafiles/sdk-1.json").json() == datafile()


def test_the_authenticated_address_wants_the_token_that_was_set(space: Space) -> None:
    space.call("PUT", "/_emulator/datafiles/sdk-1?token=df-token", json=datafile())
    path = "/datafiles/auth/sdk-1.json"
    assert space.get(path).status_code == 403
    assert space.get(path, headers={"Authorization": "Bearer other"}).status_code == 403
    assert space.get(path, headers={"Authorization": "Basic df-token"}).status_code == 403
    assert space.get(path, headers={"Authorization": "Bearer df-token"}).json() == datafile()
    assert "df-token" not in space.get("/_emulator/datafiles").text
    assert "df-token" not in space.get("/_emulator/exchanges").text


def test_without_a_token_set_any_token_opens_it(space: Space) -> None:
    space.put_datafile()
    assert space.get("/datafiles/auth/sdk-1.json").status_code == 403
    answer = space.get("/datafiles/auth/sdk-1.json", headers={"Authorization": "Bearer any"})
    assert answer.status_code == 200


def test_raw_text_is_served_with_the_type_and_status_asked_for(space: Space) -> None:
    where = "/_emulator/datafiles/sdk-1?raw=1"
    plain = space.call("PUT", where, data="null")
    assert codes(plain.json()["warnings"]) == ["no_datafile"]
    assert plain.json()["revision"] is None
    assert space.get("/datafiles/sdk-1.json").text == "null"
    assert "application/json" in space.get("/datafiles/sdk-1.json").headers["Content-Type"]
    space.call("PUT", f"{where}&content_type=text/html&status=502", data="<h1>Bad gateway</h1>")
    answer = space.get("/datafiles/sdk-1.json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html")
    assert space.get("/_emulator/datafiles/sdk-1").text == "<h1>Bad gateway</h1>"


def test_raw_text_that_is_a_datafile_still_counts(space: Space) -> None:
    where = "/_emulator/datafiles/sdk-1?raw=1&content_type=text/plain"
    answer = space.call("PUT", where, json=datafile())
    assert answer.json() == {**answer.json(), "revision": "1", "warnings": []}
    assert "checkout" in space.json("results")["experiments"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[]", "object"),
        ("{}", "projectId"),
        ('{"version": "4"}', "revision"),
        ('{"a": "\\ud800"}', "projectId"),
    ],
)
def test_what_is_no_datafile_is_refused_with_the_reason(space: Space, body: str, named: str) -> None:
    answer = space.call("PUT", "/_emulator/datafiles/sdk-1", data=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_datafile"
    assert named in answer.json()["error"]["message"]
    assert "\n" not in answer.json()["error"]["message"]
    assert space.get("/datafiles/sdk-1.json").status_code == 403


def test_a_changed_datafile_with_an_unchanged_revision_is_warned_of(space: Space) -> None:
    space.put_datafile()
    assert space.put_datafile().json()["warnings"] == []
    changed = space.put_datafile(datafile(experiments=[experiment("checkout", "Paused")]))
    assert changed.status_code == 200
    assert codes(changed.json()["warnings"]) == ["revision_unchanged"]
    raised = space.put_datafile(datafile(revision="2"))
    assert raised.json()["warnings"] == []


def test_another_sdk_key_inside_is_warned_of(space: Space) -> None:
    assert codes(space.put_datafile(key="other").json()["warnings"]) == ["other_sdk_key"]


def test_the_list_tells_the_history(space: Space) -> None:
    space.put_clock("2026-01-15T10:00:00Z")
    space.put_datafile()
    space.put_clock("2026-01-15T11:00:00Z")
    space.put_datafile(datafile(revision="2"))
    [row] = space.rows("datafiles")
    start = 1_768_471_200_000
    assert row["revisions"] == [
        {"revision": "1", "from": start},
        {"revision": "2", "from": start + 3_600_000},
    ]
    assert (row["sdkKey"], row["revision"], row["from"]) == ("sdk-1", "2", start + 3_600_000)
    assert row["datafile"] == datafile(revision="2")
    assert row["url"] == f"{space.base_url}/datafiles/sdk-1.json"
    everywhere = space.rows("datafiles", ns="*")
    assert row in everywhere


def test_the_datafile_of_a_time(space: Space) -> None:
    for hour, revision in (("10", "1"), ("11", "2")):
        space.put_clock(f"2026-01-15T{hour}:00:00Z")
        space.put_datafile(datafile(revision=revision))
    start = 1_768_471_200_000
    for at, revision in ((0, "1"), (start, "1"), (start + 3_599_999, "1"), (start + 3_600_000, "2")):
        assert space.get(f"/_emulator/datafiles/sdk-1?at={at}").json()["revision"] == revision
    assert space.get("/_emulator/datafiles/sdk-1?at=noon").status_code == 400


@pytest.mark.parametrize(("path", "method"), [("x", "DELETE"), ("x", "GET"), ("x/state", "PUT")])
def test_an_unknown_datafile_is_404_on_the_control_surface(space: Space, path: str, method: str) -> None:
    body = {"json": {"deactivated": True}} if method == "PUT" else {}
    answer = space.call(method, f"/_emulator/datafiles/{path}", **body)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_datafile"


@pytest.mark.parametrize("query", ["status=99", "status=abc", "content_type=a%0Ab"])
def test_an_impossible_answer_is_refused(space: Space, query: str) -> None:
    answer = space.call("PUT", f"/_emulator/datafiles/k?raw=1&{query}", data="x")
    assert answer.json()["error"]["code"] == "invalid_parameter"


def test_preflights_of_polling_browsers_pass(space: Space) -> None:
    answer = space.call("OPTIONS", "/datafiles/sdk-1.json", headers={"Origin": "https://a.example"})
    assert answer.status_code == 204
    assert "if-modified-since" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_none_whatever_is_given(space: Space, status: int) -> None:
    path = f"/_emulator/datafiles/sdk-1?raw=1&status={status}"
    space.call("PUT", path, data='{"not": "sent"}')
    answer = space.get("/datafiles/sdk-1.json")
    assert (answer.status_code, answer.content) == (status, b"")
    assert "Content-Length" not in answer.headers or answer.headers["Content-Length"] == "0"
    space.put_datafile()
    space.put_faults({"on": "datafile", "status": status, "body": "not sent"})
    assert (space.get("/datafiles/sdk-1.json").status_code, space.rows("exchanges")[-1]["response"]) == (
        status,
        "",
    )
    # The connection is still in step: nothing was left over for the next answer.
    assert space.get("/_emulator/health").json()["status"] == "ok"
