// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {NodeOpening, PathStep} from "../libraries/CommitmentTree.sol";
import {Assertion, Siblings, Status} from "../types/Assertion.sol";
import {IInbox} from "./IInbox.sol";
import {IOpenings} from "./IOpenings.sol";

/// @title The assertion chain
/// @notice A tree of claims about the state after batches, each under a stake. Children of one parent are rivals:
/// a child confirms when it is the only one left and the window is over. Every call is O(1).
interface IAssertionChain {
    /// @notice What the chain is deployed with; all of it is immutable.
    /// @param inbox The inbox whose batches are asserted; the genesis id binds its first configuration.
    /// @param game The dispute game.
    /// @param genesisEndLeaf Machine state before the first batch.
    /// @param challengePeriod T in seconds.
    /// @param airgap Seconds between being the only child left and confirming.
    /// @param stake S0 in wei.
    /// @param logArity Bits per level of the commitment trees: 1 or 5.
    struct Setup {
        address inbox;
        address game;
        bytes32 genesisEndLeaf;
        uint64 challengePeriod;
        uint64 airgap;
        uint256 stake;
        uint256 logArity;
    }

    /* EVENTS */

    /// @notice An assertion was made; `seq` orders the children of `parent`.
    event Asserted(
        bytes32 indexed id,
        bytes32 indexed parent,
        uint64 seq,
        address poster,
        uint64 fromBatch,
        uint64 toBatch,
        bytes32 acc,
        bytes32 unitRoot,
        bytes32 endLeaf,
        bytes32 childrenRoot
    );

    /// @notice `staker` moved its stake onto `id`.
    event Backed(bytes32 indexed id, address indexed staker);

    /// @notice An assertion was confirmed.
    event Confirmed(bytes32 indexed id);

    /// @notice An assertion died.
    event Died(bytes32 indexed id);

    /// @notice A stake was taken: by the game, or burned if `burned`. The game may still take a burned one, once.
    event Slashed(bytes32 indexed id, address indexed staker, uint256 amount, bool burned);

    /// @notice A stake was returned.
    event StakeWithdrawn(address indexed staker, uint256 amount);

    /// @notice Nodes of the commitment tree of `id`, proven to belong to it; nodes beyond the given ones, up to
    /// the next power of the arity, repeat the last.
    event UnitLeaves(bytes32 indexed id, uint8 level, uint64 firstIndex, NodeOpening[] nodes);

    /* ERRORS */

    /// @notice The setup breaks a bound of the protocol.
    error InvalidSetup();

    /// @notice No such assertion, or not in the state the call needs.
    error NotLive(bytes32 id);

    /// @notice The assertion is not dead.
    error NotDead(bytes32 id);

    /// @notice The parent is dead or unknown.
    error ParentNotAlive(bytes32 parent);

    /// @notice The parent is not confirmed.
    error ParentNotConfirmed(bytes32 parent);

    /// @notice The same content was asserted before: back it instead.
    error AssertionExists(bytes32 id);

    /// @notice unitRoot is not H(TAG_NODE, endLeaf, childrenRoot).
    error UnitRootMismatch();

    /// @notice The batches are not those the caller saw.
    error AccMismatch(bytes32 expected, bytes32 actual);

    /// @notice More than 2^BATCH_BITS batches.
    error TooManyBatches(uint256 batches);

    /// @notice Siblings cover the same batches.
    error SiblingRangeMismatch(uint256 expected, uint256 actual);

    /// @notice The window for siblings has closed.
    error WindowClosed(uint256 closedAt);

    /// @notice The window is still open.
    error WindowOpen(uint256 closesAt);

    /// @notice Other children of the parent are alive.
    error RivalsAlive(uint256 liveChildren);

    /// @notice The airgap is not over.
    error AirgapOpen(uint256 endsAt);

    /// @notice The call needs exactly this many wei.
    error WrongStake(uint256 expected, uint256 actual);

    /// @notice The stake lies on another branch.
    error StakeElsewhere(bytes32 tip);

    /// @notice The account lost its stake and can never stake again.
    error StakerSlashed();

    /// @notice The account has no stake here.
    error NoStake();

    /// @notice The account never staked on the assertion.
    error NotMember(bytes32 id, address staker);

    /// @notice The two are not children of one parent, or not in this order of age.
    error NotSiblings(bytes32 a, bytes32 b);

    /// @notice A dispute decides between the two.
    error DisputeOpen(bytes32 older, bytes32 newer);

    /// @notice Only the dispute game may call this.
    error NotGame();

    /// @notice A position outside the commitment tree, or nodes that do not lead to the unit root.
    error InvalidUnitLeaves();

    /// @notice A payment failed.
    error TransferFailed();

    /* ASSERTIONS */

