"""Subject access requests as Optimizely's REST API takes them: create, list, one by its id."""

from flask import Blueprint, Response, request

from optilocal.emulator.batch.row import Note, note
from optilocal.emulator.context import context, namespace
from optilocal.emulator.datafile.store import DatafileStore
from optilocal.emulator.json_text import dumps, loads
from optilocal.emulator.privacy import subject_access
from optilocal.emulator.wire.exchange import Answer, WireRequest, exchange
from optilocal.emulator.wire.rest import JSON, refused, rest_error

blueprint = Blueprint("privacy_api", __name__)
_PER_PAGE, _MOST_PER_PAGE = 25, 100


@blueprint.post("/v2/subject-access-requests", provide_automatic_options=False)
def create() -> Response:
    return exchange("privacy", lambda wanted, at: refused() or _create(wanted, at))


@blueprint.get("/v2/subject-access-requests", provide_automatic_options=False)
def requests() -> Response:
    return exchange("privacy", lambda *_: refused() or _list())


@blueprint.get("/v2/subject-access-requests/<request_id>", provide_automatic_options=False)
def one(request_id: str) -> Response:
    return exchange("privacy", lambda *_: refused() or _get(request_id))


def _create(wanted: WireRequest, at: int) -> Answer:
    parts, space = context(), namespace()
    try:
        body = loads(wanted.body)
    except ValueError:
        return rest_error(400, "bad_request", "The request body is not valid JSON")
    wrong = subject_access.violations(body)
    if wrong:
        sentence = "; ".join(f"{name} {what}" for name, what in wrong.items())
        return rest_error(400, "bad_request", sentence, messages=wrong)
    account = DatafileStore(parts.journal, space).account_id()
    stored = parts.journal.add_document(
        subject_access.KIND,
        space,
        lambda number: {"request": subject_access.new_request(number, body, account, at), "erased": None},
    )
    return Answer(201, dumps(stored["request"]).encode(), JSON, warnings=_whom(stored["request"], space))


def _whom(subject_request: dict[str, object], space: str) -> tuple[Note, ...]:
    """Whether the request names anybody: a delete that names the account erases nobody, which must be seen."""
    visitor = subject_access.named_visitor(subject_request)
    if visitor is None:
        text = (
            f"{subject_request['identifier_type']} {subject_request['identifier']!r} names no visitor: nothing will be"
            " erased or exported; a visitor of Feature Experimentation is named with identifier_type fullstack_id"
        )
        return (note("names_nobody", text),)
    context().projector.catch_up()
    if not context().journal.knows_visitor(space, visitor):
        return (note("unknown_visitor", f"no visitor {visitor!r} is known here"),)
    return ()


def _list() -> Answer:
    sizes = {}
    for name, default, most in (("per_page", _PER_PAGE, _MOST_PER_PAGE), ("page", 1, 10**9)):
        text = request.args.get(name, str(default))
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:12]) <= most:
            wrong = f"{name} must be a number from 1 to {most}"
            return rest_error(400, "bad_request", wrong, messages={name: "is out of range"})
        sizes[name] = int(text)
    rows = [doc["request"] for _, _, doc in context().journal.documents(subject_access.KIND, namespace())]
    start = (sizes["page"] - 1) * sizes["per_page"]
    return Answer(200, dumps(rows[start : start + sizes["per_page"]]).encode(), JSON)


def _get(request_id: str) -> Answer:
    stored = context().journal.document(subject_access.KIND, namespace(), request_id)
    if stored is None:
        return rest_error(404, "not_found", "Nothing matches the given URI")
    return Answer(200, dumps(stored["request"]).encode(), JSON)
