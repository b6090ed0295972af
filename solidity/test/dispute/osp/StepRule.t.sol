// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {Machine} from "../../../src/dispute/osp/Machine.sol";
import {Move, StepRule} from "../../../src/dispute/osp/StepRule.sol";
import {Phase} from "../../../src/types/Unit.sol";

contract StepRuleTest is Test {
    uint256 internal constant LAST = (1 << 25) - 1;

    function test_next_firstStepOfABatch() public pure {
        for (uint256 p = 0; p <= uint256(type(Phase).max); ++p) {
            Phase phase = Phase(p);
            for (uint256 batch = 0; batch < 3; ++batch) {
                uint256 j = batch << 15;
                if (phase == Phase.IDLE) {
                    _check(j, 0, true, phase, Move.STEP);
                    _check(j, 0, false, phase, Move.KEEP);
                } else {
                    _check(j, 0, true, phase, Move.ERR);
                    _check(j, 0, false, phase, Move.ERR);
                }
            }
        }
    }

    function test_next_firstStepOfALaterUnit() public pure {
        uint256[5] memory places = [uint256(1), 2, (1 << 15) - 1, (1 << 15) + 1, (1 << 25) - 1];
        for (uint256 p = 0; p <= uint256(type(Phase).max); ++p) {
            Phase phase = Phase(p);
            Move expected = Move.ERR;
            if (phase == Phase.IDLE || phase == Phase.ERRORED) expected = Move.KEEP;
            if (phase == Phase.BOUNDARY) expected = Move.STEP;
            for (uint256 i = 0; i < places.length; ++i) {
                _check(places[i], 0, true, phase, expected);
                _check(places[i], 0, false, phase, expected);
            }
        }
    }

    function test_next_laterSteps() public pure {
        uint256[4] memory steps = [uint256(1), 2, 1 << 15, LAST];
        uint256[3] memory places = [uint256(0), 1, 1 << 15];
        for (uint256 p = 0; p <= uint256(type(Phase).max); ++p) {
            Phase phase = Phase(p);
            bool isOver = phase == Phase.BOUNDARY || phase == Phase.IDLE || phase == Phase.ERRORED;
            Move expected = isOver ? Move.KEEP : Move.STEP;
            for (uint256 i = 0; i < places.length; ++i) {
                for (uint256 k = 0; k < steps.length; ++k) {
                    _check(places[i], steps[k], true, phase, expected);
                    _check(places[i], steps[k], false, phase, expected);
                }
            }
        }
    }

    function test_guard_onlyTheLastStepOfAUnitThatDidNotEnd() public pure {
        for (uint256 p = 0; p <= uint256(type(Phase).max); ++p) {
            Phase phase = Phase(p);
            bool hasEnded = phase == Phase.BOUNDARY || phase == Phase.IDLE;
            assertTrue(_guarded(phase, LAST - 1) == phase);
            assertTrue(_guarded(phase, LAST) == (hasEnded ? phase : Phase.ERRORED));
        }
    }

    function test_err_leavesOnlyTheUnit() public pure {
        Machine memory m;
        m.phase = Phase.EXEC;
        m.unit.number = 7;
        m.frame.gas = 1;
        m.journalHash = bytes32(uint256(1));
        Machine memory expected;
        expected.phase = Phase.ERRORED;
        expected.unit.number = 7;

        StepRule.err(m);

        assertEq(m.hashMachine(), expected.hashMachine());
    }

    function _check(uint256 j, uint256 v, bool hasBatch, Phase phase, Move expected) private pure {
        assertTrue(StepRule.next(j, v, hasBatch, phase) == expected);
    }

    function _guarded(Phase phase, uint256 v) private pure returns (Phase) {
        Machine memory m;
        m.phase = phase;
        StepRule.guard(m, v);
        return m.phase;
    }
}