    /// @notice Assert the state after batches [parent.to, toBatch).
    /// @dev The first child fixes `toBatch` for all its siblings and starts their window. The stake of the caller
    /// moves onto the assertion; a caller without one sends exactly S0.
    /// @param parent Assertion to extend; alive, not necessarily confirmed.
    /// @param expectedAcc Accumulator after batch toBatch − 1, as the caller saw it.
    /// @param unitRoot H(TAG_NODE, endLeaf, childrenRoot).
    /// @param endLeaf Machine state after the last batch.
    /// @param childrenRoot Root of the binary tree over the children of the unit root.
    /// @return id H(TAG_ASSERT, parent, expectedAcc, unitRoot, endLeaf).
    function assertBatches(
        bytes32 parent,
        uint64 toBatch,
        bytes32 expectedAcc,
        bytes32 unitRoot,
        bytes32 endLeaf,
        bytes32 childrenRoot
    ) external payable returns (bytes32 id);

    /// @notice Move the caller's stake onto an existing assertion.
    function back(bytes32 id) external payable;

    /// @notice Confirm an assertion: parent confirmed, window over, no live sibling, alone for the airgap.
    function confirm(bytes32 id) external;

    /// @notice Kill a child of a dead assertion.
    function markDead(bytes32 child) external;

    /// @notice Kill a newcomer that opened no dispute against an older sibling before the window closed.
    function killUnopened(bytes32 older, bytes32 newer) external;

    /// @notice Publish nodes of the commitment tree, so that others can compare. Anyone, at any time; optional.
    /// @param id Assertion they belong to.
    /// @param level Level of the nodes; 0 holds the unit leaves.
    /// @param firstIndex Index of the first node in its level; a multiple of the subtree's width.
    /// @param nodes Up to MAX_UNIT_LEAVES_PER_CALL openings; those missing from the subtree repeat the last.
    /// @param path Steps from the subtree's root to the unit root.
    function publishUnitLeaves(
        bytes32 id,
        uint8 level,
        uint64 firstIndex,
        NodeOpening[] calldata nodes,
        PathStep[] calldata path
    ) external;

    /* STAKES */

    /// @notice Burn the stake of a member of a dead assertion. It stays within reach of the game: a cheat could
    /// otherwise have its own stake burned below its lie, before those who prove the lie are paid from it.
    function slash(bytes32 id, address staker) external;

    /// @notice Return the caller's stake; its tip must be confirmed.
    function withdrawStake() external;

    /* THE GAME */

    /// @notice Rule K1: the loser of a decided dispute dies if and only if the winner is alive now. Game only.
    /// @dev The stake of the loser's poster goes to the game as a plain payment.
    /// @return killed Whether the loser died by this call.
    /// @return seized Wei sent to the game.
    function kill(bytes32 loser, bytes32 winner) external returns (bool killed, uint256 seized);

    /// @notice Take the stake of a member whose free commitment died. Game only.
    /// @return seized Wei sent to the game; zero if the stake was withdrawn or the game took it before.
    function seize(bytes32 id, address staker) external returns (uint256 seized);

    /* VIEWS */

    /// @notice The inbox whose batches are asserted.
    function INBOX() external view returns (IInbox);

    /// @notice The dispute game.
    function GAME() external view returns (IOpenings);

    /// @notice T in seconds: how long siblings may be posted and disputes opened.
    function CHALLENGE_PERIOD() external view returns (uint256);

    /// @notice Seconds between being the only child left and confirming.
    function AIRGAP() external view returns (uint256);

    /// @notice S0 in wei.
    function STAKE() external view returns (uint256);

    /// @notice Bits per level of the commitment trees.
    function LOG_ARITY() external view returns (uint256);

    /// @notice Id of the genesis assertion: H(TAG_GENESIS, L1 chain id, this contract, configHash, genesisEndLeaf).
    function genesisId() external view returns (bytes32);

    /// @notice Id of the last confirmed assertion.
    function latestConfirmed() external view returns (bytes32);

    /// @notice An assertion; status NONE if there is none.
    function assertion(bytes32 id) external view returns (Assertion memory);

    /// @notice What a dispute needs to know of two siblings; status NONE twice if they are none in this order.
    function siblings(bytes32 older, bytes32 newer) external view returns (Siblings memory);

    /// @notice Status and poster of an assertion.
    function standing(bytes32 id) external view returns (Status status, address poster);

    /// @notice The batches [from, to) of an assertion and their configuration.
    function range(bytes32 id) external view returns (uint256 from, uint256 to, uint256 config);

    /// @notice The end leaf of an assertion if it is confirmed, else zero.
    function confirmedEndLeaf(bytes32 id) external view returns (bytes32);

    /// @notice An account's stake: S0 or zero, and the assertion it lies on.
    function stakeOf(address staker) external view returns (uint256 amount, bytes32 tip);

    /// @notice Whether an account lost its stake here.
    function isSlashed(address staker) external view returns (bool);

    /// @notice Whether an account posted or backed an assertion.
    function isMember(bytes32 id, address staker) external view returns (bool);
}
