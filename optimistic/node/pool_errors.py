"""Why a transaction is refused, in the words that wallets and tools already parse.

The texts are those of go-ethereum, so that ethers, viem, web3.py and cast map
them to their own error classes.
"""

from typing import Final

from optimistic.protocol.constants import MAX_INITCODE_BYTES
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.transactions import InvalidTransaction, Transaction, intrinsic_gas
from optimistic.protocol.types import Address

_DECODING_TEXTS: Final = {
    "empty": "typed transaction too short",
    "unknown_type": "transaction type not supported",
    "bad_signature": "invalid sender: invalid transaction v, r, s values",
    "signature_out_of_range": "invalid sender: invalid transaction v, r, s values",
    "bad_v": "invalid sender: invalid transaction v, r, s values",
    "bad_y_parity": "invalid sender: invalid transaction v, r, s values",
}


class PoolRejection(InvalidInput):
    """The pool does not take a transaction; the text is meant for its sender."""


class Undecodable(PoolRejection):
    """The bytes are not a signed transaction of type 0, 1 or 2."""

    def __init__(self, cause: InvalidTransaction) -> None:
        super().__init__(_DECODING_TEXTS.get(cause.reason, f"rlp: {cause.reason.replace('_', ' ')}"))


class AlreadyKnown(PoolRejection):
    """The same transaction waits or has been executed."""

    def __init__(self) -> None:
        super().__init__("already known")


class NonceTooLow(PoolRejection):
    """The nonce has been used."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(f"nonce too low: next nonce {expected}, tx nonce {actual}")


class NonceTooHigh(PoolRejection):
    """The nonce lies further ahead than the pool keeps, or cannot be used at all."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(f"nonce too high: next nonce {expected}, tx nonce {actual}")


class ReplacementUnderpriced(PoolRejection):
    """A waiting transaction has this nonce and the new one does not pay enough more."""

    def __init__(self) -> None:
        super().__init__("replacement transaction underpriced")


class Underpriced(PoolRejection):
    """The tip is below the node's minimum."""

    def __init__(self, needed: int, actual: int) -> None:
        super().__init__(f"transaction underpriced: tip needed {needed}, tip permitted {actual}")


class InsufficientFunds(PoolRejection):
    """The sender cannot pay for everything it has waiting."""

    def __init__(self, balance: int, cost: int) -> None:
        super().__init__(
            "insufficient funds for gas * price + value: "
            f"balance {balance}, tx cost {cost}, overshot {cost - balance}"
        )


class PoolFull(PoolRejection):
    """No room, and the transaction pays no more than those that wait."""

    def __init__(self) -> None:
        super().__init__("txpool is full")


class SenderLimit(PoolRejection):
    """The sender has as many transactions waiting as the pool keeps for one."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"account limit exceeded: pooled {limit} txs")


class WrongChainId(PoolRejection):
    """Signed for another chain."""

    def __init__(self, actual: int, wanted: int) -> None:
        super().__init__(f"invalid sender: invalid chain id for signer: have {actual} want {wanted}")


class NotReplayProtected(PoolRejection):
    """Signed without a chain id (before EIP-155), which the option does not allow."""

    def __init__(self) -> None:
        super().__init__("only replay-protected (EIP-155) transactions allowed over RPC")


class Oversized(PoolRejection):
    """More bytes than a batch item may have."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"oversized data: transaction size {size}, limit {limit}")


class BrokenRule(PoolRejection):
    """A validity rule that the transaction breaks by itself or against its sender's account."""


def broken_rule(cause: InvalidTransaction, tx: Transaction, sender: Address, gas_cap: int) -> PoolRejection:
    """Put the reason of `transactions.validate` into the words clients know."""
    tip, fee = tx.max_priority_fee, tx.max_fee
    texts = {
        "sender_has_code": f"sender not an eoa: address 0x{sender.hex()}",
        "nonce_exhausted": "nonce has max value",
        "gas_limit_too_high": f"transaction gas limit too high (cap: {gas_cap}, tx: {tx.gas_limit})",
        "priority_fee_above_max_fee": (
            f"max priority fee per gas higher than max fee per gas: tip {tip}, max fee {fee}"
        ),
        "max_fee_below_base_fee": f"max fee per gas less than block base fee: max fee {fee}",
        "intrinsic_gas_too_low": (
            f"intrinsic gas too low: gas {tx.gas_limit}, minimum needed {intrinsic_gas(tx)}"
        ),
        "initcode_too_large": (
            f"max initcode size exceeded: code size {len(tx.data)}, limit {MAX_INITCODE_BYTES}"
        ),
    }
    return BrokenRule(texts.get(cause.reason, cause.reason.replace("_", " ")))
