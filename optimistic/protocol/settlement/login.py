"""What a trader signs to see his own streams: a challenge of the exchange, never an order.

EIP-712: domain ("Exchange", "1", chain id), type
``Login(address account,bytes32 challenge,uint64 expiresAt)``. The domain has no contract, so the
signature is worth nothing on chain.

Source: docs/spec/14-exchange-api.md; EIP-712
"""

from typing import Final

from optimistic.protocol.hashing import abi_words, keccak256
from optimistic.protocol.types import Address, Hash32

_DOMAIN_TYPE: Final = keccak256(b"EIP712Domain(string name,string version,uint256 chainId)")
_LOGIN_TYPE: Final = keccak256(b"Login(address account,bytes32 challenge,uint64 expiresAt)")
_NAME: Final = keccak256(b"Exchange")
_VERSION: Final = keccak256(b"1")


def login_digest(chain_id: int, account: Address, challenge: Hash32, expires_at_s: int) -> Hash32:
    """Return the 32-byte digest that `account` or a session key of it signs.

    Parameters
    ----------
    chain_id : of L2
    account : 20 bytes, whose streams are asked for
    challenge : 32 bytes the exchange chose
    expires_at_s : Unix seconds after which the exchange no longer takes it
    """
    domain = keccak256(_DOMAIN_TYPE + _NAME + _VERSION + abi_words(chain_id))
    struct = keccak256(_LOGIN_TYPE + abi_words(account, challenge, expires_at_s))
    return keccak256(b"\x19\x01" + domain + struct)
