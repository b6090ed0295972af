from pathlib import Path

import pytest
from eth_account import Account

from optimistic.service.signer import KeyUnavailable, Signer

KEY_HEX = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ADDRESS = "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"


def test_signer__key_file__gives_the_account(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY_HEX + "\n")
    path.chmod(0o600)

    assert Signer.load(path, "UNUSED").address.hex() == ADDRESS


def test_signer__variable__gives_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PRIVATE_KEY", KEY_HEX[2:])

    assert Signer.load(None, "TEST_PRIVATE_KEY").address.hex() == ADDRESS


def test_signer__transaction__recovers_to_the_account() -> None:
    signer = Signer.from_hex(KEY_HEX)
    fields = {
        "type": 2,
        "chainId": 1,
        "nonce": 0,
        "gas": 21_000,
        "maxFeePerGas": 2,
        "maxPriorityFeePerGas": 1,
        "to": bytes(20),
        "value": 3,
        "data": b"",
    }

    raw, tx_hash = signer.sign_transaction(fields)

    assert Account.recover_transaction(raw).lower() == "0x" + ADDRESS
    assert len(tx_hash) == 32
    assert signer.sign_transaction(fields) == (raw, tx_hash)


@pytest.mark.parametrize("text", ["", "xyz", "0x12", "00" * 32, "ff" * 32])
def test_signer__bad_keys__are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(KeyUnavailable) as caught:
        Signer.from_hex(text)

    assert not text or text not in str(caught.value)


def test_signer__missing_file__is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="absent"):
        Signer.from_file(tmp_path / "absent")


def test_signer__file_others_may_write__is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY_HEX)
    path.chmod(0o666)

    with pytest.raises(KeyUnavailable, match="chmod 600"):
        Signer.from_file(path)


def test_signer__missing_variable__is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_PRIVATE_KEY", raising=False)

    with pytest.raises(KeyUnavailable, match="TEST_PRIVATE_KEY"):
        Signer.from_env("TEST_PRIVATE_KEY")


def test_signer__repr__shows_the_address_only() -> None:
    assert repr(Signer.from_hex(KEY_HEX)) == f"Signer(0x{ADDRESS})"
