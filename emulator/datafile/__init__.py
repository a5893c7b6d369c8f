"""Datafiles: one by key and id, its problems, its history, where it comes from, close names."""
