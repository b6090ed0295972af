// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DisputeGame} from "../../src/dispute/DisputeGame.sol";
import {PrecompileGuard} from "../../src/dispute/PrecompileGuard.sol";
import {IAssertionChain} from "../../src/interfaces/IAssertionChain.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {AssertionChain} from "../../src/l1/AssertionChain.sol";
import {Inbox} from "../../src/l1/Inbox.sol";
import {
    CREDIT_GAS_COMMIT_1,
    CREDIT_GAS_COMMIT_5,
    CREDIT_GAS_MOVE_1,
    CREDIT_GAS_MOVE_5,
    CREDIT_GAS_OPEN_1,
    CREDIT_GAS_OPEN_5
} from "../../src/libraries/Constants.sol";
import {DivergenceProof, Reveal} from "../../src/libraries/Divergences.sol";
import {
    Commitment,
    Divergence,
    Duel,
    DuelKey,
    Life,
    NEWER,
    OLDER,
    Pair,
    Purse,
    Stage,
    Tally,
    commitmentIdOf,
    disputeIdOf,
    divergenceHashOf
} from "../../src/types/Dispute.sol";
import {FakeProbe} from "./FakeProbe.sol";
import {Rollup} from "./Rollup.sol";
import {SparseTrees, Tree} from "./SparseTrees.sol";
import {ToyMachine, ToyVerifier} from "./ToyVerifier.sol";

/// @notice A trace somebody commits to: right up to step `wrongFrom`, then made up, at the end the side's result.
struct Trace {
    uint8 side;
    uint8 depth;
    uint256 wrongFrom;
    bytes32 salt;
}

/// @notice The shape of the trees.
abstract contract Arity {
    /// @dev Bits per level: 1 or 5.
    function logArity() internal pure virtual returns (uint256);
}

/// @notice Plain bisection.
abstract contract BinaryTrees is Arity {
    function logArity() internal pure override returns (uint256) {
        return 1;
    }
}

/// @notice Thirty-two children per node.
abstract contract WideTrees is Arity {
    function logArity() internal pure override returns (uint256) {
        return 5;
    }
}

