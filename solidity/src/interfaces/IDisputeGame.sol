// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DivergenceProof, Reveal} from "../libraries/Divergences.sol";
import {Commitment, Divergence, Duel, DuelKey, Pair, Purse, Tally} from "../types/Dispute.sol";
import {IAssertionChain} from "./IAssertionChain.sol";
import {IInbox} from "./IInbox.sol";
import {IOpenings} from "./IOpenings.sol";

/// @title The dispute game
/// @notice Decides between two siblings by executing one step of the machine. A dispute belongs to one pair and has
/// no effect outside it. Every call is permissionless and O(1); every byte a player needs is emitted.
/// @dev Rules: docs/spec/10-dispute-game.md. Twin: optimistic/protocol/dispute/rules.py.
interface IDisputeGame is IOpenings {
    /* EVENTS */

    /// @notice A dispute was opened: the walk starts at `level`, or, at level 0, the unit is pinned at once. Above
    /// level 0 `Moved` follows, with what the newer side revealed; at level 0 `UnitPinned`.
    event Opened(
        bytes32 indexed dispute,
        bytes32 indexed older,
        bytes32 indexed newer,
        address opener,
        uint8 level,
        uint32 index,
        Divergence divergence,
        uint32 leftOlder,
        uint32 leftNewer
    );

    /// @notice The disputed unit `index` is pinned: `divergence` holds its agreed pre-state and the two results.
    event UnitPinned(
        bytes32 indexed dispute, uint32 index, Divergence divergence, uint32 budgetOlder, uint32 budgetNewer
    );

    /// @notice The side `side` moved in a duel (of two commitments, or the walk under the dispute's id) and stands at
    /// `level` now. `endState` and `children` are those of its own new node; zero and none at level 0.
    event Moved(
        bytes32 indexed duel,
        bytes32 indexed dispute,
        address mover,
        uint8 side,
        uint8 level,
        uint32 index,
        Divergence divergence,
        bytes32 endState,
        bytes32[] children
    );

    /// @notice A commitment joined: `children` are those of its root.
    event Committed(
        bytes32 indexed dispute,
        bytes32 indexed commitment,
        address indexed owner,
        uint8 side,
        uint8 depth,
        bytes32 root,
        uint32 no,
        bool isFree,
        bytes32[] children
    );

    /// @notice A duel between two commitments has its first move; `Moved` follows.
    event Started(bytes32 indexed duel, bytes32 indexed dispute, bytes32 older, bytes32 newer);

    /// @notice One step was executed: this is what the machine makes of it.
    event StepProven(bytes32 indexed duel, bytes32 indexed dispute, address prover, bytes32 post);

    /// @notice A commitment died. `stake` wei of its owner were taken if it had no bond.
    event CommitmentDied(bytes32 indexed dispute, bytes32 indexed commitment, uint256 stake);

    /// @notice A dispute is over. `winner` is zero if neither sibling is alive; `killed` tells whether the other one
    /// died by this dispute. `pool` wei pay the winner's credits, `toPoster` go to its poster, `burned` to nobody.
    event DisputeSettled(
        bytes32 indexed dispute, bytes32 winner, bool killed, uint256 pool, uint256 toPoster, uint256 burned
    );

    /// @notice An account was paid bonds, credits or a poster's share.
    event Paid(address indexed account, uint256 amount);

    /* ERRORS */

    /// @notice The setup breaks a bound of the game.
    error InvalidSetup();

    /// @notice The two are not live children of one parent in this order of age.
    error NotLiveSiblings(bytes32 older, bytes32 newer);

    /// @notice There already is a dispute between the two.
    error AlreadyOpen(bytes32 older, bytes32 newer);

    /// @notice The window has closed.
    error WindowClosed(uint256 closedAt);

    /// @notice The dispute or duel is not in the stage the call needs.
    error WrongStage();

    /// @notice Another side is on turn, or the level is another one: somebody moved before. Or nothing is left to
    /// move to.
    error NotOnTurn();

    /// @notice The clock of the side on turn ran out.
    error ClockExpired();

    /// @notice No clock of the duel ran out yet.
    error ClockRunning();

    /// @notice The agreed state or the nodes are not those of the duel.
    error WrongDivergence();

    /// @notice A depth no trace has.
    error InvalidDepth();

    /// @notice The same commitment is already there.
    error CommitmentExists(bytes32 commitment);

    /// @notice No such commitment, or it is dead.
    error CommitmentNotLive(bytes32 commitment);

    /// @notice A commitment needs exactly the bond; a free one needs none.
    error WrongBond(uint256 expected, uint256 actual);

    /// @notice The caller has no stake on that sibling, or has used its free commitment.
    error NoFreeCommitment();

    /// @notice The dispute cannot be settled yet.
    error Undecided();

