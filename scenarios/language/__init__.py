"""YAML files become scenarios, every mistake with its place."""
