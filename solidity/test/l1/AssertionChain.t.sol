// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAssertionChain} from "../../src/interfaces/IAssertionChain.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {AssertionChain} from "../../src/l1/AssertionChain.sol";
import {TAG_ASSERT, TAG_GENESIS} from "../../src/libraries/Constants.sol";
import {Assertion, Siblings, Status} from "../../src/types/Assertion.sol";
import {Rollup} from "../helpers/Rollup.sol";

/// @notice Asserting, confirming and dying.
contract AssertionChainTest is Rollup {
    /* GENESIS */

    function test_genesis_isConfirmedAndBindsItsContext() public view {
        bytes32 id = keccak256(abi.encode(TAG_GENESIS, block.chainid, address(chain), CONFIG, genesisEndLeaf()));
        assertEq(genesis, id);
        assertEq(chain.latestConfirmed(), id);
        assertEq(chain.confirmedEndLeaf(id), genesisEndLeaf());
        assertEq(chain.assertion(id).to, 0);
    }

    function test_constructor_badSetup_reverts() public {
        uint256[3] memory arities = [uint256(0), 2, 3];
        for (uint256 i = 0; i < 3; ++i) {
            IAssertionChain.Setup memory setup = chainSetup(genesisEndLeaf(), arities[i]);
            vm.expectRevert(IAssertionChain.InvalidSetup.selector);
            new AssertionChain(setup);
        }
        IAssertionChain.Setup memory noStake = chainSetup(genesisEndLeaf(), 1);
        noStake.stake = 0;
        vm.expectRevert(IAssertionChain.InvalidSetup.selector);
        new AssertionChain(noStake);
        IAssertionChain.Setup memory endless = chainSetup(genesisEndLeaf(), 1);
        endless.challengePeriod = uint64(type(uint32).max) + 1;
        vm.expectRevert(IAssertionChain.InvalidSetup.selector);
        new AssertionChain(endless);
    }

    /* ASSERT */

    function testFuzz_assertBatches_recordsAndEmitsEverything(bytes32 salt, uint8 batches) public {
        batches = uint8(bound(batches, 1, 5));
        appendMany(5);
        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments(salt);
        bytes32 acc = inbox.acc(batches - 1);
        bytes32 id = keccak256(abi.encode(TAG_ASSERT, genesis, acc, unitRoot, endLeaf));

        vm.expectEmit(address(chain));
        emit IAssertionChain.Asserted(id, genesis, 1, alice, 0, batches, acc, unitRoot, endLeaf, children);
        assertEq(assertAs(alice, genesis, batches, salt), id);

        Assertion memory found = chain.assertion(id);
        assertEq(found.parent, genesis);
        assertEq(found.unitRoot, unitRoot);
        assertEq(found.endLeaf, endLeaf);
        assertEq(found.poster, alice);
        assertEq(found.to, batches);
        assertEq(uint8(found.status), uint8(Status.LIVE));
        Assertion memory parent = chain.assertion(genesis);
        assertEq(parent.t0, vm.getBlockTimestamp());
        assertEq(parent.childTo, batches);
        assertEq(parent.liveChildren, 1);
        assertTrue(chain.isMember(id, alice));
    }

    function testFuzz_assertBatches_wrongUnitRoot_reverts(bytes32 unitRoot) public {
        appendMany(1);
        (bytes32 right, bytes32 endLeaf, bytes32 children) = commitments("a");
        vm.assume(unitRoot != right);
        bytes32 acc = inbox.acc(0);
        vm.expectRevert(IAssertionChain.UnitRootMismatch.selector);
        chain.assertBatches{value: S0}(genesis, 1, acc, unitRoot, endLeaf, children);
    }

    /// @dev An assertion made for batches that a reorganisation replaced must not land on others.
    function testFuzz_assertBatches_otherBatches_reverts(bytes32 expectedAcc) public {
        appendMany(1);
        bytes32 acc = inbox.acc(0);
        vm.assume(expectedAcc != acc);
        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments("a");
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.AccMismatch.selector, expectedAcc, acc));
        chain.assertBatches{value: S0}(genesis, 1, expectedAcc, unitRoot, endLeaf, children);
    }

    function test_assertBatches_beyondTheInboxOrNothing_reverts() public {
        appendMany(2);
        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments("a");
        vm.expectRevert(abi.encodeWithSelector(IInbox.InvalidRange.selector, 0, 3));
        chain.assertBatches{value: S0}(genesis, 3, 0, unitRoot, endLeaf, children);
        vm.expectRevert(abi.encodeWithSelector(IInbox.InvalidRange.selector, 0, 0));
        chain.assertBatches{value: S0}(genesis, 0, 0, unitRoot, endLeaf, children);
    }

    function test_assertBatches_moreThan1024Batches_reverts() public {
        appendMany(1025);
        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments("a");
        bytes32 acc = inbox.acc(1024);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.TooManyBatches.selector, 1025));
        chain.assertBatches{value: S0}(genesis, 1025, acc, unitRoot, endLeaf, children);

        assertAs(alice, genesis, 1024, "a");
    }

    function testFuzz_assertBatches_siblingOfOtherRange_reverts(uint64 other) public {
        appendMany(6);
        assertAs(alice, genesis, 3, "a");
        other = uint64(bound(other, 1, 6));
        vm.assume(other != 3);
        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments("b");
        bytes32 acc = inbox.acc(other - 1);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.SiblingRangeMismatch.selector, 3, other));
        chain.assertBatches{value: S0}(genesis, other, acc, unitRoot, endLeaf, children);
    }

    function test_assertBatches_sameContent_reverts() public {
        appendMany(1);
        bytes32 id = assertAs(alice, genesis, 1, "a");
        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments("a");
        bytes32 acc = inbox.acc(0);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.AssertionExists.selector, id));
        vm.prank(bob);
        chain.assertBatches{value: S0}(genesis, 1, acc, unitRoot, endLeaf, children);
    }

    function testFuzz_assertBatches_siblingWindow(uint32 wait) public {
        wait = uint32(bound(wait, 0, 3 * T));
        appendMany(1);
        assertAs(alice, genesis, 1, "a");
        uint256 closedAt = vm.getBlockTimestamp() + T;
        skip(wait);

        if (wait >= T) {
            (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments("b");
            bytes32 acc = inbox.acc(0);
            vm.expectRevert(abi.encodeWithSelector(IAssertionChain.WindowClosed.selector, closedAt));
            vm.prank(bob);
            chain.assertBatches{value: S0}(genesis, 1, acc, unitRoot, endLeaf, children);
        } else {
            assertEq(chain.assertion(assertAs(bob, genesis, 1, "b")).seq, 2);
        }
    }

    function test_assertBatches_unknownOrDeadParent_reverts() public {
        appendMany(2);
        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments("x");
        bytes32 acc = inbox.acc(1);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.ParentNotAlive.selector, bytes32("no")));
        chain.assertBatches{value: S0}("no", 2, acc, unitRoot, endLeaf, children);

        (, bytes32 dead) = deadSibling();
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.ParentNotAlive.selector, dead));
        chain.assertBatches{value: S0}(dead, 2, acc, unitRoot, endLeaf, children);
    }

    function test_assertBatches_acrossConfigs_reverts() public {
        appendMany(2);
        vm.prank(governance);
        inbox.scheduleConfig("next", address(verifier));
        skip(CONFIG_DELAY);
        appendMany(2);
        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments("a");
        bytes32 acc = inbox.acc(2);
        vm.expectRevert(abi.encodeWithSelector(IInbox.InvalidRange.selector, 0, 3));
        chain.assertBatches{value: S0}(genesis, 3, acc, unitRoot, endLeaf, children);

        bytes32 first = assertAs(alice, genesis, 2, "a");
        bytes32 second = assertAs(alice, first, 4, "b");
        assertEq(chain.assertion(first).config, 0);
        assertEq(chain.assertion(second).config, 1);
    }

    /* CONFIRM */

    function testFuzz_confirm_onlyAfterWindowAndAirgap(uint32 wait) public {
        wait = uint32(bound(wait, 0, 2 * (T + AIRGAP)));
        appendMany(1);
        bytes32 id = assertAs(alice, genesis, 1, "a");
        uint256 t0 = vm.getBlockTimestamp();
        skip(wait);

        if (wait < T) {
            vm.expectRevert(abi.encodeWithSelector(IAssertionChain.WindowOpen.selector, t0 + T));
        } else if (wait < T + AIRGAP) {
            vm.expectRevert(abi.encodeWithSelector(IAssertionChain.AirgapOpen.selector, t0 + T + AIRGAP));
        }
        chain.confirm(id);

        assertEq(chain.latestConfirmed(), wait < T + AIRGAP ? genesis : id);
    }

    function test_confirm_parentNotConfirmed_reverts() public {
        appendMany(2);
        bytes32 first = assertAs(alice, genesis, 1, "a");
        bytes32 second = assertAs(alice, first, 2, "b");
        skip(T + AIRGAP);

        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.ParentNotConfirmed.selector, first));
        chain.confirm(second);

        chain.confirm(first);
        chain.confirm(second);
        assertEq(chain.latestConfirmed(), second);
    }

    /// @dev C4: one silent rival must not stop the chain.
    function test_confirm_silentRival_isKilledAndTheOlderConfirms() public {
        appendMany(1);
        bytes32 older = assertAs(alice, genesis, 1, "a");
        skip(T - 1);
        bytes32 newer = assertAs(bob, genesis, 1, "b");
        skip(1);

        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.RivalsAlive.selector, 2));
        chain.confirm(older);

        chain.killUnopened(older, newer);
        skip(AIRGAP);
        chain.confirm(older);
        assertEq(chain.latestConfirmed(), older);
    }

    /// @dev C3: winning early by self-play does not confirm early.
    function test_confirm_lastOneStandingBeforeTheWindow_reverts() public {
        appendMany(1);
        bytes32 wrong = assertAs(alice, genesis, 1, "a");
        bytes32 other = assertAs(bob, genesis, 1, "b");
        uint256 closesAt = vm.getBlockTimestamp() + T;
        game.kill(chain, other, wrong);

        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.WindowOpen.selector, closesAt));
        chain.confirm(wrong);
        assertEq(chain.assertion(genesis).soleSince, closesAt);
    }

    /// @dev The airgap runs from the death that left one, if that is after the window.
    function testFuzz_confirm_lateDeath_restartsTheAirgap(uint32 late) public {
        late = uint32(bound(late, 0, 10 * T));
        appendMany(1);
        bytes32 older = assertAs(alice, genesis, 1, "a");
        bytes32 newer = assertAs(bob, genesis, 1, "b");
        skip(T + late);
        game.kill(chain, newer, older);
        skip(AIRGAP - 1);

        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.AirgapOpen.selector, vm.getBlockTimestamp() + 1));
        chain.confirm(older);

        skip(1);
        chain.confirm(older);
    }

    function test_confirm_contestedPair_neverConfirms() public {
        appendMany(1);
        bytes32 older = assertAs(alice, genesis, 1, "a");
        bytes32 newer = assertAs(bob, genesis, 1, "b");
        game.setOpen(older, newer);
        skip(3650 days);

        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.RivalsAlive.selector, 2));
        chain.confirm(older);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.RivalsAlive.selector, 2));
        chain.confirm(newer);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.DisputeOpen.selector, older, newer));
        chain.killUnopened(older, newer);
    }

    function test_confirm_twiceOrDead_reverts() public {
        appendMany(2);
        (bytes32 alive, bytes32 dead) = deadSibling();
        skip(AIRGAP);
        chain.confirm(alive);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotLive.selector, alive));
        chain.confirm(alive);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotLive.selector, dead));
        chain.confirm(dead);
    }

    /* DEATH */

    function test_killUnopened_windowOpen_reverts() public {
        appendMany(1);
        bytes32 older = assertAs(alice, genesis, 1, "a");
        bytes32 newer = assertAs(bob, genesis, 1, "b");
        skip(T - 1);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.WindowOpen.selector, vm.getBlockTimestamp() + 1));
        chain.killUnopened(older, newer);
    }

    function test_killUnopened_wrongOrderOrStrangers_reverts() public {
        appendMany(2);
        bytes32 older = assertAs(alice, genesis, 1, "a");
        bytes32 newer = assertAs(bob, genesis, 1, "b");
        bytes32 child = assertAs(alice, older, 2, "c");
        skip(T);
        bytes4 notSiblings = IAssertionChain.NotSiblings.selector;

        vm.expectRevert(abi.encodeWithSelector(notSiblings, newer, older));
        chain.killUnopened(newer, older);
        vm.expectRevert(abi.encodeWithSelector(notSiblings, older, older));
        chain.killUnopened(older, older);
        vm.expectRevert(abi.encodeWithSelector(notSiblings, older, child));
        chain.killUnopened(older, child);
    }

    /// @dev With many rivals, whatever the order of kills, the eldest survives alone.
    function testFuzz_killUnopened_manyRivals_eldestSurvives(uint8 count, uint256 seed) public {
        uint256 rivals = bound(count, 1, 8);
        appendMany(1);
        bytes32 eldest = assertAs(alice, genesis, 1, "eldest");
        bytes32[] memory ids = new bytes32[](rivals);
        for (uint256 i = 0; i < rivals; ++i) {
            address who = address(uint160(1000 + i));
            vm.deal(who, S0);
            ids[i] = assertAs(who, genesis, 1, bytes32(i));
        }
        skip(T);
        for (uint256 i = rivals; i > 0; --i) {
            uint256 pick = uint256(keccak256(abi.encode(seed, i))) % i;
            chain.killUnopened(eldest, ids[pick]);
            ids[pick] = ids[i - 1];
        }
        assertEq(chain.assertion(genesis).liveChildren, 1);
        skip(AIRGAP);
        chain.confirm(eldest);
    }

    /* SIBLINGS */

    function test_siblings_byAge_tellsWhatADisputeNeeds() public {
        appendMany(5);
        bytes32 parent = assertAs(carol, genesis, 2, "parent");
        uint256 t0 = vm.getBlockTimestamp();
        bytes32 older = assertAs(alice, parent, 5, "a");
        skip(1);
        bytes32 newer = assertAs(bob, parent, 5, "b");
        game.kill(chain, newer, older);

        Siblings memory found = chain.siblings(older, newer);

        assertEq(uint8(found.status[0]), uint8(Status.LIVE));
        assertEq(uint8(found.status[1]), uint8(Status.DEAD));
        assertEq(found.unitRoot[0], chain.assertion(older).unitRoot);
        assertEq(found.unitRoot[1], chain.assertion(newer).unitRoot);
        assertEq(found.preLeaf, chain.assertion(parent).endLeaf);
        assertEq(found.t0, t0);
    }

    function test_standingAndRange_tellWhatADisputeNeeds() public {
        appendMany(5);
        bytes32 parent = assertAs(carol, genesis, 2, "parent");
        bytes32 older = assertAs(alice, parent, 5, "a");
        bytes32 newer = assertAs(bob, parent, 5, "b");
        game.kill(chain, newer, older);

        (Status status, address poster) = chain.standing(newer);
        (uint256 from, uint256 to, uint256 config) = chain.range(older);

        assertEq(uint8(status), uint8(Status.DEAD));
        assertEq(poster, bob);
        assertEq(from, 2);
        assertEq(to, 5);
        assertEq(config, 0);
    }

    function test_siblings_wrongOrderOrStrangers_areNone() public {
        appendMany(2);
        bytes32 older = assertAs(alice, genesis, 1, "a");
        bytes32 newer = assertAs(bob, genesis, 1, "b");
        bytes32 below = assertAs(bob, newer, 2, "c");
        bytes32[2][6] memory pairs = [
            [newer, older], [older, older], [older, below], [genesis, older], [older, bytes32("no")], [genesis, genesis]
        ];
        for (uint256 i = 0; i < pairs.length; ++i) {
            Siblings memory found = chain.siblings(pairs[i][0], pairs[i][1]);
            assertEq(uint8(found.status[0]), uint8(Status.NONE));
            assertEq(uint8(found.status[1]), uint8(Status.NONE));
        }
        assertEq(uint8(chain.siblings("no", "none").status[0]), uint8(Status.NONE));
    }

    /* MARKING */

    function test_markDead_spreadsDownwards() public {
        appendMany(4);
        bytes32 older = assertAs(alice, genesis, 1, "a");
        bytes32 newer = assertAs(bob, genesis, 1, "b");
        bytes32 child = assertAs(bob, newer, 2, "c");
        bytes32 grandchild = assertAs(bob, child, 3, "d");
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotDead.selector, newer));
        chain.markDead(child);
        skip(T);
        chain.killUnopened(older, newer);

        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotDead.selector, child));
        chain.markDead(grandchild);
        chain.markDead(child);
        chain.markDead(grandchild);

        assertEq(uint8(chain.assertion(grandchild).status), uint8(Status.DEAD));
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotLive.selector, child));
        chain.markDead(child);
    }

    /// @dev A dead child's range stays the range of its siblings.
    function test_assertBatches_afterADeath_rangeIsKept() public {
        appendMany(6);
        bytes32 first = assertAs(alice, genesis, 2, "a");
        bytes32 second = assertAs(bob, genesis, 2, "b");
        game.kill(chain, first, second);

        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments("c");
        bytes32 acc = inbox.acc(4);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.SiblingRangeMismatch.selector, 2, 5));
        vm.prank(carol);
        chain.assertBatches{value: S0}(genesis, 5, acc, unitRoot, endLeaf, children);
        assertEq(chain.assertion(assertAs(carol, genesis, 2, "c")).seq, 3);
    }

    /// @dev Two children of genesis over batch 0; the newer one is dead.
    function deadSibling() internal returns (bytes32 alive, bytes32 dead) {
        alive = assertAs(alice, genesis, 1, "a");
        dead = assertAs(bob, genesis, 1, "b");
        skip(T);
        chain.killUnopened(alive, dead);
    }
}
