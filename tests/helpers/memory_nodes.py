"""A node store in memory."""

from collections.abc import Mapping


class MemoryNodes(dict[bytes, bytes]):
    """Trie nodes and code by their hash."""

    def put_many(self, nodes: Mapping[bytes, bytes], /) -> None:
        """Add nodes."""
        self.update(nodes)
