"""The JavaScript semantics that show on the wire: types, numbers, JSON, dates, URLs."""