    /// @notice Only the assertion chain pays the game.
    error UnexpectedPayment();

    /// @notice A payment failed.
    error TransferFailed();

    /* OPENING AND WALK */

    /// @notice Open the dispute between two live siblings, before t0 + T. Anyone.
    /// @dev Level 0 pins the unit at once and needs both paths; at the top level the nodes are the unit roots.
    /// @param level Of the nodes in `proof`.
    /// @param proof First difference under the two unit roots.
    /// @param reveal Children of the newer side's node; empty at level 0.
    function open(Pair calldata pair, uint8 level, DivergenceProof calldata proof, Reveal calldata reveal) external;

    /// @notice Descend to the first different child, in a walk or in a duel. Anyone may move for a side.
    /// @param turn Side on turn and
    /// @param level level of the duel as the caller knows them: reverts with NotOnTurn if somebody was faster.
    /// @param pre Agreed state of the duel.
    /// @param proof One level deep, under the nodes of the duel.
    /// @param reveal Children of the mover's new node; empty if it is a leaf.
    function move(
        DuelKey calldata key,
        uint8 turn,
        uint8 level,
        bytes32 pre,
        DivergenceProof calldata proof,
        Reveal calldata reveal
    ) external;

    /* COMMITMENTS AND DUELS */

    /// @notice Commit to all steps of the pinned unit for a side, while its window is open.
    /// @param side OLDER or NEWER.
    /// @param depth Levels of the trace tree, from 1.
    /// @param divergence Of the dispute.
    /// @param reveal Children of the commitment's root, whose end state is the side's result.
    /// @param isFree Whether the caller's stake on that sibling answers for it instead of a bond.
    function commitTrace(
        Pair calldata pair,
        uint8 side,
        uint8 depth,
        Divergence calldata divergence,
        Reveal calldata reveal,
        bool isFree
    ) external payable;

    /// @notice The first move of a duel between two live commitments, by the newer one of them.
    /// @param depths Of the two commitments, by side; the shallower one is lifted.
    /// @param roots Of the two commitments, by side.
    /// @param divergence Of the dispute.
    /// @param proof One level deep, under the lifted roots.
    /// @param reveal Children of the mover's new node; empty if it is a leaf.
    function start(
        Pair calldata pair,
        uint8[2] calldata depths,
        bytes32[2] calldata roots,
        Divergence calldata divergence,
        DivergenceProof calldata proof,
        Reveal calldata reveal
    ) external;

    /// @notice Execute the one step two commitments disagree about. Whoever is wrong dies, if need be both. A dear step
    /// is executed once per dispute and looked up afterwards, whatever the witness.
    /// @param divergence Of the duel, at level 0.
    /// @param witness abi.encode(StepProof) for the one-step verifier of the batch's configuration.
    function proveStep(DuelKey calldata key, Divergence calldata divergence, bytes calldata witness) external;

    /* ENDINGS */

    /// @notice The walk ends against the side on turn, a duel against the commitment on turn, when its clock ran
    /// out; a duel that never started against the newer commitment, when its side's window is over.
    function timeout(DuelKey calldata key) external;

    /// @notice Close a dispute that is decided, or in which a sibling is no longer live.
    function settle(Pair calldata pair) external;

    /// @notice Pay an account what it is owed: bonds of its live commitments and valid credits of a dispute that is
    /// over, and its share as a poster.
    /// @param commitments Those of the dispute the account owns or moved for.
    /// @return amount Wei paid.
    function claim(Pair calldata pair, bytes32[] calldata commitments, address account)
        external
        returns (uint256 amount);

    /* VIEWS */

    /// @notice The assertion chain, the only one that may pay the game.
    function CHAIN() external view returns (IAssertionChain);

    /// @notice The inbox whose batches are asserted.
    function INBOX() external view returns (IInbox);

    /// @notice s in wei: the bond of a commitment.
    function BOND() external view returns (uint256);

    /// @notice T in seconds.
    function CHALLENGE_PERIOD() external view returns (uint256);

    /// @notice Bits per level of the trees: 1 or 5.
    function LOG_ARITY() external view returns (uint256);

    /// @notice The duel that a dispute begins with, its counters and its money.
    function dispute(Pair calldata pair) external view returns (Duel memory, Tally memory, Purse memory);

    /// @notice A duel of two commitments; stage NONE before its first move.
    function duel(DuelKey calldata key) external view returns (Duel memory);

    /// @notice A commitment of a dispute.
    function commitment(Pair calldata pair, bytes32 id) external view returns (Commitment memory);

    /// @notice What `claim` would pay now, if `commitments` names none twice.
    function claimable(Pair calldata pair, bytes32[] calldata commitments, address account)
        external
        view
        returns (uint256 amount);

    /// @notice A poster's share that waits for `claim`.
    function owed(address account) external view returns (uint256);
}
