"""Segment's own code, for the tests that compare; left out where it cannot run, but never in CI."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from segment_code import NotHere, SegmentCode, install


def _running(program: str) -> Iterator[SegmentCode]:
    """One of Segment's packages in Node, installed first where it is missing."""
    code = None
    try:
        install()
        code = SegmentCode(program)
        code.answers(["{}"])
    except NotHere as error:
        if code is not None:
            code.close()
        reason = f"the comparison with Segment's own code was left out: {error}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    yield code
    code.close()


@pytest.fixture(scope="session")
def segment_code() -> Iterator[SegmentCode]:
    """The published destination."""
    yield from _running("oracle.cjs")


@pytest.fixture(scope="session")
def segment_filters() -> Iterator[SegmentCode]:
    """The published engine for filters and transformations."""
    yield from _running("tsub.cjs")
