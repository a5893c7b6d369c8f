"""The datafiles of a namespace as the CDN holds them: text, revision history, state; by SDK key and by project."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optilocal.emulator.batch.row import Note, note
from optilocal.emulator.datafile.datafile import Datafile, DatafileError, same_but_for_revision
from optilocal.emulator.datafile.sdk_demands import datafile_notes
from optilocal.emulator.journal.documents import Documents
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.json_text import loads
from optilocal.serving.namespaces import DEFAULT

STORED = "datafile"
REVISION = "revision"
_MOST_NOTES = 20
_VERSION = re.compile(r"_v[0-9]+$")
DEACTIVATED_TEXT = "// This Optimizely project has been deactivated. Visit app.optimizely.com to activate it."


@dataclass(frozen=True)
class Content:
    """What is served under an SDK key. `datafile` is None when the text is not a datafile, which only `raw` allows."""

    text: str
    datafile: dict[str, Any] | None
    raw: bool = False
    content_type: str | None = None
    status: int | None = None
    token: str | None = None

    @property
    def revision(self) -> str | None:
        """The datafile's revision as text; None when the text is not a datafile."""
        return str(self.datafile["revision"]) if self.datafile is not None else None


def read_content(
    text: str,
    *,
    raw: bool,
    content_type: str | None = None,
    status: int | None = None,
    token: str | None = None,
) -> Content:
    """Check a text. Raises DatafileError, one line, when it is not a datafile and `raw` is not set."""
    parsed: Any = None
    try:
        parsed = loads(text)
        Datafile.from_json(parsed)
    except DatafileError:
        if not raw:
            raise
        parsed = None
    except ValueError as error:
        if not raw:
            raise DatafileError(f"not an Optimizely datafile: not valid JSON ({error})") from None
        parsed = None
    return Content(text, parsed, raw, content_type, status, token)


class DatafileStore:
    """One namespace's datafiles."""

    def __init__(self, journal: Journal, namespace: str) -> None:
        self.journal = journal
        self.namespace = namespace

    def put(self, sdk_key: str, content: Content, now: int) -> tuple[bool, list[Note]]:
        """Set a datafile from `now` on. True when the key was not known before; the warnings."""
        old = self.get(sdk_key)
        warnings: list[Note] = []
        last = next(reversed(self._revisions(sdk_key)), None)
        if content.datafile is not None:
            named = content.datafile.get("sdkKey")
            if named is not None and named != sdk_key:
                warnings.append(
                    note("other_sdk_key", f"the datafile itself says sdkKey {named!r:.60}, not {sdk_key!r}")
                )
            if last is not None and same_but_for_revision(last["datafile"], content.datafile):
                text = (
                    f"the datafile changed but its revision is still {content.revision!r}: SDKs that hold the"
                    " old one will not take it up; raise the revision"
                )
                warnings.append(note("revision_unchanged", text))
            warnings += _first(datafile_notes(content.datafile))
        elif content.raw:
            warnings.append(note("no_datafile", "the text is not a datafile; it is served as it is"))
        described = content.datafile or (last["datafile"] if last else {})
        state = {
            **{name: value for name, value in vars(content).items() if name != "datafile"},
            "project_id": _text(described.get("projectId")),
            "account_id": _text(described.get("accountId")),
            "environment": _text(described.get("environmentKey")),
            "revision": content.revision,
            "from": now,
            "deactivated": False,
        }
        revision = {"of": sdk_key, "from": now, "revision": content.revision, "datafile": content.datafile}

        def put(documents: Documents) -> None:
            revisions = [doc for doc in documents.all(REVISION) if doc["of"] == sdk_key]
            if content.datafile is not None and (
                not revisions or revisions[-1]["datafile"] != content.datafile
            ):
                documents.add(REVISION, lambda _: revision)
            _store(documents, sdk_key, now, state)

        self.journal.transact(self.namespace, put, restates=True)
        return old is None, warnings

    def _revisions(self, sdk_key: str) -> list[dict[str, Any]]:
        """The key's revisions, oldest first."""
        return [doc for _, _, doc in self.journal.documents(REVISION, self.namespace) if doc["of"] == sdk_key]

    def get(self, sdk_key: str) -> dict[str, Any] | None:
        """What the key's place holds, or None when the key is not known."""
        state = self.journal.document(STORED, self.namespace, sdk_key)
        return state if state and state["text"] is not None else None

    def held_at(self, sdk_key: str, at: int) -> dict[str, Any] | None:
        """The datafile that held at a time (epoch ms), as the first one did before it; None when there never was one."""
        revisions = self._revisions(sdk_key)
        held = [doc for doc in revisions if doc["from"] <= at] or revisions[:1]
        datafile: dict[str, Any] | None = held[-1]["datafile"] if held else None
        return datafile

    def find_project(self, project_id: str) -> dict[str, Any] | None:
        """What the place of a project's datafile holds: of several environments the one set last."""
        return _set_last([state for _, state in self._held() if state["project_id"] == project_id])

    def find_environment(self, owner_id: str, name: str) -> dict[str, Any] | None:
        """What an older address of the form `/public/<owner>/s/<name>.json` holds, or None when nothing is meant by it.

        The owner is the account or the project. The name is an environment, `<environment>_v<version>`, or
        `<project>_<environment>`, where an environment goes by its key, by the key that its datafile is served under, or
        by its id. No datafile tells the id, so any id is that of the environment set last. A datafile that does not tell
        its environment's key either, and is the only one of its owner, is served under any name.
        """
        name = _VERSION.sub("", name)
        owned = [
            (key, state)
            for key, state in self._held()
            if owner_id in (state["project_id"], state["account_id"])
        ]
        named, by_id = [], []
        for key, state in owned:
            project = state["project_id"]
            environment = name.removeprefix(f"{project}_")
            if environment in (state.get("environment"), key) or f"{project}_{environment}" == key:
                named.append(state)
            elif environment.isdecimal() and (environment != name or name == project):
                by_id.append(state)
        unnamed = [state for _, state in owned if state.get("environment") is None]
        return _set_last(named) or _set_last(by_id) or (unnamed[0] if unnamed and len(owned) == 1 else None)

    def _held(self) -> list[tuple[str, dict[str, Any]]]:
        """Every key with what its place holds."""
        rows = self.journal.documents(STORED, self.namespace)
        return [(key, state) for _, key, state in rows if state["text"] is not None]

    def set_deactivated(self, sdk_key: str, deactivated: bool, now: int) -> bool:
        """Deactivate the key's project, or activate it again; False when the key is not known."""
        state = self.get(sdk_key)
        if state is None:
            return False
        new = {**state, "deactivated": deactivated}
        self.journal.transact(self.namespace, lambda documents: _store(documents, sdk_key, now, new))
        return True

    def forget(self, sdk_key: str, now: int) -> bool:
        """Forget a datafile with all its revisions; False when the key is not known."""
        if self.get(sdk_key) is None:
            return False

        def forget(documents: Documents) -> None:
            documents.delete_where(REVISION, of=sdk_key)
            _store(documents, sdk_key, now, None)

        self.journal.transact(self.namespace, forget, restates=True)
        return True

    def account_id(self) -> str | None:
        """The account that the namespace's datafiles name, of several the one set last."""
        newest = _set_last([state for _, state in self._held()])
        return newest["account_id"] if newest else None


