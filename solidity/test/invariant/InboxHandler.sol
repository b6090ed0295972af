// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Bridge} from "../../src/l1/Bridge.sol";
import {Inbox} from "../../src/l1/Inbox.sol";
import {CommonBase} from "forge-std/Base.sol";
import {StdCheats} from "forge-std/StdCheats.sol";

/// @notice A sequencer that draws what it can, users that deposit, anyone that forces.
contract InboxHandler is CommonBase, StdCheats {
    Inbox public immutable INBOX;
    Bridge public immutable BRIDGE;
    address internal immutable SEQUENCER;
    address internal immutable GOVERNANCE;

    uint256 public drawn;
    uint256 public systemDrawn;
    uint256 public minted;

    /// @notice Deposit ranges of the batches: entry i begins where entry i − 1 ended.
    uint256[] public ends;

    /// @notice Deposit gas taken per L1 block.
    mapping(uint256 => uint256) public depositGas;
    uint256[] public blocks;

    /// @notice Hash of each deposit when it was made.
    mapping(uint256 => bytes32) public hashes;

    constructor(Inbox inbox, Bridge bridge, address sequencer, address governance) {
        INBOX = inbox;
        BRIDGE = bridge;
        SEQUENCER = sequencer;
        GOVERNANCE = governance;
    }

    function batches() external view returns (uint256) {
        return ends.length;
    }

    function blockCount() external view returns (uint256) {
        return blocks.length;
    }

    /// @dev See Rollup.skip.
    function skip(uint256 time) internal override {
        vm.warp(vm.getBlockTimestamp() + time);
    }

    /* ACTIONS */

    function wait(uint16 seconds_) external {
        skip(seconds_);
        vm.roll(vm.getBlockNumber() + seconds_ / 12 + 1);
    }

    function appendBatch(uint64 general, uint64 system, uint16 deposits, bytes calldata data) external {
        (uint64 generalLeft, uint64 systemLeft) = INBOX.availableBudgets();
        general = general % (generalLeft + 1);
        system = system % (systemLeft + 1);
        uint64 end = uint64(INBOX.consumedDeposits() + deposits % 4);
        bytes memory call = abi.encodeCall(INBOX.appendBatch, (_index(), _prevAcc(), data, end, general, system));
        vm.prank(SEQUENCER);
        (bool ok,) = address(INBOX).call(call);
        if (!ok) return;
        drawn += general;
        systemDrawn += system;
        ends.push(end);
    }

    function forceBatch() external {
        try INBOX.forceBatch() {
            ends.push(INBOX.consumedDeposits());
        } catch {}
    }

    function deposit(uint96 mint, uint64 gasLimit) external {
        mint = mint % 10 ether;
        gasLimit = 21_000 + gasLimit % 3_000_000;
        vm.deal(msg.sender, mint);
        vm.prank(msg.sender, msg.sender);
        try BRIDGE.deposit{value: mint}(msg.sender, mint, gasLimit, false, "") returns (uint256 index) {
            minted += mint;
            hashes[index] = INBOX.depositHash(index);
            if (depositGas[vm.getBlockNumber()] == 0) blocks.push(vm.getBlockNumber());
            depositGas[vm.getBlockNumber()] += gasLimit;
        } catch {}
    }

    function scheduleConfig(bytes32 hash) external {
        vm.prank(GOVERNANCE);
        try INBOX.scheduleConfig(hash, address(this)) {} catch {}
    }

    function _index() internal view returns (uint256) {
        return INBOX.batchCount();
    }

    function _prevAcc() internal view returns (bytes32) {
        return _index() == 0 ? bytes32(0) : INBOX.acc(_index() - 1);
    }
}
