// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDisputeGame} from "../../src/interfaces/IDisputeGame.sol";
import {Life, NEWER, OLDER} from "../../src/types/Dispute.sol";
import {BinaryTrees, Disputes, Trace, WideTrees} from "../helpers/Disputes.sol";
import {GreedyReceiver} from "../helpers/Receivers.sol";
import {Refuser} from "../helpers/Targets.sol";

/// @notice Who is paid after a dispute. alice posted the older, right side.
abstract contract DisputeGameClaimTest is Disputes {
    Trace internal good;
    Trace internal bad;
    address internal dave = makeAddr("dave");

    function setUp() public override {
        super.setUp();
        vm.deal(dave, 100 ether);
        assertSiblings(NEVER, 1);
        pin(bob);
        good = honest(OLDER);
        bad = lie(NEWER, 3, "bad");
    }

    /* BONDS */

    /// @dev Bonds of what lives come back on either side; the loser's credits are void.
    function test_claim_bonds_ofBothSides() public {
        Trace memory other = lie(NEWER, 30, "other");
        commit(dave, good);
        commit(bob, bad);
        commit(carol, other);
        uint256 earned = commitmentOf(good).credits;
        killAssertion(pair.newer, pair.older);
        disputes.settle(pair);

        // Nothing died in it, so there is no pool for credits.
        assertEq(earned, worth(commitGas()));
        pays(dave, list(idOf(good)), BOND);
        pays(bob, list(idOf(bad)), BOND);
        pays(carol, list(idOf(other)), BOND);
        assertEq(uint8(commitmentOf(good).life), uint8(Life.PAID));
        assertEq(address(disputes).balance, 0);
    }

    function test_claim_bond_ofTheDead() public {
        commit(dave, good);
        commit(bob, bad);
        winForOlder();

        pays(bob, list(idOf(bad)), 0);
        assertEq(uint8(commitmentOf(bad).life), uint8(Life.DEAD));
    }

    function test_claim_freeCommitment_hasNoBond() public {
        commitFree(alice, good);
        uint256 earned = commitmentOf(good).credits;
        commit(bob, bad);
        winForOlder();

        pays(alice, list(idOf(good)), earned + disputes.owed(alice));
    }

    /* CREDITS */

    function test_claim_credits_ofOwnerAndHelpers() public {
        commit(dave, good);
        commit(bob, bad);
        winForOlder();
        uint256 own = commitmentOf(good).ownerCredits;
        uint256 helped = commitmentOf(good).credits - own;

        assertGt(helped, 0);
        assertEq(purse().pool, own + helped);
        pays(dave, list(idOf(good)), BOND + own);
        pays(carol, list(idOf(good)), helped);
        assertEq(address(disputes).balance, S0 + BOND - own - helped);
    }

    /// @dev In whatever order: the owner's claim does not end the helper's.
    function test_claim_credits_helperFirst() public {
        commit(dave, good);
        commit(bob, bad);
        winForOlder();
        uint256 own = commitmentOf(good).ownerCredits;
        uint256 helped = commitmentOf(good).credits - own;

        pays(carol, list(idOf(good)), helped);
        pays(dave, list(idOf(good)), BOND + own);
    }

    /// @dev What was earned in the walk and by opening belongs to the side.
    function test_claim_credits_ofTheWalk() public {
        assertNewer(carol, 2, "third");
        openAt(bob, 3);
        walkMove(dave);
        walkMove(bob);
        walkMove(dave);
        skip(T);
        disputes.settle(pair);

        pays(bob, none(), 0);
        pays(dave, none(), 2 * worth(moveGas()));
    }

    function test_claim_credits_ofTheOpener() public {
        commit(dave, lie(NEWER, 3, "alone"));
        skip(T);
        disputes.settle(pair);
        uint256 rest = S0 - worth(openGas()) - worth(commitGas());

        // bob opened, and posted the winner.
        pays(bob, none(), worth(openGas()) + rest / 2);
        pays(dave, list(idOf(lie(NEWER, 3, "alone"))), BOND + worth(commitGas()));
    }

    /// @dev A commitment that died takes its credits along, also those of helpers.
    function test_claim_credits_ofTheDead_areVoid() public {
        Trace memory sabotage = lie(OLDER, 3, "sabotage");
        bad = lie(NEWER, 20, "bad");
        commit(dave, sabotage);
        commit(alice, good);
        commit(bob, bad);
        playDown(carol, sabotage, bad);
        proveStep(bob, sabotage, bad);
        winForOlder();

        pays(dave, list(idOf(sabotage)), 0);
        pays(carol, list(idOf(sabotage)), 0);
        uint256 helped = commitmentOf(good).credits - commitmentOf(good).ownerCredits;
        pays(carol, list(idOf(sabotage), idOf(good)), helped);
    }

    /// @dev Everybody gets the same part of what was earned, rounded down.
    function testFuzz_claim_credits_proRata(uint256[20] memory prices) public {
        vm.fee(300 gwei);
        commit(dave, good);
        commit(bob, bad);
        bytes32[] memory ids = new bytes32[](21);
        address[4] memory who = [alice, bob, carol, dave];
        for (uint256 i = 0; i < 20; ++i) {
            vm.txGasPrice(bound(prices[i], 250 gwei, 400 gwei));
            ids[i] = commit(who[i % 4], lie(OLDER, 3, bytes32(i)));
        }
        ids[20] = idOf(good);
        vm.txGasPrice(300 gwei);
        playDown(carol, good, bad);
        proveStep(carol, good, bad);
        killAssertion(pair.newer, pair.older);
        disputes.settle(pair);

        uint256 total = tally().creditsOlder;
        assertEq(purse().pool, BOND);
        uint256 paid;
        for (uint256 i = 0; i < 4; ++i) {
            uint256 bonds = who[i] == dave ? 6 * BOND : 5 * BOND;
            paid += disputes.claim(pair, ids, who[i]) - bonds;
        }
        assertLe(paid, BOND);
        assertGe(paid + 25, BOND);
        assertGt(total, BOND);
        assertEq(address(disputes).balance, BOND - paid);
    }

    /// @dev The price is the caller's own, but at most the base fee and two gwei, and 300 gwei.
    function testFuzz_earn_price(uint256 fee, uint256 tip) public {
        fee = bound(fee, 0, 1000 gwei);
        tip = bound(tip, 0, 10 gwei);
        vm.fee(fee);
        vm.txGasPrice(fee + tip);
        commit(dave, good);

        uint256 price = fee + (tip < 2 gwei ? tip : 2 gwei);
        assertEq(commitmentOf(good).credits, commitGas() * (price < 300 gwei ? price : 300 gwei));
    }

    /* THE CALL */

    function test_claim_notOver_reverts() public {
        commit(dave, good);
        bytes32[] memory ids = list(idOf(good));

        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.claim(pair, ids, dave);
        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.claimable(pair, ids, dave);
    }

    function test_claim_poster_isPaidItsShare() public {
        commit(dave, good);
        commit(bob, bad);
        winForOlder();
        uint256 share = disputes.owed(alice);

        assertGt(share, 0);
        pays(alice, none(), share);
        assertEq(disputes.owed(alice), 0);
    }

    /// @dev Anyone may call, only the account is paid.
    function testFuzz_claim_forSomebody(address caller) public {
        vm.assume(caller != dave && caller != address(vm));
        commit(dave, good);
        commit(bob, bad);
        winForOlder();
        uint256 before = dave.balance;
        bytes32[] memory ids = list(idOf(good));

        vm.prank(caller);
        uint256 amount = disputes.claim(pair, ids, dave);

        assertEq(dave.balance, before + amount);
    }

    function test_claim_twice_paysOnce() public {
        commit(dave, good);
        commit(bob, bad);
        winForOlder();
        bytes32[] memory ids = list(idOf(good), idOf(good));
        uint256 own = commitmentOf(good).ownerCredits;

        assertEq(disputes.claim(pair, ids, dave), BOND + own);
        assertEq(disputes.claim(pair, ids, dave), 0);
        assertEq(disputes.claim(pair, list(idOf(good), idOf(good)), carol), commitmentOf(good).credits - own);
        assertEq(disputes.claim(pair, ids, carol), 0);
        disputes.claim(pair, none(), alice);
        assertEq(disputes.claim(pair, none(), alice), 0);
    }

    function testFuzz_claim_strangeIds_payNothing(bytes32 id) public {
        commit(dave, good);
        commit(bob, bad);
        winForOlder();
        vm.assume(id != idOf(good));

        pays(dave, list(id), 0);
    }

    function test_claim_emits() public {
        commit(dave, good);
        commit(bob, bad);
        winForOlder();
        bytes32[] memory ids = list(idOf(good));
        uint256 amount = disputes.claimable(pair, ids, dave);

        vm.expectEmit(address(disputes));
        emit IDisputeGame.Paid(dave, amount);
        disputes.claim(pair, ids, dave);
    }

    function test_claim_refusingReceiver_reverts() public {
        Refuser refuser = new Refuser();
        vm.deal(address(refuser), 1 ether);
        commit(address(refuser), good);
        commit(bob, bad);
        winForOlder();
        bytes32[] memory ids = list(idOf(good));

        vm.expectRevert(IDisputeGame.TransferFailed.selector);
        disputes.claim(pair, ids, address(refuser));
        // It harms nobody else, and not even itself for ever.
        assertGt(disputes.claim(pair, ids, carol), 0);
        refuser.accept();
        assertGt(disputes.claim(pair, ids, address(refuser)), BOND);
    }

    function test_attack__claimWhileBeingPaid() public {
        GreedyReceiver greedy = new GreedyReceiver(disputes);
        vm.deal(address(greedy), 1 ether);
        commit(address(greedy), good);
        commit(bob, bad);
        winForOlder();
        bytes32[] memory ids = list(idOf(good));
        greedy.aim(pair, ids);
        uint256 due_ = disputes.claimable(pair, ids, address(greedy));
        uint256 before = address(greedy).balance;

        assertEq(disputes.claim(pair, ids, address(greedy)), due_);

        assertEq(address(greedy).balance, before + due_);
        assertEq(greedy.again(), 0);
        assertFalse(greedy.failed());
    }

    /* HELPERS */

    /// @dev carol plays the duel to its end for the older side.
    function winForOlder() internal {
        playDown(carol, good, bad);
        proveStep(carol, good, bad);
        skip(T);
        disputes.settle(pair);
    }

    function pays(address who, bytes32[] memory ids, uint256 expected) internal {
        uint256 before = who.balance;
        uint256 game = address(disputes).balance;
        assertEq(disputes.claimable(pair, ids, who), expected);

        assertEq(disputes.claim(pair, ids, who), expected);

        assertEq(who.balance, before + expected);
        assertEq(address(disputes).balance, game - expected);
        assertEq(disputes.claimable(pair, ids, who), 0);
    }
}

/// forge-config: default.fuzz.runs = 32
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameClaimBinaryTest is DisputeGameClaimTest, BinaryTrees {}

/// forge-config: default.fuzz.runs = 32
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameClaimWideTest is DisputeGameClaimTest, WideTrees {}
