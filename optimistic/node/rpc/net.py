"""The node itself: chain id, network, client version, hashing, sync state."""

import platform
from importlib.metadata import version

from optimistic.node.rpc.codec import data, parse_data, quantity
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.ports import SyncSource
from optimistic.node.rpc.registry import MethodTable, light
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import RollupParams


class Net:
    """Methods about the node as a whole.

    Parameters
    ----------
    rollup : the rollup's parameters
    sync : how far the node has followed L1
    """

    def __init__(self, rollup: RollupParams, sync: SyncSource) -> None:
        self._sync = sync
        self._chain_id = rollup.l2_chain_id
        system, python = platform.system().lower(), platform.python_version()
        self._version = f"optimistic/v{version('optimistic')}/{system}/python{python}"

    def methods(self) -> MethodTable:
        """The methods by name."""
        return {
            "eth_chainId": light(self.chain_id),
            "net_version": light(self.network),
            "net_listening": light(self.listening),
            "net_peerCount": light(self.peer_count),
            "web3_clientVersion": light(self.client_version),
            "web3_sha3": light(self.sha3),
            "eth_accounts": light(self.accounts),
            "eth_syncing": light(self.syncing),
        }

    def chain_id(self, params: Params) -> str:
        """``eth_chainId``."""
        params.at_most(0)
        return quantity(self._chain_id)

    def network(self, params: Params) -> str:
        """``net_version``: the chain id in decimal."""
        params.at_most(0)
        return str(self._chain_id)

    def listening(self, params: Params) -> bool:
        """``net_listening``."""
        params.at_most(0)
        return True

    def peer_count(self, params: Params) -> str:
        """``net_peerCount``: a rollup node follows L1, it has no peers."""
        params.at_most(0)
        return quantity(0)

    def client_version(self, params: Params) -> str:
        """``web3_clientVersion``."""
        params.at_most(0)
        return self._version

    def sha3(self, params: Params) -> str:
        """``web3_sha3``: keccak256 of the given data."""
        params.at_most(1)
        return data(keccak256(params.required(0, parse_data)))

    def accounts(self, params: Params) -> list[str]:
        """``eth_accounts``: the node holds no keys for users."""
        params.at_most(0)
        return []

    def syncing(self, params: Params) -> dict[str, str] | bool:
        """``eth_syncing``: positions on L1 while the node is far behind it, else false."""
        params.at_most(0)
        progress = self._sync.syncing()
        if progress is None:
            return False
        start, current, highest = (quantity(number) for number in progress)
        return {"startingBlock": start, "currentBlock": current, "highestBlock": highest}
