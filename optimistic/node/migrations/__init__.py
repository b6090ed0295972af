"""Numbered SQL files that bring a chain database to the current schema."""
