// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {PrecompileGuard} from "../../src/dispute/PrecompileGuard.sol";
import {IAssertionChain} from "../../src/interfaces/IAssertionChain.sol";
import {IBridge} from "../../src/interfaces/IBridge.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {AssertionChain} from "../../src/l1/AssertionChain.sol";
import {Bridge} from "../../src/l1/Bridge.sol";
import {Inbox} from "../../src/l1/Inbox.sol";
import {CommitmentTree} from "../../src/libraries/CommitmentTree.sol";
import {FakeGame} from "./FakeGame.sol";
import {FakeProbe} from "./FakeProbe.sol";
import {FakeVerifier} from "./FakeVerifier.sol";

/// @notice A whole rollup with a fake game, verifier and probe, and short ways to say what tests say often.
abstract contract Rollup is Test {
    uint256 internal constant START = 1_700_000_000;
    uint64 internal constant T = 3600;
    uint64 internal constant AIRGAP = 600;
    uint256 internal constant S0 = 2 ether;
    uint64 internal constant TX_GAS_CAP = 1 << 23;
    uint64 internal constant BURST = 1 << 25;
    uint64 internal constant GAS_RATE = 1_000_000;
    uint64 internal constant SYSTEM_RATE = 500_000;
    uint64 internal constant DEPOSIT_RATE = 400_000;
    uint64 internal constant FORCE_DELAY = 7200;
    uint64 internal constant INTERVAL = 12;
    uint64 internal constant CONFIG_DELAY = 86_400;
    uint64 internal constant PAUSE_MAX = 3 days;
    uint128 internal constant RATE = 1 ether;
    uint256 internal constant L2_CHAIN_ID = 420_420;
    bytes32 internal constant CONFIG = keccak256("first config");

    address internal sequencer = makeAddr("sequencer");
    address internal governance = makeAddr("governance");
    address internal guardian = makeAddr("guardian");
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");
    address internal carol = makeAddr("carol");

    Inbox internal inbox;
    AssertionChain internal chain;
    Bridge internal bridge;
    FakeGame internal game;
    FakeVerifier internal verifier;
    FakeProbe internal probe;
    PrecompileGuard internal guard;
    bytes32 internal genesis;

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(1000);
        _deploy(genesisEndLeaf(), 5);
    }

    function genesisEndLeaf() internal pure virtual returns (bytes32) {
        return keccak256("genesis end leaf");
    }

    function _deploy(bytes32 endLeaf, uint256 logArity) internal {
        game = new FakeGame();
        verifier = new FakeVerifier();
        probe = new FakeProbe();
        guard = new PrecompileGuard(address(probe));
        address bridgeAt = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        inbox = new Inbox(inboxSetup(bridgeAt));
        chain = new AssertionChain(chainSetup(endLeaf, logArity));
        bridge = new Bridge(bridgeSetup());
        genesis = chain.genesisId();
        for (uint256 i = 0; i < 3; ++i) {
            vm.deal([alice, bob, carol][i], 1000 ether);
        }
    }

    function inboxSetup(address bridgeAt) internal view returns (IInbox.Setup memory) {
        return IInbox.Setup({
            sequencer: sequencer,
            governance: governance,
            bridge: bridgeAt,
            guard: address(guard),
            verifier: address(verifier),
            configHash: CONFIG,
            configDelay: CONFIG_DELAY,
            forceDelay: FORCE_DELAY,
            minBatchInterval: INTERVAL,
            txGasCap: TX_GAS_CAP,
            gasRate: GAS_RATE,
            systemGasRate: SYSTEM_RATE,
            depositGasRate: DEPOSIT_RATE,
            gasBurst: BURST,
            systemGasBurst: BURST
        });
    }

    function chainSetup(bytes32 endLeaf, uint256 logArity)
        internal
        view
        virtual
        returns (IAssertionChain.Setup memory)
    {
        return IAssertionChain.Setup({
            inbox: address(inbox),
            game: address(game),
            genesisEndLeaf: endLeaf,
            challengePeriod: T,
            airgap: AIRGAP,
            stake: S0,
            logArity: logArity
        });
    }

    function bridgeSetup() internal view returns (IBridge.Setup memory) {
        return IBridge.Setup({
            inbox: address(inbox),
            chain: address(chain),
            guard: address(guard),
            guardian: guardian,
            l2ChainId: L2_CHAIN_ID,
            pauseMax: PAUSE_MAX,
            withdrawalRate: RATE
        });
    }

    /// @dev The optimizer takes block.timestamp for a constant of the transaction, so the library's `skip` may
    /// read it once for several calls.
    function skip(uint256 time) internal override {
        vm.warp(vm.getBlockTimestamp() + time);
    }

    /* BATCHES AND DEPOSITS */

    function append(bytes memory data, uint64 depositEnd) internal {
        uint256 index = inbox.batchCount();
        bytes32 prevAcc = lastAcc();
        vm.prank(sequencer);
        inbox.appendBatch(index, prevAcc, data, depositEnd, 0, 0);
    }

    /// @dev Appends `count` empty batches, moving time on.
    function appendMany(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            skip(INTERVAL);
            append("", uint64(inbox.depositCount()));
        }
    }

    function lastAcc() internal view returns (bytes32) {
        uint256 count = inbox.batchCount();
        return count == 0 ? bytes32(0) : inbox.acc(count - 1);
    }

    function depositFrom(address who, uint256 mint, uint64 gasLimit, bytes memory data) internal returns (uint256) {
        vm.prank(who, who);
        return bridge.deposit{value: mint}(who, mint, gasLimit, false, data);
    }

    /* ASSERTIONS */

    /// @dev What `who` needs to send to assert or back.
    function due(address who) internal view returns (uint256) {
        (uint256 amount,) = chain.stakeOf(who);
        return amount == 0 ? S0 : 0;
    }

    function commitments(bytes32 salt) internal pure returns (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) {
        endLeaf = keccak256(abi.encode("end", salt));
        children = keccak256(abi.encode("children", salt));
        unitRoot = CommitmentTree.hashNode(endLeaf, children);
    }

    function assertAs(address who, bytes32 parent, uint64 to, bytes32 salt) internal returns (bytes32) {
        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments(salt);
        bytes32 acc = inbox.acc(to - 1);
        uint256 value = due(who);
        vm.prank(who);
        return chain.assertBatches{value: value}(parent, to, acc, unitRoot, endLeaf, children);
    }

    /// @dev An assertion over all batches with a given end leaf, confirmed.
    function confirmed(bytes32 endLeaf) internal returns (bytes32 id) {
        appendMany(1);
        uint64 to = uint64(inbox.batchCount());
        bytes32 unitRoot = CommitmentTree.hashNode(endLeaf, 0);
        bytes32 parent = chain.latestConfirmed();
        bytes32 acc = inbox.acc(to - 1);
        uint256 value = due(carol);
        vm.prank(carol);
        id = chain.assertBatches{value: value}(parent, to, acc, unitRoot, endLeaf, 0);
        skip(T + AIRGAP);
        chain.confirm(id);
    }
}
