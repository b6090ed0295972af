// An ordinary ethers program against a rollup node: node ethers_client.mjs HTTP_URL WS_URL PRIVATE_KEY ARTIFACT
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Contract, ContractFactory, JsonRpcProvider, Wallet, WebSocketProvider, parseEther } from "ethers";

const [httpUrl, wsUrl, privateKey, artifactPath] = process.argv.slice(2);
const artifact = JSON.parse(readFileSync(artifactPath, "utf8"));
const provider = new JsonRpcProvider(httpUrl, undefined, { pollingInterval: 100, cacheTimeout: -1 });
const socket = new WebSocketProvider(wsUrl);
const wallet = new Wallet(privateKey, provider);
const stranger = Wallet.createRandom().address;
const result = {};

async function transfers() {
  const before = await provider.getBalance(wallet.address);
  assert(before > parseEther("1"));
  const receipt = await (await wallet.sendTransaction({ to: stranger, value: 12345n })).wait();
  assert.equal(receipt.status, 1);
  assert.equal(await provider.getBalance(stranger), 12345n);
  const fees = receipt.gasUsed * receipt.gasPrice;
  assert.equal(before - (await provider.getBalance(wallet.address)), 12345n + fees);
  const transaction = await provider.getTransaction(receipt.hash);
  assert.equal(transaction.from, wallet.address);
  const typed = await wallet.sendTransaction({
    to: stranger, value: 1n, type: 2, maxFeePerGas: 2_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n,
  });
  assert.equal((await typed.wait()).gasPrice, 1_000_000_000n);
  const legacy = await wallet.sendTransaction({ to: stranger, value: 1n, type: 0, gasPrice: 1_000_000_000n });
  assert.equal((await legacy.wait()).type, 0);
  const listed = await wallet.sendTransaction({
    to: stranger, value: 1n, type: 1, gasPrice: 1_000_000_000n, accessList: [],
  });
  assert.equal((await listed.wait()).type, 1);
}

async function contracts() {
  const counter = await (await new ContractFactory(artifact.abi, artifact.bytecode, wallet).deploy(5)).waitForDeployment();
  assert.equal(await counter.number(), 5n);
  assert.equal(await counter.owner(), wallet.address);

  const live = new Contract(await counter.getAddress(), artifact.abi, socket);
  const overSocket = new Promise((resolve) => live.once("NumberSet", (by, before, after) => resolve([before, after])));
  const head = new Promise((resolve) => socket.once("block", resolve));
  const polled = new Promise((resolve) => counter.once("NumberSet", (by, before, after) => resolve([before, after])));
  await new Promise((resolve) => setTimeout(resolve, 300)); // the subscriptions' requests are on their way
  const receipt = await (await counter.setNumber(41)).wait();
  assert.deepEqual(await overSocket, [5n, 41n]);
  assert.deepEqual(await polled, [5n, 41n]);
  assert(typeof (await head) === "number");
  assert.equal(receipt.logs.length, 1);

  const events = await counter.queryFilter(counter.filters.NumberSet(wallet.address, null), 0, "latest");
  assert.equal(events.length, 1);
  assert.equal(events[0].args.newNumber, 41n);
  await assert.rejects(counter.setNumber.staticCall(13), { code: "CALL_EXCEPTION", reason: "unlucky number" });
  await assert.rejects(counter.setNumber.staticCall(2000), (error) => error.revert.name === "TooBig");
  await assert.rejects(counter.setNumber.estimateGas(13), { code: "CALL_EXCEPTION" });
  await assert.rejects(counter.divideBy(0), { code: "CALL_EXCEPTION" });
  const failing = await counter.setNumber(13, { gasLimit: 100_000 });
  await assert.rejects(failing.wait(), { code: "CALL_EXCEPTION" });
  result.counter = await counter.getAddress();
}

async function refusals() {
  const poor = Wallet.createRandom().connect(provider);
  await assert.rejects(poor.sendTransaction({ to: stranger, value: 1n }), { code: "INSUFFICIENT_FUNDS" });
  await assert.rejects(wallet.sendTransaction({ to: stranger, nonce: 0, gasLimit: 21_000 }), { code: "NONCE_EXPIRED" });
  const nonce = (await wallet.getNonce()) + 5;
  const fees = { maxFeePerGas: 2n * 10n ** 9n, maxPriorityFeePerGas: 2n * 10n ** 9n, gasLimit: 21_000 };
  await wallet.sendTransaction({ to: stranger, nonce, ...fees });
  await assert.rejects(wallet.sendTransaction({ to: stranger, value: 5n, nonce, ...fees }), { code: "REPLACEMENT_UNDERPRICED" });
}

async function blocks() {
  const network = await provider.getNetwork();
  result.chainId = Number(network.chainId);
  const latest = await provider.getBlock("latest", true);
  assert(latest.number <= (await provider.getBlockNumber()) && latest.number > 0);
  for (let number = 0; number <= latest.number; number += 1) {
    const block = await provider.getBlock(number, true);
    for (const transaction of block.prefetchedTransactions) {
      const receipt = await provider.getTransactionReceipt(transaction.hash);
      assert.equal(receipt.blockNumber, number);
      if (transaction.type === 0x7e) result.sawDeposit = true;
    }
  }
  for (const tag of ["safe", "finalized", "earliest", "pending"]) assert((await provider.getBlock(tag)).number >= 0);
  assert((await provider.getFeeData()).gasPrice >= 0n);
  assert.equal(await provider.getBlock(10_000_000), null);
}

await transfers();
await contracts();
await blocks();
await refusals();
console.log(JSON.stringify({ ok: true, ...result }));
provider.destroy();
await socket.destroy();
