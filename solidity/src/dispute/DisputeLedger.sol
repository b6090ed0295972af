// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAssertionChain} from "../interfaces/IAssertionChain.sol";
import {IDisputeGame} from "../interfaces/IDisputeGame.sol";
import {CREDIT_PRICE_CAP_WEI, CREDIT_TIP_WEI} from "../libraries/Constants.sol";
import {Status} from "../types/Assertion.sol";
import {
    Commitment,
    Credit,
    Duel,
    DuelKey,
    Life,
    NEWER,
    OLDER,
    Pair,
    Purse,
    Stage,
    Tally,
    disputeIdOf,
    duelIdOf
} from "../types/Dispute.sol";

/// @title What the dispute game keeps: disputes, commitments and money
/// @notice Who died, who earned what, and who is paid when a dispute is over.
/// @dev Every wei here is in exactly one place: the bond of a live commitment, a pool, a forfeit, a share that is
/// owed, or burned, which means that nothing can pay it out.
abstract contract DisputeLedger is IDisputeGame {
    /// @dev What is to be paid in a dispute that is over: each winner's credit · paid / total.
    struct Payout {
        bytes32 dispute;
        address account;
        uint256 side;
        uint256 paid;
        uint256 total;
    }

    /// @dev How the two siblings stand, by side.
    struct Standing {
        Status[2] status;
        address[2] poster;
    }

    /* IMMUTABLES */

    /// @inheritdoc IDisputeGame
    IAssertionChain public immutable CHAIN;

    /// @inheritdoc IDisputeGame
    uint256 public immutable BOND;

    /* STORAGE */

    /// @dev By dispute: the walk, then what was pinned. By duel: the search between two commitments.
    mapping(bytes32 id => Duel) internal _duels;

    mapping(bytes32 dispute => Tally) internal _tallies;

    mapping(bytes32 dispute => Purse) internal _purses;

    /// @dev By dispute too: an id alone does not tell which dispute it belongs to.
    mapping(bytes32 dispute => mapping(bytes32 id => Commitment)) internal _commitments;

    /// @dev Earned for a side as a whole: by opening and in the walk.
    mapping(bytes32 dispute => mapping(address account => Credit[2])) internal _sideCredits;

    /// @dev Earned for a commitment by others than its owner.
    mapping(bytes32 commitment => mapping(address account => uint256)) internal _helperCredits;

    /// @inheritdoc IDisputeGame
    mapping(address account => uint256) public owed;

    /* CONSTRUCTOR */

    constructor(address chain, uint256 bond) {
        if (bond == 0 || bond > type(uint96).max) revert InvalidSetup();
        CHAIN = IAssertionChain(chain);
        BOND = bond;
    }

    /// @notice Stakes come from the assertion chain; nobody else can lose ether here by mistake.
    receive() external payable {
        if (msg.sender != address(CHAIN)) revert UnexpectedPayment();
    }

    /* CLAIMS */

    /// @inheritdoc IDisputeGame
    function claim(Pair calldata pair, bytes32[] calldata commitments, address account)
        external
        returns (uint256 amount)
    {
        Payout memory payout = _payout(pair, account);
        amount = _fromSide(payout) + owed[account];
        _sideCredits[payout.dispute][account][payout.side].amount = 0;
        owed[account] = 0;
        for (uint256 i = 0; i < commitments.length; ++i) {
            amount += _fromCommitment(payout, commitments[i]);
            _markPaid(payout, commitments[i]);
        }
        if (amount == 0) return 0;
        emit Paid(account, amount);
        (bool ok,) = account.call{value: amount}("");
        if (!ok) revert TransferFailed();
    }

    /* VIEWS */

    /// @inheritdoc IDisputeGame
    function claimable(Pair calldata pair, bytes32[] calldata commitments, address account)
        external
        view
        returns (uint256 amount)
    {
        Payout memory payout = _payout(pair, account);
        amount = _fromSide(payout) + owed[account];
        for (uint256 i = 0; i < commitments.length; ++i) {
            amount += _fromCommitment(payout, commitments[i]);
        }
    }

    /// @inheritdoc IDisputeGame
    function dispute(Pair calldata pair) external view returns (Duel memory, Tally memory, Purse memory) {
        bytes32 id = disputeIdOf(pair);
        return (_duels[id], _tallies[id], _purses[id]);
    }

    /// @inheritdoc IDisputeGame
    function duel(DuelKey calldata key) external view returns (Duel memory) {
        return _duels[duelIdOf(disputeIdOf(key.pair), key.commitments)];
    }

    /// @inheritdoc IDisputeGame
    function commitment(Pair calldata pair, bytes32 id) external view returns (Commitment memory) {
        return _commitments[disputeIdOf(pair)][id];
    }

    /* INTERNAL: CREDITS */

    /// @dev Books gas for `msg.sender` on a side as a whole.
    function _earnForSide(bytes32 disputeId, uint256 side, uint256 gas) internal {
        uint256 amount = _addToTally(disputeId, side, gas);
        _sideCredits[disputeId][msg.sender][side].amount += uint128(amount);
    }

    /// @dev Books gas for `msg.sender` on a live commitment of a side.
    function _earnForCommitment(bytes32 disputeId, uint256 side, bytes32 id, uint256 gas) internal {
        uint256 amount = _addToTally(disputeId, side, gas);
        Commitment storage self = _commitments[disputeId][id];
        self.credits += uint128(amount);
        if (self.owner == msg.sender) self.ownerCredits += uint128(amount);
        else _helperCredits[id][msg.sender] += amount;
    }

    /// @dev What `gas` is worth now. The cap and the tip keep a mover from overpaying its own block producer. No price
    /// counts as one wei: gas is often estimated without a price, and must not leave out the slots that are written.
    function _worth(uint256 gas) internal view returns (uint256) {
        uint256 price = block.basefee + CREDIT_TIP_WEI;
        if (tx.gasprice < price) price = tx.gasprice == 0 ? 1 : tx.gasprice;
        return gas * (price < CREDIT_PRICE_CAP_WEI ? price : CREDIT_PRICE_CAP_WEI);
    }

    /// @dev Adds to what a side has earned. A full counter takes no more: no move ever fails for it.
    function _addToTally(bytes32 disputeId, uint256 side, uint256 gas) internal returns (uint256 amount) {
        Tally storage tally = _tallies[disputeId];
        amount = _worth(gas);
        uint256 sum = amount + (side == OLDER ? tally.creditsOlder : tally.creditsNewer);
        if (sum > type(uint80).max) return 0;
        if (side == OLDER) tally.creditsOlder = uint80(sum);
        else tally.creditsNewer = uint80(sum);
    }

    /* INTERNAL: COMMITMENTS */

    /// @dev Adds a commitment of `msg.sender`; returns its number.
    function _join(bytes32 disputeId, bytes32 id, uint8 side, bool isFree, uint256 gas) internal returns (uint32 no) {
        uint128 amount = uint128(_addToTally(disputeId, side, gas));
        Tally storage tally = _tallies[disputeId];
        no = tally.commitments + 1;
        tally.commitments = no;
        if (side == OLDER) tally.liveOlder += 1;
        else tally.liveNewer += 1;
        _commitments[disputeId][id] = Commitment({
            owner: msg.sender,
            joinedAt: uint40(block.timestamp),
            no: no,
            life: Life.LIVE,
            isFree: isFree,
            side: side,
            credits: amount,
            ownerCredits: amount
        });
    }

    /// @dev Kills a live commitment of a side. What was earned for it is void; its bond is kept for the end, and so is
    /// the stake of its owner while both siblings live.
    function _die(Pair calldata pair, bytes32 disputeId, uint256 side, bytes32 id) internal {
        Commitment storage self = _commitments[disputeId][id];
        Tally storage tally = _tallies[disputeId];
        Purse storage purse = _purses[disputeId];
        self.life = Life.DEAD;
        if (side == OLDER) {
            tally.liveOlder -= 1;
            tally.creditsOlder -= uint80(self.credits);
        } else {
            tally.liveNewer -= 1;
            tally.creditsNewer -= uint80(self.credits);
        }
        if (!self.isFree) {
            purse.pool += uint96(BOND);
            emit CommitmentDied(disputeId, id, 0);
            return;
        }
        // A moot dispute decides nothing any more: silence in it costs no stake.
        bool isMoot = !_areLive(_standing(pair).status);
        uint256 stake = isMoot ? 0 : CHAIN.seize(side == OLDER ? pair.older : pair.newer, self.owner);
        if (side == OLDER) purse.forfeitsOlder = _capped(purse.forfeitsOlder + stake);
        else purse.forfeitsNewer = _capped(purse.forfeitsNewer + stake);
        emit CommitmentDied(disputeId, id, stake);
    }

    /* INTERNAL: THE END */

    /// @dev Ends a dispute of two live siblings: the loser dies.
    function _decide(Pair calldata pair, bytes32 disputeId, Standing memory standing, uint256 loser) internal {
        uint256 winner = NEWER - loser;
        (bytes32 dead, bytes32 survivor) = loser == OLDER ? (pair.older, pair.newer) : (pair.newer, pair.older);
        _end(disputeId, winner);
        (bool killed, uint256 seized) = CHAIN.kill(dead, survivor);
        Purse memory purse = _purses[disputeId];
        uint256 lost = loser == OLDER ? purse.forfeitsOlder : purse.forfeitsNewer;
        uint256 burned = loser == OLDER ? purse.forfeitsNewer : purse.forfeitsOlder;
        uint256 total = winner == OLDER ? _tallies[disputeId].creditsOlder : _tallies[disputeId].creditsNewer;
        uint256 pool = purse.pool + seized + lost;
        _share(disputeId, survivor, killed, standing.poster[winner], pool, total, burned);
    }

    /// @dev Ends a dispute that lost a sibling elsewhere: nobody dies by it.
    function _endMoot(Pair calldata pair, bytes32 disputeId, Standing memory standing) internal {
        Purse memory purse = _purses[disputeId];
        uint256 forfeits = uint256(purse.forfeitsOlder) + purse.forfeitsNewer;
        for (uint256 side = OLDER; side <= NEWER; ++side) {
            Status status = standing.status[side];
            if (status != Status.LIVE && status != Status.CONFIRMED) continue;
            _end(disputeId, side);
            uint256 total = side == OLDER ? _tallies[disputeId].creditsOlder : _tallies[disputeId].creditsNewer;
            bytes32 survivor = side == OLDER ? pair.older : pair.newer;
            return _share(disputeId, survivor, false, standing.poster[side], purse.pool, total, forfeits);
        }
        _end(disputeId, OLDER);
        _share(disputeId, 0, false, address(0), 0, 0, forfeits + purse.pool);
    }

    function _areLive(Status[2] memory status) internal pure returns (bool) {
        return status[OLDER] == Status.LIVE && status[NEWER] == Status.LIVE;
    }

    function _standing(Pair calldata pair) internal view returns (Standing memory found) {
        (found.status[OLDER], found.poster[OLDER]) = CHAIN.standing(pair.older);
        (found.status[NEWER], found.poster[NEWER]) = CHAIN.standing(pair.newer);
    }

    function _end(bytes32 disputeId, uint256 winner) private {
        _duels[disputeId].stage = Stage.OVER;
        _duels[disputeId].turn = uint8(winner);
    }

    /// @dev Pays credits from the pool first, half of the rest to the poster; what is left nobody gets.
    function _share(
        bytes32 disputeId,
        bytes32 winner,
        bool killed,
        address poster,
        uint256 pool,
        uint256 total,
        uint256 burned
    ) private {
        uint256 paid = pool < total ? pool : total;
        uint256 toPoster = (pool - paid) / 2;
        burned += pool - paid - toPoster;
        _purses[disputeId] = Purse({pool: uint96(paid), forfeitsOlder: 0, forfeitsNewer: 0});
        if (toPoster != 0) owed[poster] += toPoster;
        emit DisputeSettled(disputeId, winner, killed, paid, toPoster, burned);
    }

    /* PRIVATE: PAYOUTS */

    function _markPaid(Payout memory payout, bytes32 id) private {
        Commitment storage self = _commitments[payout.dispute][id];
        if (self.life == Life.LIVE && self.owner == payout.account) self.life = Life.PAID;
        if (_earns(payout, self)) _helperCredits[id][payout.account] = 0;
    }

    function _payout(Pair calldata pair, address account) private view returns (Payout memory payout) {
        bytes32 id = disputeIdOf(pair);
        Duel storage over = _duels[id];
        if (over.stage != Stage.OVER) revert WrongStage();
        Tally storage tally = _tallies[id];
        payout.dispute = id;
        payout.account = account;
        payout.side = over.turn;
        payout.paid = _purses[id].pool;
        payout.total = payout.side == OLDER ? tally.creditsOlder : tally.creditsNewer;
    }

    function _fromSide(Payout memory payout) private view returns (uint256) {
        return _shareOf(payout, _sideCredits[payout.dispute][payout.account][payout.side].amount);
    }

    /// @dev Bond and credits of one commitment, if the account has any there.
    function _fromCommitment(Payout memory payout, bytes32 id) private view returns (uint256 amount) {
        Commitment storage self = _commitments[payout.dispute][id];
        bool earns = _earns(payout, self);
        if (self.life == Life.LIVE && self.owner == payout.account) {
            if (!self.isFree) amount = BOND;
            if (earns) amount += _shareOf(payout, self.ownerCredits);
        }
        if (earns) amount += _shareOf(payout, _helperCredits[id][payout.account]);
    }

    /// @dev Credits of a commitment are good if it outlived the dispute on the winner's side.
    function _earns(Payout memory payout, Commitment storage self) private view returns (bool) {
        return (self.life == Life.LIVE || self.life == Life.PAID) && self.side == payout.side;
    }

    function _shareOf(Payout memory payout, uint256 credit) private pure returns (uint256) {
        return credit == 0 ? 0 : credit * payout.paid / payout.total;
    }

    function _capped(uint256 amount) private pure returns (uint80) {
        return amount < type(uint80).max ? uint80(amount) : type(uint80).max;
    }
}
