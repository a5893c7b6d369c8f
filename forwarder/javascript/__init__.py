"""JavaScript's semantics, as far as they show in requests: types, numbers, JSON, dates, URLs."""
