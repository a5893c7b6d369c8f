"""Subject access requests, and the erasure of a visitor."""
