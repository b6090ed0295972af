// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OrderReceipt} from "../../libraries/settlement/Receipts.sol";

/// @title The bond of receipts (L1)
/// @notice Holds ether against the word of an exchange. Its receipts are one chain; two of them in one place prove that
/// it told two stories, and take the whole bond of the key that signed them: half goes to whom the prover names, half
/// to nobody, so an exchange that proves its own lie before others do loses half all the same. Ether may be posted by
/// anybody; it belongs to the key, which alone can take it out, after a delay.
interface IReceiptBond {
    /// @notice The bond of one key.
    struct Bond {
        /// Wei at stake.
        uint128 amount;
        /// Time from which it may be withdrawn; zero: nobody asked.
        uint64 readyAt;
        /// The key lied and can have no bond any more: what proves it could be used again.
        bool isSlashed;
    }

    event BondPosted(address indexed signer, address indexed from, uint256 amount);
    event WithdrawalRequested(address indexed signer, uint256 readyAt);
    event WithdrawalCancelled(address indexed signer);
    event BondWithdrawn(address indexed signer, address indexed to, uint256 amount);

    /// @notice The key signed `a` and `b`, struct hashes of receipts that contradict each other. `reward` went to
    /// `beneficiary`, `burned` to nobody.
    event BondSlashed(
        address indexed signer, bytes32 a, bytes32 b, address indexed beneficiary, uint256 reward, uint256 burned
    );

    error ZeroAmount();

    /// @notice A bond for nobody, or a signature of nobody.
    error NoSigner();
    error KeySlashed(address signer);
    error NoBond(address signer);
    error WithdrawalPending(uint256 readyAt);
    error NoWithdrawal();
    error WithdrawalNotReady(uint256 readyAt);
    error DifferentSigners(address a, address b);

    /// @notice The receipts are the same, or claim different places.
    error NoContradiction();
    error TransferFailed();

    // solhint-disable-next-line func-name-mixedcase
    function L2_CHAIN_ID() external view returns (uint256);

    /// @notice Seconds from the request of a withdrawal to its payment.
    // solhint-disable-next-line func-name-mixedcase
    function WITHDRAWAL_DELAY() external view returns (uint256);

    /// @notice Add to the bond of a key. Anyone; it is the key's from then on. A withdrawal that waits takes it along.
    function post(address signer) external payable;

    /// @notice Announce that the caller's bond will leave. It can be taken for a lie until it is paid.
    function requestWithdrawal() external;

    /// @notice Take the announcement back.
    function cancelWithdrawal() external;

    /// @notice Pay the caller's whole bond to `to`, WITHDRAWAL_DELAY after the request.
    function withdraw(address to) external returns (uint256 amount);

    /// @notice Take the bond of the key that signed two receipts that contradict each other. Anyone, once per key.
    /// @param beneficiary Gets half, rounded down; a call that it refuses changes nothing.
    function slash(
        OrderReceipt calldata a,
        bytes calldata signatureA,
        OrderReceipt calldata b,
        bytes calldata signatureB,
        address beneficiary
    ) external returns (uint256 reward);

    function bond(address signer) external view returns (Bond memory);

    /// @notice Who signed a receipt of this rollup; zero for a signature of nobody, with a high s, or of another length
    /// than 65 bytes.
    function signerOf(OrderReceipt calldata receipt, bytes calldata signature) external view returns (address);

    /// @notice Whether two receipts differ and claim one place: the same number, or the same receipt before.
    function contradict(OrderReceipt calldata a, OrderReceipt calldata b) external pure returns (bool);
}
