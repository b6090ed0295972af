// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMulticall3} from "forge-std/interfaces/IMulticall3.sol";
import {Test} from "forge-std/Test.sol";
import {Multicall3} from "../../src/l2/Multicall3.sol";
import {MULTICALL3} from "../../src/libraries/Constants.sol";

/// @notice Called through the interface that client libraries use.
contract Multicall3Test is Test {
    IMulticall3 internal constant MULTICALL = IMulticall3(MULTICALL3);

    function setUp() public {
        vm.etch(MULTICALL3, address(new Multicall3()).code);
    }

    function echo(bytes calldata data) external payable returns (bytes memory, uint256) {
        return (data, msg.value);
    }

    function alwaysFails() external pure {
        revert("no");
    }

    function testFuzz_aggregate3_returnsEveryResult(bytes calldata data, bool failing) public {
        IMulticall3.Call3[] memory calls = new IMulticall3.Call3[](2);
        calls[0] = IMulticall3.Call3(address(this), false, abi.encodeCall(this.echo, (data)));
        calls[1] = IMulticall3.Call3(
            address(this), true, failing ? abi.encodeCall(this.alwaysFails, ()) : abi.encodeCall(this.echo, (data))
        );

        IMulticall3.Result[] memory results = MULTICALL.aggregate3(calls);

        assertTrue(results[0].success);
        assertEq(results[0].returnData, abi.encode(data, uint256(0)));
        assertEq(results[1].success, !failing);
    }

    function testFuzz_aggregate3Value_forwardsValues(uint64 a, uint64 b, uint64 excess) public {
        IMulticall3.Call3Value[] memory calls = new IMulticall3.Call3Value[](2);
        calls[0] = IMulticall3.Call3Value(address(this), false, a, abi.encodeCall(this.echo, ("")));
        calls[1] = IMulticall3.Call3Value(address(this), false, b, abi.encodeCall(this.echo, ("")));
        uint256 sum = uint256(a) + b;
        vm.deal(address(this), sum + excess);

        if (excess != 0) {
            vm.expectRevert(abi.encodeWithSelector(Multicall3.ValueMismatch.selector, sum, sum + excess));
            MULTICALL.aggregate3Value{value: sum + excess}(calls);
        } else {
            IMulticall3.Result[] memory results = MULTICALL.aggregate3Value{value: sum}(calls);
            assertEq(results[1].returnData, abi.encode(bytes(""), uint256(b)));
        }
    }

    function test_aggregate_failure_reverts() public {
        IMulticall3.Call[] memory calls = new IMulticall3.Call[](2);
        calls[0] = IMulticall3.Call(address(this), abi.encodeCall(this.echo, ("")));
        calls[1] = IMulticall3.Call(address(this), abi.encodeCall(this.alwaysFails, ()));
        vm.expectRevert(abi.encodeWithSelector(Multicall3.CallFailed.selector, 1));
        MULTICALL.aggregate(calls);
        assertFalse(MULTICALL.tryAggregate(false, calls)[1].success);
    }

    function test_blockAndAggregate_namesTheBlock() public {
        vm.roll(77);
        IMulticall3.Call[] memory calls = new IMulticall3.Call[](1);
        calls[0] = IMulticall3.Call(address(this), abi.encodeCall(this.echo, ("x")));
        (uint256 number,, IMulticall3.Result[] memory results) = MULTICALL.blockAndAggregate(calls);
        assertEq(number, 77);
        assertTrue(results[0].success);
        (number,) = MULTICALL.aggregate(calls);
        assertEq(number, 77);
    }

    function test_views_answer() public {
        vm.roll(300);
        vm.deal(address(7), 5);
        assertEq(MULTICALL.getEthBalance(address(7)), 5);
        assertEq(MULTICALL.getBlockNumber(), 300);
        assertEq(MULTICALL.getChainId(), block.chainid);
        assertEq(MULTICALL.getCurrentBlockTimestamp(), vm.getBlockTimestamp());
        assertEq(MULTICALL.getCurrentBlockGasLimit(), block.gaslimit);
        assertEq(MULTICALL.getCurrentBlockCoinbase(), block.coinbase);
        assertEq(MULTICALL.getCurrentBlockDifficulty(), block.prevrandao);
        assertEq(MULTICALL.getBasefee(), block.basefee);
        assertEq(MULTICALL.getLastBlockHash(), blockhash(299));
        assertEq(MULTICALL.getBlockHash(299), blockhash(299));
    }
}
