"""Numbered schema of the tables that both daemons use."""
