"""A datafile with a contextual bandit, and the requests that SDKs make for it."""

import json
from pathlib import Path
from typing import Any

import requests
from space import Space

BANDIT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "scenarios/suite/datafiles/bandit.json").read_text("utf-8")
)
RULE = "9300000002001"
SEA, HILLS, CITY = "20410072001", "20410072002", "20410072003"
DEVICE, MEMBER, PLAN = "20410042001", "20410042002", "20410042003"
UUID = "7b0f3f3e-9a55-4e35-8a44-1d7f0c7b8a11"


def instance(visitor: str = "ada", uuid: str = UUID, **attributes: Any) -> dict[str, Any]:
    """One question as an SDK asks it; attributes by id, written `a<id>`."""
    return {
        "visitorId": visitor,
        "experimentId": RULE,
        "attributes": [
            {"id": name[1:], "value": value, "type": "custom_attribute"} for name, value in attributes.items()
        ],
        "cmabUUID": uuid,
    }


def ask(space: Space, *instances: dict[str, Any], rule: str = RULE, **arguments: Any) -> requests.Response:
    given = arguments or {"json": {"instances": list(instances)}}
    return space.call("POST", f"/predict/{rule}", **given)


def set_table(space: Space, table: Any, rule: str = "hero_bandit") -> requests.Response:
    return space.call("PUT", f"/_emulator/predictions/{rule}", json=table)
