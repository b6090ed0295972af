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
        return cls(_key_bytes(text))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the key from a file that only its owner may write.

        Raises
        ------
        KeyUnavailable : no such file, not readable, writable by others, or not a key
        """
        return cls.from_hex(_text_of(path))

    @classmethod
    def from_env(cls, variable: str) -> Self:
        """Read the key from an environment variable."""
        return cls.from_hex(_variable(variable))

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


def read_key(key_file: Path | None, variable: str) -> bytes:
    """Return the 32 bytes of a key, for what signs other things than transactions.

    Raises
    ------
    KeyUnavailable : see `Signer.from_file`
    """
    text = _text_of(key_file) if key_file is not None else _variable(variable)
    Signer.from_hex(text)
    return _key_bytes(text)


def _key_bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text.strip().removeprefix("0x"))
    except ValueError as error:
        raise KeyUnavailable("the signing key is not hexadecimal") from error


def _text_of(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnavailable(f"cannot read the key file {path}: {type(error).__name__}") from error
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise KeyUnavailable(f"the key file {path} is writable by others; run: chmod 600 {path}")
    return text


def _variable(name: str) -> str:
    text = os.environ.get(name)
    if not text:
        raise KeyUnavailable(f"environment variable {name} is not set")
    return text
