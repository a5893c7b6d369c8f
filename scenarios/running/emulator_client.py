"""One namespace of the emulator, over HTTP or in this process: the control surface as runner and commands need it."""

from __future__ import annotations

import json as json_module
import math
import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests

from optilocal.scenarios.language.problems import CannotRun
from optilocal.scenarios.running.verdict_feed import PAGE, pages

Ask = Callable[[str, str, bytes, Mapping[str, str]], tuple[int, bytes]]
"""Method, path with query, body and headers → status and body."""

_TIMEOUT_S = (5, 90)
_COUNTED = ("seen", "applied", "active", "namespace")


def new_session() -> requests.Session:
    """A session for a sandbox, which ignores the proxies that the environment names, and shows OPTILOCAL_TOKEN if there is
    one.
    """
    session = requests.Session()
    session.trust_env = False
    token = os.environ.get("OPTILOCAL_TOKEN")
    if token:
        session.headers["Authorization"] = f"Bearer {token}"
    return session


class EmulatorClient:
    """One namespace (`default` without a name) of the emulator at `base_url`.

    An emulator of this process can be asked without the network: `ask` then answers every call, `base_url` is where
    others reach it. Every method raises CannotRun, one line, when the emulator is not reached or refuses.
    """

    def __init__(
        self,
        base_url: str,
        namespace: str | None = None,
        session: requests.Session | None = None,
        ask: Ask | None = None,
    ) -> None:
        self.root = base_url.rstrip("/")
        self.namespace = namespace
        self.base_url = self.root if namespace is None else f"{self.root}/ns/{namespace}"
        self.session = session or new_session()
        self._path = urlsplit(self.base_url).path
        self._origin = self.base_url.removesuffix(self._path)
        self._own_ask = ask

    def in_namespace(self, name: str) -> EmulatorClient:
        """Another namespace of the same emulator over the same session."""
        return EmulatorClient(self.root, name, self.session, self._own_ask)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, Any] | None = None,
        json: Any = None,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """One request; the decoded JSON of the answer, None when it is empty. Parameters that are None are left out."""
        if json is not None:
            data = json_module.dumps(json).encode()
            headers = {"Content-Type": "application/json", **(headers or {})}
        parameters = {name: value for name, value in (params or {}).items() if value is not None}
        target = (
            f"{self._path}{path}?{urlencode(parameters, doseq=True)}" if parameters else self._path + path
        )
        ask = self._own_ask or self._over_http
        try:
            status, content = ask(method, target, data or b"", headers or {})
        except OSError as error:  # requests' own errors among them
            raise CannotRun(
                f"no emulator answers at {self.root}: {_cause(error)}; start one with `optilocal up`"
            ) from None
        if status >= 400:
            raise CannotRun(
                f"the emulator refused {method} {self.base_url}{path}: {status} {_message(content)}"
            )
        if not content:
            return None
        try:
            return json_module.loads(content)
        except ValueError:
            raise CannotRun(
                f"what answers at {self.root} is not an emulator of optilocal: {method} {path} was not answered with JSON"
            ) from None

    def _over_http(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        url = self._origin + target
        answer = self.session.request(method, url, data=body or None, headers=headers, timeout=_TIMEOUT_S)
        return answer.status_code, answer.content

    def health(self) -> dict[str, Any]:
        """`{"status": "ok", "version"}`."""
        return _health(self.session, self.root, "emulator")

    def put_datafile(self, sdk_key: str, datafile: dict[str, Any]) -> dict[str, Any]:
        """A new revision of a datafile; the answer carries its URL and warnings."""
        return dict(self.call("PUT", f"/_emulator/datafiles/{sdk_key}", json=datafile))

    def datafiles(self) -> list[dict[str, Any]]:
        """The datafiles served, in the order they came."""

        def ask(after: Any) -> dict[str, Any]:
            page: dict[str, Any] = self.call("GET", "/_emulator/datafiles", params={"after": after})
            return page

        return [row for page in pages(ask, "datafiles", limit=math.inf) for row in page["datafiles"]]

    def put_raw_datafile(self, sdk_key: str, text: str, content_type: str | None, status: int | None) -> None:
        """Any text in the datafile's place, with the content type and status it is to be served with."""
        params = {"raw": "1", "content_type": content_type, "status": status}
        self.call("PUT", f"/_emulator/datafiles/{sdk_key}", params=params, data=text.encode())

    def set_deactivated(self, sdk_key: str, deactivated: bool) -> None:
        """The project is deactivated in Optimizely, or active again."""
        self.call("PUT", f"/_emulator/datafiles/{sdk_key}/state", json={"deactivated": deactivated})

    def put_predictions(self, rule: str, table: Any) -> None:
        """What the prediction service answers for a contextual bandit, named by id or key: a variation or a table."""
        self.call("PUT", f"/_emulator/predictions/{quote(rule, safe='')}", json=table)

    def put_clock(self, iso_time: str) -> None:
        """Freeze the namespace's clock at a time."""
        self.call("PUT", "/_emulator/clock", json={"now": iso_time})

    def force(self, experiment: str, variation: str, user: str | None = None) -> list[str]:
        """Have SDKs show a user, or everybody, a variation, besides what is forced already; the emulator's warnings."""
        in_force = self.call("GET", "/_emulator/forced")["forced"]
        rules = [{name: rule[name] for name in ("experiment", "variation", "user")} for rule in in_force]
        new = {"experiment": experiment, "variation": variation, "user": user}
        return list(self.call("PUT", "/_emulator/forced", json=[*rules, new])["warnings"])

    def add_faults(self, rules: list[dict[str, Any]]) -> None:
        """Put fault rules in force besides what is left of those already there."""
        left = [_left(rule) for rule in self.call("GET", "/_emulator/faults")["faults"] if rule["active"]]
        self.call("PUT", "/_emulator/faults", json=[*left, *rules])

    def results(self, **question: str | None) -> dict[str, Any]:
        """The counts, by the key of the experiment or holdout; a holdout's groups stand as its variations, `holdout` and
        `everyone_else`. `question` is what `/_emulator/results` takes, None what is not asked.
        """
        answer = self.call("GET", "/_emulator/results", params=question)
        holdouts = {
            key: {"id": holdout["id"], "status": holdout["status"], "variations": holdout["groups"]}
            for key, holdout in answer.get("holdouts", {}).items()
        }
        return {**holdouts, **answer["experiments"]}

    def experiment_results(self) -> dict[str, Any]:
        """The counts of the experiments alone, by key."""
        return dict(self.call("GET", "/_emulator/results")["experiments"])

    def health_of_experiments(self) -> dict[str, Any]:
        """Each experiment's health by its key: `{"status", CHECK: {"status", …}}`."""
        experiments = self.call("GET", "/_emulator/results", params={"health": "yes"})["experiments"]
        return {key: experiment["health"] for key, experiment in experiments.items()}

    def verdicts(self, **filters: Any) -> list[dict[str, Any]]:
        """All verdicts that match the filters (`wait` and `count` among them), oldest first."""
        return self.listing("verdicts", **filters)

    def exchanges(self, **filters: Any) -> list[dict[str, Any]]:
        """All requests on the imitated surface that match the filters, oldest first."""
        return self.listing("exchanges", **filters)

    def listing(self, name: str, **filters: Any) -> list[dict[str, Any]]:
        """Every row of a listing, page by page."""

        def ask(after: Any) -> dict[str, Any]:
            params = {**filters, "limit": PAGE, "after": after}
            page: dict[str, Any] = self.call("GET", f"/_emulator/{name}", params=params)
            filters.pop("wait", None)
            return page

        listing = pages(ask, name, filters.pop("after", None))
        return [row for page in listing for row in page[name] if "unreadable" not in row]

    def subject_access_requests(self, token: str) -> list[dict[str, Any]]:
        """The subject access requests of the account, oldest first."""
        rows: list[dict[str, Any]] = []
        page = 1
        while True:
            rows_of_page = self.call(
                "GET",
                "/v2/subject-access-requests",
                params={"per_page": 100, "page": page},
                headers={"Authorization": f"Bearer {token}"},
            )
            rows.extend(rows_of_page)
            if len(rows_of_page) < 100:
                return sorted(rows, key=lambda row: row["id"])
            page += 1

    def post_run(self, run: dict[str, Any]) -> str:
        """Publish a run, or what has become of it since, for the viewer; its id."""
        return str(self.call("POST", "/_emulator/runs", json=run)["id"])


def forwarder_health(base_url: str) -> dict[str, Any]:
    """`{"status": "ok", …}` of the forwarder at `base_url`. Raises CannotRun when none answers there."""
    return _health(new_session(), base_url.rstrip("/"), "forwarder")


def _health(session: requests.Session, root: str, server: str) -> dict[str, Any]:
    try:
        health = session.get(f"{root}/_{server}/health", timeout=(5, 90)).json()
    except requests.JSONDecodeError:
        health = None
    except requests.RequestException as error:
        raise CannotRun(
            f"no {server} answers at {root}: {_cause(error)}; start one with `optilocal up`"
        ) from None
    if not isinstance(health, dict) or health.get("status") != "ok":
        named = "an emulator" if server == "emulator" else "a forwarder"
        raise CannotRun(
            f"what answers at {root} is not {named} of optilocal; give the {server}'s own address"
        )
    return health


def _left(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule in force as a new one: what it has skipped and applied is behind it."""
    times = rule["times"]
    skip, times = max(rule["skip"] - rule["seen"], 0), None if times is None else times - rule["applied"]
    return {
        **{name: value for name, value in rule.items() if name not in _COUNTED},
        "skip": skip,
        "times": times,
    }


def _cause(error: Exception) -> str:
    text = str(error)
    for known in (
        "Connection refused",
        "timed out",
        "Name or service not known",
        "Failed to resolve",
        "No route to host",
    ):
        if known in text:
            return known.lower()
    lost = isinstance(error, ConnectionError | requests.ConnectionError)
    return type(error).__name__ if lost else text


def _message(answer: bytes) -> str:
    try:
        return str(json_module.loads(answer)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return answer.decode("utf-8", "replace")[:200]
