"""`/_forwarder/filters | consent | schema_filter …`: what is configured of Segment before the mappings, each part whole."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from optilocal.forwarder.api.control_body import read_json
from optilocal.forwarder.problems import Problem
from optilocal.forwarder.queue.instances import Instances
from optilocal.forwarder.stages.platform import PARTS
from optilocal.forwarder.stages.shape import ShapeError
from optilocal.serving.site import current_namespace


def platform_api(instances: Instances) -> Blueprint:
    """GET and PUT for each part under `/_forwarder`; the answer is `{PART: …}`."""
    api = Blueprint("platform_api", __name__, url_prefix="/_forwarder")

    def shown(part: str) -> Response:
        return jsonify({part: instances.platform(current_namespace()).part_json(part)})

    def put(part: str) -> Response:
        namespace = current_namespace()
        body: Any = read_json(request)
        given = body[part] if isinstance(body, dict) and set(body) == {part} else body
        try:
            platform = instances.platform(namespace).with_json(part, given)
            instances.configure(namespace, platform=platform.checked() if part == "schema" else platform)
        except ShapeError as error:
            raise Problem("invalid_platform", str(error)) from None
        return shown(part)

    for part in PARTS:
        address = "/" + part.replace("_", "-")
        api.add_url_rule(address, f"get_{part}", shown, defaults={"part": part}, methods=["GET"])
        api.add_url_rule(address, f"put_{part}", put, defaults={"part": part}, methods=["PUT"])
    return api
