// An ordinary viem program against a rollup node: node viem_client.mjs HTTP_URL WS_URL PRIVATE_KEY ARTIFACT
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, defineChain, encodeDeployData,
  getContractAddress, http, parseAbiItem, webSocket,
} from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";

const [httpUrl, wsUrl, privateKey, artifactPath] = process.argv.slice(2);
const { abi, bytecode } = JSON.parse(readFileSync(artifactPath, "utf8"));
const account = privateKeyToAccount(privateKey);
const probe = createPublicClient({ transport: http(httpUrl) });
const chain = defineChain({
  id: await probe.getChainId(),
  name: "rollup",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [httpUrl], webSocket: [wsUrl] } },
  contracts: { multicall3: { address: "0xcA11bde05977b3631167028862bE2a173976CA11" } },
});
const client = createPublicClient({ chain, transport: http(), pollingInterval: 100, cacheTime: 0 });
const socket = createPublicClient({ chain, transport: webSocket() });
const wallet = createWalletClient({ account, chain, transport: http() });
const stranger = privateKeyToAccount(generatePrivateKey()).address;
const receiptOf = (hash) => client.waitForTransactionReceipt({ hash });
const result = { chainId: chain.id };

async function transfers() {
  const hash = await wallet.sendTransaction({ to: stranger, value: 777n });
  const receipt = await receiptOf(hash);
  assert.equal(receipt.status, "success");
  assert.equal(await client.getBalance({ address: stranger }), 777n);
  const transaction = await client.getTransaction({ hash });
  assert.equal(transaction.type, "eip1559");
  assert.equal(await client.getTransactionConfirmations({ transactionReceipt: receipt }) >= 1n, true);
  const poor = createWalletClient({ account: privateKeyToAccount(generatePrivateKey()), chain, transport: http() });
  await assert.rejects(poor.sendTransaction({ to: stranger, value: 1n }), (error) =>
    error.walk((cause) => cause.name === "InsufficientFundsError") !== null);
  await assert.rejects(wallet.sendTransaction({ to: stranger, nonce: 0, gas: 21000n }), (error) =>
    error.walk((cause) => cause.name === "NonceTooLowError") !== null);
}

async function contracts() {
  const { contractAddress: address } = await receiptOf(await wallet.deployContract({ abi, bytecode, args: [7n] }));
  const counter = { address, abi };
  const read = (functionName, args = []) => client.readContract({ ...counter, functionName, args });
  assert.equal(await read("number"), 7n);

  const seen = { http: [], ws: [], heads: [] };
  const stops = [
    client.watchContractEvent({ ...counter, eventName: "NumberSet", onLogs: (logs) => seen.http.push(...logs) }),
    socket.watchContractEvent({ ...counter, eventName: "NumberSet", onLogs: (logs) => seen.ws.push(...logs) }),
    socket.watchBlocks({ onBlock: (block) => seen.heads.push(block.number) }),
  ];
  await new Promise((resolve) => setTimeout(resolve, 300)); // the subscriptions' requests are on their way
  const { request } = await client.simulateContract({ account, ...counter, functionName: "setNumber", args: [8n] });
  const receipt = await receiptOf(await wallet.writeContract(request));
  for (let waited = 0; waited < 50 && !(seen.http.length && seen.ws.length && seen.heads.length); waited += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  stops.forEach((stop) => stop());
  assert.equal(seen.http[0].args.newNumber, 8n);
  assert.equal(seen.ws[0].args.oldNumber, 7n);
  assert(seen.heads.length > 0);

  const event = parseAbiItem("event NumberSet(address indexed by, uint256 indexed oldNumber, uint256 newNumber)");
  const logs = await client.getLogs({ address, event, args: { oldNumber: [7n, 9n] }, fromBlock: 0n });
  assert.equal(logs[0].transactionHash, receipt.transactionHash);
  const revert = async (functionName, args) => {
    try {
      await client.simulateContract({ account, ...counter, functionName, args });
    } catch (error) {
      assert(error instanceof BaseError);
      return error.walk((cause) => cause instanceof ContractFunctionRevertedError);
    }
    throw new Error("did not revert");
  };
  assert.equal((await revert("setNumber", [13n])).reason, "unlucky number");
  assert.deepEqual((await revert("setNumber", [2000n])).data.args, [2000n, 1000n]);
  const numbers = await client.multicall({
    contracts: [{ ...counter, functionName: "number" }, { ...counter, functionName: "owner" }], allowFailure: false,
  });
  assert.deepEqual(numbers, [8n, account.address]);
  assert.equal(await client.getStorageAt({ address, slot: "0x0" }), `0x${"8".padStart(64, "0")}`);
  const proof = await client.getProof({ address, storageKeys: [`0x${"0".repeat(64)}`] });
  assert.equal(proof.storageProof[0].value, 8n);
  const overridden = await client.readContract({
    ...counter, functionName: "number",
    stateOverride: [{ address, stateDiff: [{ slot: `0x${"0".repeat(64)}`, value: `0x${"f".padStart(64, "0")}` }] }],
  });
  assert.equal(overridden, 15n);
  result.counter = address;
}

async function keylessFactory() {
  const factory = "0x4e59b44847b379578588920cA78FbF26c0B4956C";
  const initcode = encodeDeployData({ abi, bytecode, args: [3n] });
  const salt = generatePrivateKey(); // any 32 bytes
  const receipt = await receiptOf(await wallet.sendTransaction({ to: factory, data: salt + initcode.slice(2) }));
  assert.equal(receipt.status, "success");
  const address = getContractAddress({ bytecode: initcode, from: factory, opcode: "CREATE2", salt });
  assert.equal(await client.readContract({ address, abi, functionName: "number" }), 3n);
}

async function blocks() {
  const latest = await client.getBlock({ includeTransactions: true });
  assert.equal(latest.baseFeePerGas, 0n);
  for (let blockNumber = 0n; blockNumber <= latest.number; blockNumber += 1n) {
    const block = await client.getBlock({ blockNumber, includeTransactions: true });
    result.sawDeposit ||= block.transactions.some((transaction) => transaction.typeHex === "0x7e");
  }
  for (const blockTag of ["safe", "finalized", "earliest", "pending"]) await client.getBlock({ blockTag });
  await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] });
  assert((await client.estimateFeesPerGas()).maxFeePerGas >= 0n);
  await assert.rejects(client.getBlock({ blockNumber: 10_000_000n }), { name: "BlockNotFoundError" });
  const filter = await client.createBlockFilter();
  await receiptOf(await wallet.sendTransaction({ to: stranger, value: 1n }));
  assert((await client.getFilterChanges({ filter })).length >= 1);
  assert.equal(await client.uninstallFilter({ filter }), true);
}

await transfers();
await contracts();
await keylessFactory();
await blocks();
console.log(JSON.stringify({ ok: true, ...result }));
process.exit(0);