/// @notice A rollup with the real game and a toy machine, two siblings, and the moves of their players.
abstract contract Disputes is Rollup, Arity {
    using SparseTrees for Tree;

    uint256 internal constant BOND = 0.2 ether;

    /// @dev `wrongFrom` of what is right everywhere.
    uint256 internal constant NEVER = type(uint256).max;

    ToyVerifier internal toy;
    DisputeGame internal disputes;

    /// @dev First wrong unit of each side's assertion, counted over all batches, and what makes it its own.
    uint256[2] internal wrongFrom;
    bytes32[2] internal salts;

    /// @dev The right leaf of every unit.
    bytes32[] internal leaves;

    Pair internal pair;
    bytes32 internal disputeId;

    /// @dev What the unit trees first differ in, once it is pinned.
    Divergence internal pinned;
    uint256 internal unit;

    /// @dev Roots of the traces that were committed to.
    mapping(bytes32 name => bytes32) private _roots;

    function setUp() public virtual override {
        vm.warp(START);
        vm.roll(1000);
        vm.fee(10 gwei);
        vm.txGasPrice(11 gwei);
        guard = new PrecompileGuard(address(new FakeProbe()));
        toy = new ToyVerifier();
        IInbox.Setup memory setup = inboxSetup(makeAddr("bridge"));
        setup.verifier = address(toy);
        inbox = new Inbox(setup);
        chain = new AssertionChain(gameSetup(vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1)));
        disputes = new DisputeGame(address(chain), BOND);
        genesis = chain.genesisId();
        for (uint256 i = 0; i < 3; ++i) {
            vm.deal([alice, bob, carol][i], 1000 ether);
        }
        appendMany(ToyMachine.BATCHES);
        _runUnits();
    }

    function arity() internal pure returns (uint256) {
        return 1 << logArity();
    }

    /// @dev Levels of the unit tree.
    function height() internal pure returns (uint8) {
        return uint8(25 / logArity());
    }

    function gameSetup(address gameAt) internal view returns (IAssertionChain.Setup memory setup) {
        setup = IAssertionChain.Setup({
            inbox: address(inbox),
            game: gameAt,
            genesisEndLeaf: genesisEndLeaf(),
            challengePeriod: T,
            airgap: AIRGAP,
            stake: S0,
            logArity: logArity()
        });
    }

    /* THE RIGHT COMPUTATION */

    function _runUnits() private {
        bytes32 state = genesisEndLeaf();
        for (uint256 i = 0; i < ToyMachine.BATCHES * ToyMachine.UNITS; ++i) {
            state = ToyMachine.run(state, unitAt(i), inbox.acc(i / ToyMachine.UNITS));
            leaves.push(state);
        }
    }

    /// @dev Index in the unit tree of the `i`-th unit.
    function unitAt(uint256 i) internal pure returns (uint256) {
        return i / ToyMachine.UNITS << 15 | i % ToyMachine.UNITS;
    }

    /// @dev The unit tree of an assertion that is right below unit `from`.
    function unitTree(uint256 from, bytes32 salt) internal view returns (Tree memory) {
        uint256 n = leaves.length;
        uint256[] memory starts = new uint256[](n);
        bytes32[] memory values = new bytes32[](n);
        for (uint256 i = 0; i < n; ++i) {
            starts[i] = unitAt(i);
            values[i] = i < from ? leaves[i] : keccak256(abi.encode(salt, i));
        }
        return SparseTrees.make(logArity(), height(), starts, values);
    }

    function unitTree(uint256 side) internal view returns (Tree memory) {
        return unitTree(wrongFrom[side], salts[side]);
    }

    /// @dev The trace tree of a commitment to the pinned unit, `levels` high.
    function traceTree(Trace memory trace, uint256 levels) internal view returns (Tree memory) {
        uint256 n = stepsOfUnit();
        uint256[] memory starts = new uint256[](n);
        bytes32[] memory values = new bytes32[](n);
        bytes32 state = pinned.pre;
        for (uint256 v = 0; v < n; ++v) {
            state = ToyMachine.step(state, unit, v, accOfUnit());
            starts[v] = v;
            values[v] = v < trace.wrongFrom ? state : keccak256(abi.encode(trace.salt, v));
        }
        values[n - 1] = pinned.nodes[trace.side];
        return SparseTrees.make(logArity(), levels, starts, values);
    }

    /// @dev States in the trace of the pinned unit: at least one, also where the machine stands still.
    function stepsOfUnit() internal view returns (uint256) {
        uint256 steps = ToyMachine.stepsOf(unit);
        return steps == 0 ? 1 : steps;
    }

    function accOfUnit() internal view returns (bytes32) {
        uint256 batch = unit >> 15;
        return batch < ToyMachine.BATCHES ? inbox.acc(batch) : bytes32(0);
    }

    /// @dev The least depth of a trace of the pinned unit.
    function leastDepth() internal view returns (uint8 depth) {
        depth = 1;
        while (1 << (depth * logArity()) < stepsOfUnit()) ++depth;
    }

    /* ASSERTIONS */

    /// @dev Posts the siblings that are wrong from these units on; the older one is alice's, the newer bob's.
    function assertSiblings(uint256 olderFrom, uint256 newerFrom) internal {
        (wrongFrom, salts) = ([olderFrom, newerFrom], [bytes32("older"), bytes32("newer")]);
        pair = Pair(assertTree(alice, unitTree(OLDER)), assertTree(bob, unitTree(NEWER)));
        disputeId = disputeIdOf(pair);
    }

    /// @dev A third sibling, against which the game goes on in the place of the newer one.
    function assertNewer(address who, uint256 from, bytes32 salt) internal {
        (wrongFrom[NEWER], salts[NEWER]) = (from, salt);
        assertNewer(who, unitTree(NEWER));
    }

    function assertNewer(address who, Tree memory tree) internal {
        pair.newer = assertTree(who, tree);
        disputeId = disputeIdOf(pair);
    }

    /// @dev Siblings of which one is right, or neither; returns the first unit they differ in.
    function assertSomeSiblings(uint256 seed) internal returns (uint256) {
        uint256 n = leaves.length;
        uint256 older = seed % (n + 1);
        uint256 newer = seed / 256 % (n + 1);
        // Beyond the last unit there is nothing to be wrong in, and two right ones are one.
        if (older == n && newer == n) newer = 0;
        assertSiblings(older, newer);
        return older < newer ? older : newer;
    }

    /// @dev An assertion dies, but not by this dispute; the stake is of no more interest.
    function killAssertion(bytes32 loser, bytes32 winner) internal {
        vm.prank(address(disputes));
        (, uint256 seized) = chain.kill(loser, winner);
        vm.deal(address(disputes), address(disputes).balance - seized);
    }

    function assertTree(address who, Tree memory tree) internal returns (bytes32) {
        uint256 to = inbox.batchCount();
        bytes32 acc = inbox.acc(to - 1);
        bytes32 root = tree.root();
        bytes32 childrenRoot = tree.childrenRoot(tree.height, 0);
        uint256 value = due(who);
        vm.prank(who);
        return chain.assertBatches{value: value}(genesis, uint64(to), acc, root, tree.endLeaf(), childrenRoot);
    }

    /* WALK */

    function openingProof(uint8 level) internal view returns (DivergenceProof memory) {
        return unitTree(OLDER).prove(unitTree(NEWER), height(), 0, level);
    }

    function openAt(address who, uint8 level) internal {
        DivergenceProof memory proof = openingProof(level);
        Reveal memory reveal = unitTree(NEWER).reveal(level, proof.index);
        vm.prank(who);
        disputes.open(pair, level, proof, reveal);
    }

    /// @dev Opens at level 0.
    function pin(address who) internal {
        openAt(who, 0);
        notePinned();
    }

    /// @dev Computes what the game must have pinned.
    function notePinned() internal {
        Tree memory older = unitTree(OLDER);
        unit = older.firstDifference(unitTree(NEWER), height(), 0, 0);
        pinned.nodes = [older.node(0, unit), unitTree(NEWER).node(0, unit)];
        pinned.pre = unit == 0 ? genesisEndLeaf() : older.node(0, unit - 1);
    }

    function walkKey() internal view returns (DuelKey memory key) {
        key.pair = pair;
    }

    function walk() internal view returns (Duel memory found) {
        (found,,) = disputes.dispute(pair);
    }

    /// @dev State both sides of the walk agree on.
    function walkPre() internal view returns (bytes32 pre) {
        Duel memory self = walk();
        pre = genesisEndLeaf();
        if (self.index > 0) pre = unitTree(OLDER).endState(self.level, self.index - 1);
    }

    function walkProof() internal view returns (DivergenceProof memory proof, Reveal memory reveal) {
        Duel memory self = walk();
        proof = unitTree(OLDER).prove(unitTree(NEWER), self.level, self.index, self.level - 1);
        reveal = unitTree(self.turn).reveal(self.level - 1, self.index * arity() + proof.index);
    }

    function walkMove(address who) internal {
        Duel memory self = walk();
        (DivergenceProof memory proof, Reveal memory reveal) = walkProof();
        bytes32 pre = walkPre();
        vm.prank(who);
        disputes.move(walkKey(), self.turn, self.level, pre, proof, reveal);
    }

    /* COMMITMENTS */

    /// @dev A trace that is right as far as its side's result allows.
    function honest(uint256 side) internal view returns (Trace memory) {
        return Trace(uint8(side), leastDepth(), NEVER, "honest");
    }

    function lie(uint256 side, uint256 from, bytes32 salt) internal view returns (Trace memory) {
        return Trace(uint8(side), leastDepth(), from, salt);
    }

    function idOf(Trace memory trace) internal view returns (bytes32) {
        return commitmentIdOf(disputeId, trace.side, trace.depth, rootOf(trace));
    }

    function rootOf(Trace memory trace) internal view returns (bytes32) {
        bytes32 known = _roots[_nameOf(trace)];
        return known == 0 ? traceTree(trace, trace.depth).root() : known;
    }

    function _nameOf(Trace memory trace) private view returns (bytes32) {
        return keccak256(abi.encode(trace, pinned));
    }

    function commit(address who, Trace memory trace) internal returns (bytes32) {
        return commitAs(who, trace, BOND, false);
    }

    function commitFree(address who, Trace memory trace) internal returns (bytes32) {
        return commitAs(who, trace, 0, true);
    }

    function commitAs(address who, Trace memory trace, uint256 value, bool isFree) internal returns (bytes32 id) {
        Tree memory tree = traceTree(trace, trace.depth);
        _roots[_nameOf(trace)] = tree.root();
        id = idOf(trace);
        Reveal memory reveal = tree.reveal(trace.depth, 0);
        vm.prank(who);
        disputes.commitTrace{value: value}(pair, trace.side, trace.depth, pinned, reveal, isFree);
    }

    /* DUELS */

    function keyOf(Trace memory older, Trace memory newer) internal view returns (DuelKey memory) {
        return DuelKey(pair, [idOf(older), idOf(newer)]);
    }

    function duelOf(Trace memory older, Trace memory newer) internal view returns (Duel memory) {
        return disputes.duel(keyOf(older, newer));
    }

    function start(address who, Trace memory older, Trace memory newer) internal {
        bytes32[2] memory roots = [rootOf(older), rootOf(newer)];
        (DivergenceProof memory proof, Reveal memory reveal) = startProof(older, newer);
        vm.prank(who);
        disputes.start(pair, [older.depth, newer.depth], roots, pinned, proof, reveal);
    }

    /// @dev First move between two commitments: for the one that joined later.
    function startProof(Trace memory older, Trace memory newer)
        internal
        view
        returns (DivergenceProof memory proof, Reveal memory reveal)
    {
        (Tree memory a, Tree memory b) = treesOf(older, newer);
        proof = a.prove(b, a.height, 0, a.height - 1);
        bool olderMoves = commitmentOf(older).no > commitmentOf(newer).no;
        reveal = (olderMoves ? a : b).reveal(a.height - 1, proof.index);
    }

    /// @dev The one move in a duel of two traces.
    function duelProof(Trace memory older, Trace memory newer)
        internal
        view
        returns (bytes32 pre, DivergenceProof memory proof, Reveal memory reveal)
    {
        (Tree memory a, Tree memory b) = treesOf(older, newer);
        return moveIn(keyOf(older, newer), a, b);
    }

    /// @dev The same with the trees at hand.
    function moveIn(DuelKey memory key, Tree memory a, Tree memory b)
        internal
        view
        returns (bytes32 pre, DivergenceProof memory proof, Reveal memory reveal)
    {
        Duel memory self = disputes.duel(key);
        pre = _preOf(a, self);
        proof = a.prove(b, self.level, self.index, self.level - 1);
        reveal = (self.turn == OLDER ? a : b).reveal(self.level - 1, self.index * arity() + proof.index);
    }

    function duelMove(address who, Trace memory older, Trace memory newer) internal {
        (Tree memory a, Tree memory b) = treesOf(older, newer);
        duelMoveIn(who, keyOf(older, newer), a, b);
    }

    function duelMoveIn(address who, DuelKey memory key, Tree memory a, Tree memory b) internal {
        Duel memory self = disputes.duel(key);
        (bytes32 pre, DivergenceProof memory proof, Reveal memory reveal) = moveIn(key, a, b);
        vm.prank(who);
        disputes.move(key, self.turn, self.level, pre, proof, reveal);
    }

    /// @dev Starts a duel, if it has not, and plays it down to one step.
    function playDown(address who, Trace memory older, Trace memory newer) internal {
        if (duelOf(older, newer).stage == Stage.NONE) start(who, older, newer);
        (Tree memory a, Tree memory b) = treesOf(older, newer);
        playDownIn(who, keyOf(older, newer), a, b);
    }

    function playDownIn(address who, DuelKey memory key, Tree memory a, Tree memory b) internal {
        while (disputes.duel(key).level > 0) {
            duelMoveIn(who, key, a, b);
        }
    }

    /// @dev What a duel at level 0 is about.
    function stepOf(Trace memory older, Trace memory newer) internal view returns (Divergence memory) {
        (Tree memory a, Tree memory b) = treesOf(older, newer);
        return stepIn(keyOf(older, newer), a, b);
    }

    function stepIn(DuelKey memory key, Tree memory a, Tree memory b) internal view returns (Divergence memory found) {
        Duel memory self = disputes.duel(key);
        found.pre = _preOf(a, self);
        found.nodes = [a.node(0, self.index), b.node(0, self.index)];
    }

    function proveStep(address who, Trace memory older, Trace memory newer) internal {
        Divergence memory divergence = stepOf(older, newer);
        DuelKey memory key = keyOf(older, newer);
        vm.prank(who);
        disputes.proveStep(key, divergence, "");
    }

    /// @dev Both at the greater depth.
    function treesOf(Trace memory older, Trace memory newer) internal view returns (Tree memory, Tree memory) {
        uint256 depth = older.depth > newer.depth ? older.depth : newer.depth;
        return (traceTree(older, depth), traceTree(newer, depth));
    }

    function _preOf(Tree memory tree, Duel memory self) private view returns (bytes32 pre) {
        pre = pinned.pre;
        if (self.index > 0) pre = tree.endState(self.level, self.index - 1);
    }

    /* READING */

    function same(Duel memory actual, Duel memory expected) internal pure {
        assertEq(keccak256(abi.encode(actual)), keccak256(abi.encode(expected)));
    }

    function commitmentOf(Trace memory trace) internal view returns (Commitment memory) {
        return disputes.commitment(pair, idOf(trace));
    }

    function isLive(Trace memory trace) internal view returns (bool) {
        return commitmentOf(trace).life == Life.LIVE;
    }

    function tally() internal view returns (Tally memory found) {
        (, found,) = disputes.dispute(pair);
    }

    function purse() internal view returns (Purse memory found) {
        (,, found) = disputes.dispute(pair);
    }

    function stage() internal view returns (Stage) {
        return walk().stage;
    }

    function openGas() internal pure returns (uint256) {
        return logArity() == 1 ? CREDIT_GAS_OPEN_1 : CREDIT_GAS_OPEN_5;
    }

    function moveGas() internal pure returns (uint256) {
        return logArity() == 1 ? CREDIT_GAS_MOVE_1 : CREDIT_GAS_MOVE_5;
    }

    function commitGas() internal pure returns (uint256) {
        return logArity() == 1 ? CREDIT_GAS_COMMIT_1 : CREDIT_GAS_COMMIT_5;
    }

    /// @dev What a move of so much gas earns at the present prices.
    function worth(uint256 gas_) internal view returns (uint256) {
        uint256 price = block.basefee + 2 gwei;
        if (tx.gasprice < price) price = tx.gasprice;
        return gas_ * (price < 300 gwei ? price : 300 gwei);
    }

    function list(bytes32 id) internal pure returns (bytes32[] memory ids) {
        ids = new bytes32[](1);
        ids[0] = id;
    }

    function list(bytes32 a, bytes32 b) internal pure returns (bytes32[] memory ids) {
        ids = new bytes32[](2);
        (ids[0], ids[1]) = (a, b);
    }

    function none() internal pure returns (bytes32[] memory) {
        return new bytes32[](0);
    }
}
