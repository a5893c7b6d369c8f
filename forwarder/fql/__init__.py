"""Segment's Filter Query Language as filters and transformations speak it: text → intermediate form → condition."""
