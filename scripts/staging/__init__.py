"""Stages for demonstrations: a whole rollup in one process, and engines that lie."""
