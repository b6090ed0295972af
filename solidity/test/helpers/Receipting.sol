// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {IReceiptBond} from "../../src/interfaces/settlement/IReceiptBond.sol";
import {ReceiptBond} from "../../src/l1/ReceiptBond.sol";
import {CLEARING} from "../../src/libraries/Constants.sol";
import {OrderReceipt} from "../../src/libraries/settlement/Receipts.sol";

/// @notice An exchange's key, its bond, and two receipts of it for one place.
abstract contract Receipting is Test {
    uint256 internal constant L2_CHAIN_ID = 420_420;
    uint256 internal constant DELAY = 14 days;
    uint256 internal constant BOND = 7 ether + 1;
    uint256 internal constant CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    IReceiptBond internal bonds;
    address internal exchange;
    uint256 internal key;
    address internal trader = makeAddr("trader");
    OrderReceipt internal told;
    OrderReceipt internal retold;

    function setUp() public virtual {
        vm.warp(1_700_000_000);
        (exchange, key) = makeAddrAndKey("exchange");
        bonds = new ReceiptBond(L2_CHAIN_ID, DELAY);
        told = OrderReceipt(keccak256("order"), 7, keccak256("before"), 1_700_000_000_000);
        retold = OrderReceipt(keccak256("other order"), 7, keccak256("before"), 1_700_000_000_000);
        vm.deal(address(this), 1000 ether);
        bonds.post{value: BOND}(exchange);
    }

    /// @dev EIP-712 as a wallet does it, written out once more.
    function signed(OrderReceipt memory receipt, uint256 by, uint256 chainId, address contract_)
        internal
        pure
        returns (uint8 v, bytes32 r, bytes32 s)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Exchange"),
                keccak256("1"),
                chainId,
                contract_
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Receipt(bytes32 orderHash,uint64 seq,bytes32 prevReceiptHash,uint64 ts)"),
                receipt.orderHash,
                receipt.seq,
                receipt.prevReceiptHash,
                receipt.ts
            )
        );
        return vm.sign(by, keccak256(abi.encodePacked(hex"1901", domain, structHash)));
    }

    function signature(OrderReceipt memory receipt, uint256 by) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = signed(receipt, by, L2_CHAIN_ID, CLEARING);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The proof of the lie, for `beneficiary`.
    function proof(address beneficiary) internal view returns (bytes memory) {
        bytes memory first = signature(told, key);
        return abi.encodeCall(IReceiptBond.slash, (told, first, retold, signature(retold, key), beneficiary));
    }

    function slash(address beneficiary) internal returns (uint256) {
        return bonds.slash(told, signature(told, key), retold, signature(retold, key), beneficiary);
    }
}