def _store(documents: Documents, sdk_key: str, now: int, state: Mapping[str, Any] | None) -> None:
    # Last-Modified counts whole seconds and must move with every change, or a client is told 304 wrongly.
    modified = max(now // 1000, (documents.get(STORED, sdk_key) or {}).get("modified", 0) + 1)
    documents.put(STORED, {**(state or {"text": None}), "modified": modified}, sdk_key)


def touched(documents: Documents, sdk_key: str, now: int, state: Mapping[str, Any]) -> None:
    """Let a datafile count as changed: what is made of it when it is served has changed."""
    if state["text"] is not None:
        _store(documents, sdk_key, now, state)


def _set_last(states: list[dict[str, Any]]) -> dict[str, Any] | None:
    # Several may have been set in one millisecond; the last of them comes last.
    return max(reversed(states), key=lambda state: int(state["from"]), default=None)


def _first(notes: list[Note]) -> list[Note]:
    """The notes, of very many the first ones and how many there are besides."""
    more = len(notes) - _MOST_NOTES
    if more <= 0:
        return notes
    text = f"{more} more of the kind; optilocal check --json FILE has them all"
    return [*notes[:_MOST_NOTES], note("more_notes", text)]


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def listed(journal: Journal, namespace: str | None, root: str) -> list[dict[str, Any]]:
    """Every datafile with its history, as `GET /_emulator/datafiles` shows it; `root` is the emulator's base URL."""
    revisions: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for space, _, doc in journal.documents(REVISION, namespace):
        revisions.setdefault((space, doc["of"]), []).append(
            {"revision": doc["revision"], "from": doc["from"]}
        )
    rows = []
    for space, sdk_key, state in journal.documents(STORED, namespace):
        if state["text"] is not None:
            prefix = "" if space == DEFAULT else f"/ns/{space}"
            rows.append(_shown(sdk_key, state, f"{root}{prefix}", space, revisions.get((space, sdk_key), [])))
    return rows


def _shown(
    sdk_key: str, state: Mapping[str, Any], base: str, namespace: str, revisions: list[dict[str, Any]]
) -> dict[str, Any]:
    """One datafile with its state; its token is never shown."""
    try:
        datafile = loads(state["text"])
    except ValueError:
        datafile = None
    return {
        "namespace": namespace,
        "sdkKey": sdk_key,
        "revision": state["revision"],
        "url": datafile_url(base, sdk_key),
        "deactivated": state["deactivated"],
        "from": state["from"],
        "revisions": revisions,
        "datafile": datafile if isinstance(datafile, dict) else None,
        "text": state["text"] if state["raw"] else None,
        "content_type": state["content_type"],
        "status": state["status"],
        "protected": state["token"] is not None,
    }


def served(state: Mapping[str, Any]) -> tuple[int, str, str]:
    """Status, content type and text with which the CDN serves what a key's place holds."""
    if state["deactivated"]:
        return 200, "text/javascript; charset=utf-8", DEACTIVATED_TEXT
    return state["status"] or 200, state["content_type"] or "application/json", state["text"]


def datafile_url(base: str, sdk_key: str) -> str:
    """Where the CDN serves the key's datafile."""
    return f"{base}/datafiles/{sdk_key}.json"
