"""The effects of each type of regulation on the suppression list."""

from optilocal.forwarder.pipeline.memory import Memory

SUPPRESSING = frozenset({"SUPPRESS_WITH_DELETE", "SUPPRESS_ONLY", "SUPPRESS_WITH_DELETE_INTERNAL"})
"""Regulation types that put a subject on the suppression list."""

REACHES_DESTINATIONS = frozenset({"SUPPRESS_WITH_DELETE", "DELETE_ONLY"})
"""Regulation types that Segment forwards to destinations; the other deletions stay within Segment.

Source: https://segment.com/docs/privacy/user-deletion-and-suppression/.
"""

REGULATION_TYPES = (
    SUPPRESSING | REACHES_DESTINATIONS | {"UNSUPPRESS", "DELETE_INTERNAL", "DELETE_ARCHIVE_ONLY"}
)


def regulate(
    memory: Memory, namespace: str, regulation_type: str, kind: str, subject: str, *, at: int
) -> bool:
    """Applies one regulation to the suppression list; returns whether Segment forwards it to destinations.

    Raises ValueError with one line for an unknown regulation type.
    """
    if regulation_type not in REGULATION_TYPES:
        known = ", ".join(sorted(REGULATION_TYPES))
        raise ValueError(f"regulation type {regulation_type!r} is not known; use one of {known}")
    if regulation_type in SUPPRESSING:
        memory.suppress(namespace, kind, subject, at)
    elif regulation_type == "UNSUPPRESS":
        memory.unsuppress(namespace, kind, subject)
    return regulation_type in REACHES_DESTINATIONS


def suppressed_subject(memory: Memory, namespace: str, event: dict[str, object]) -> tuple[str, str] | None:
    """The (kind, subject) that suppresses a source event, or None."""
    for kind, field in (("user_id", "userId"), ("anonymous_id", "anonymousId")):
        subject = event.get(field)
        if isinstance(subject, str | int) and memory.is_suppressed(namespace, kind, str(subject)):
            return kind, str(subject)
    return None
