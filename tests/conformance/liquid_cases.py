"""Strategies for Liquid templates."""

from __future__ import annotations

from hypothesis import strategies as st

templates = st.sampled_from(["", "plain text", "{{ event }}"])
