// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Bust, MarketId, SubaccountId} from "../../types/Settlement.sol";

/// @title Clearing (L2)
/// @notice Settles matched orders. Every order is signed (EIP-712: domain ("Clearing", "1", chain id, this)) by the
/// owner of its subaccount or by a session key. Anybody may submit a batch; a batch nets per subaccount and
/// market and checks margin once per touched subaccount. A fill that breaks a rule is left out and journaled.
/// @dev Types:
/// Order(uint64 subaccount,uint32 market,bool isBuy,uint256 sizeWad,uint256 priceWad,uint32 maxFeePips,uint64 expiry,uint64 nonce,uint8 flags)
/// Quotes(uint64 subaccount,uint32 market,uint32 maxFeePips,uint64 expiry,uint64 nonce,bytes32 root)
/// flags: bit 0 reduce-only, bit 1 post-only, bits 2-3 time in force (0 GTC, 1 GTD, 2 IOC, 3 FOK).
/// Leaf of a quote tree: keccak256(0x00, index u16, isBuy u8, lots u48, ticks u40); node: keccak256(0x01, left, right).
/// The batch format is in docs/spec/11-settlement.md and library BatchCodec.
interface IClearing {
    /// @notice One match. Prices are the maker's. A key names an order: the digest that was signed, or for a quote
    /// keccak256(abi.encode(digest, index)). The taker's is zero if it is liquidated.
    event Filled(
        MarketId indexed market,
        SubaccountId indexed maker,
        SubaccountId indexed taker,
        int256 takerSizeWad,
        uint256 priceWad,
        bytes32 makerKey,
        bytes32 takerKey,
        uint256 makerFeeWad,
        uint256 takerFeeWad
    );

    /// @notice A match was left out.
    event FillBusted(uint256 indexed number, SubaccountId maker, SubaccountId taker, Bust reason);
    event BatchSettled(bytes32 indexed batchHash, uint256 nFills, uint256 nBusts);
    event SessionKeySet(
        address indexed owner, address indexed key, uint64 expiry, SubaccountId subaccount, uint8 scope
    );
    event NonceFloorRaised(address indexed owner, uint64 floor);

    error MalformedBatch(uint256 offset);
    error NotModule(address caller);
    error FloorNotRaised(uint64 floor);
    error InvalidSessionKey();

    /// @notice An order is in a batch more than once, and the fills of both together exceed it.
    error EntryTwice(bytes32 key, uint256 index);

    /// @return nFills How many fills took effect.
    function settleBatch(bytes calldata batch) external returns (uint256 nFills);

    /// @notice Close a part of a position against signed orders of others, at prices no worse than `limitWad`, without
    /// a signature of the taker. Liquidator only.
    /// @param sizeWad Change of the taker's size: opposite to its position.
    /// @return closedWad What was closed, signed like `sizeWad`.
    /// @return notionalWad Its value at the prices paid, without sign.
    function closeAgainst(SubaccountId taker, MarketId market, int256 sizeWad, int256 limitWad, bytes calldata makers)
        external
        returns (int256 closedWad, int256 notionalWad);

    /// @notice Orders of the caller with a nonce below the floor are dead.
    function raiseNonceFloor(uint64 floor) external;

    /// @param subaccount The one the key may trade for; zero for all of the caller's.
    /// @param scope Bit 0: trade. Zero revokes.
    function setSessionKey(address key, uint64 expiry, SubaccountId subaccount, uint8 scope) external;

    function nonceFloor(address owner) external view returns (uint64);
    function sessionKey(address owner, address key)
        external
        view
        returns (uint64 expiry, SubaccountId subaccount, uint8 scope);

    /// @notice Lots of an order already filled; `key` is the digest that was signed, `index` the quote's or zero.
    function filledLots(bytes32 key, uint16 index) external view returns (uint64);
}
