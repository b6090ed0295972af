// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReceiptBond} from "../interfaces/settlement/IReceiptBond.sol";
import {OrderReceipt, Receipts} from "../libraries/settlement/Receipts.sol";

/// @title The bond of receipts (L1)
/// @notice See IReceiptBond. One slot per key.
contract ReceiptBond is IReceiptBond {
    /* IMMUTABLES */

    /// @inheritdoc IReceiptBond
    uint256 public immutable L2_CHAIN_ID;

    /// @inheritdoc IReceiptBond
    uint256 public immutable WITHDRAWAL_DELAY;

    bytes32 internal immutable DOMAIN;

    /* STORAGE */

    mapping(address signer => Bond) internal _bonds;

    /* CONSTRUCTOR */

    constructor(uint256 l2ChainId, uint256 withdrawalDelay) {
        L2_CHAIN_ID = l2ChainId;
        WITHDRAWAL_DELAY = withdrawalDelay;
        DOMAIN = Receipts.separator(l2ChainId);
    }

    /* BONDS */

    /// @inheritdoc IReceiptBond
    function post(address signer) external payable {
        if (msg.value == 0) revert ZeroAmount();
        if (signer == address(0)) revert NoSigner();
        if (_bonds[signer].isSlashed) revert KeySlashed(signer);
        // There is less ether than 2^128 wei.
        _bonds[signer].amount += uint128(msg.value);
        emit BondPosted(signer, msg.sender, msg.value);
    }

    /// @inheritdoc IReceiptBond
    function requestWithdrawal() external {
        Bond storage own = _bonds[msg.sender];
        if (own.amount == 0) revert NoBond(msg.sender);
        if (own.readyAt != 0) revert WithdrawalPending(own.readyAt);
        uint256 readyAt = block.timestamp + WITHDRAWAL_DELAY;
        own.readyAt = uint64(readyAt);
        emit WithdrawalRequested(msg.sender, readyAt);
    }

    /// @inheritdoc IReceiptBond
    function cancelWithdrawal() external {
        if (_bonds[msg.sender].readyAt == 0) revert NoWithdrawal();
        _bonds[msg.sender].readyAt = 0;
        emit WithdrawalCancelled(msg.sender);
    }

    /// @inheritdoc IReceiptBond
    function withdraw(address to) external returns (uint256 amount) {
        Bond memory own = _bonds[msg.sender];
        if (own.readyAt == 0) revert NoWithdrawal();
        if (block.timestamp < own.readyAt) revert WithdrawalNotReady(own.readyAt);
        delete _bonds[msg.sender];
        amount = own.amount;
        emit BondWithdrawn(msg.sender, to, amount);
        _pay(to, amount);
    }

    /* PROOFS */

    /// @inheritdoc IReceiptBond
    function slash(
        OrderReceipt calldata a,
        bytes calldata signatureA,
        OrderReceipt calldata b,
        bytes calldata signatureB,
        address beneficiary
    ) external returns (uint256 reward) {
        if (!Receipts.contradict(a, b)) revert NoContradiction();
        address signer = signerOf(a, signatureA);
        address other = signerOf(b, signatureB);
        if (signer == address(0)) revert NoSigner();
        if (signer != other) revert DifferentSigners(signer, other);
        uint256 amount = _bonds[signer].amount;
        if (amount == 0) revert NoBond(signer);
        _bonds[signer] = Bond({amount: 0, readyAt: 0, isSlashed: true});
        // The other half stays here for good.
        reward = amount / 2;
        emit BondSlashed(signer, Receipts.hash(a), Receipts.hash(b), beneficiary, reward, amount - reward);
        _pay(beneficiary, reward);
    }

    /* VIEWS */

    /// @inheritdoc IReceiptBond
    function bond(address signer) external view returns (Bond memory) {
        return _bonds[signer];
    }

    /// @inheritdoc IReceiptBond
    function contradict(OrderReceipt calldata a, OrderReceipt calldata b) external pure returns (bool) {
        return Receipts.contradict(a, b);
    }

    /// @inheritdoc IReceiptBond
    function signerOf(OrderReceipt calldata receipt, bytes calldata signature) public view returns (address) {
        return Receipts.signer(receipt, signature, DOMAIN);
    }

    /* INTERNAL */

    function _pay(address to, uint256 amount) internal {
        // slither-disable-next-line low-level-calls
        (bool ok,) = to.call{value: amount}("");
        if (!ok) revert TransferFailed();
    }
}
