"""Local signing. A key comes from a file or an environment variable, never from an argument."""

import os
import stat
from pathlib import Path
from typing import Any, Self

from eth_account import Account
from eth_account.signers.local import LocalAccount

from optimistic.protocol.errors import CriticalError
from optimistic.protocol.types import Address, Hash32

_KEY_BYTES = 32


class KeyUnavailable(CriticalError):
    """No usable signing key: missing, unreadable or malformed. The key itself is never shown."""


class Signer:
    """Signs L1 transactions with one secp256k1 key; it keeps no nonce."""

    def __init__(self, private_key: bytes) -> None:
        if len(private_key) != _KEY_BYTES:
            raise KeyUnavailable(f"a signing key has {_KEY_BYTES} bytes, not {len(private_key)}")
        try:
            self._account: LocalAccount = Account.from_key(private_key)
        except Exception as error:
            raise KeyUnavailable("the signing key is not a valid secp256k1 key") from error
        self.address = Address(bytes.fromhex(self._account.address[2:]))

    def __repr__(self) -> str:
        return f"Signer(0x{self.address.hex()})"

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Read 64 hex digits, with or without 0x, spaces around allowed."""
        digits = text.strip().removeprefix("0x")
        try:
            key = bytes.fromhex(digits)
        except ValueError as error:
            raise KeyUnavailable("the signing key is not hexadecimal") from error
        return cls(key)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the key from a file that only its owner may write.

        Raises
        ------
        KeyUnavailable : no such file, not readable, writable by others, or not a key
        """
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyUnavailable(f"cannot read the key file {path}: {type(error).__name__}") from error
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise KeyUnavailable(f"the key file {path} is writable by others; run: chmod 600 {path}")
        return cls.from_hex(text)

    @classmethod
    def from_env(cls, variable: str) -> Self:
        """Read the key from an environment variable."""
        text = os.environ.get(variable)
        if not text:
            raise KeyUnavailable(f"environment variable {variable} is not set")
        return cls.from_hex(text)

    @classmethod
    def load(cls, key_file: Path | None, variable: str) -> Self:
        """Read the key file if one is named, else the environment variable."""
        return cls.from_file(key_file) if key_file is not None else cls.from_env(variable)

    def sign_transaction(self, fields: dict[str, Any]) -> tuple[bytes, Hash32]:
        """Sign a transaction given in web3's field names.

        Returns
        -------
        The raw transaction and its 32-byte hash.
        """
        signed = self._account.sign_transaction(fields)
        return bytes(signed.raw_transaction), Hash32(bytes(signed.hash))
