"""Numbered SQL of the watchtower's own tables; all of them are caches of L1."""
