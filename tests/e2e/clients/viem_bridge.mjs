// An ordinary viem program that takes ether to L2 and home again:
// node viem_bridge.mjs L1_HTTP_URL L2_HTTP_URL BRIDGE PRIVATE_KEY BRIDGE_ARTIFACT
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, defineChain, http,
  isAddressEqual, parseAbi, parseEther, parseEventLogs,
} from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";

const [l1Url, l2Url, bridgeAddress, privateKey, artifactPath] = process.argv.slice(2);
const account = privateKeyToAccount(privateKey);
const receiver = privateKeyToAccount(generatePrivateKey()).address;
const deposited = parseEther("3");
const withdrawn = parseEther("1.25");
const PATIENCE_MS = 60_000;

async function connect(name, url) {
  const transport = http(url);
  const chain = defineChain({
    id: await createPublicClient({ transport }).getChainId(),
    name,
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  });
  const client = createPublicClient({ chain, transport, pollingInterval: 100, cacheTime: 0 });
  const wallet = createWalletClient({ account, chain, transport });
  const transact = async (request) => {
    const receipt = await client.waitForTransactionReceipt({ hash: await wallet.writeContract(request) });
    assert.equal(receipt.status, "success");
    return receipt;
  };
  return { client, transact };
}

async function until(what, answer) {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const found = await answer();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${what} did not happen`);
}

const l1 = await connect("L1", l1Url);
const l2 = await connect("rollup", l2Url);
const passer = {
  address: "0x4200000000000000000000000000000000000016",
  abi: parseAbi([
    "function bridge() view returns (address)",
    "function l1ChainId() view returns (uint256)",
    "function sendMessage(address target, uint256 gasLimit, bytes data) payable returns (bytes32 key)",
    "event MessageSent(bytes32 indexed key, uint256 indexed nonce, address indexed sender, address target, uint256 value, uint256 gasLimit, bytes data)",
  ]),
};
const bridge = { address: bridgeAddress, abi: JSON.parse(readFileSync(artifactPath, "utf8")).abi };

async function chainsBelongTogether() {
  const named = await l2.client.readContract({ ...passer, functionName: "bridge" });
  assert(isAddressEqual(named, bridge.address));
  const l1ChainId = await l2.client.readContract({ ...passer, functionName: "l1ChainId" });
  assert.equal(l1ChainId, BigInt(l1.client.chain.id));
}

async function deposit() {
  const before = await l2.client.getBalance(account);
  const args = [account.address, deposited, 21_000n, false, "0x"];
  await l1.transact({ ...bridge, functionName: "deposit", args, value: deposited });
  await until("the deposit", async () => (await l2.client.getBalance(account)) === before + deposited);
}

async function startWithdrawal() {
  const before = await l2.client.getBalance(account);
  const args = [receiver, 0n, "0x"];
  const receipt = await l2.transact({ ...passer, functionName: "sendMessage", args, value: withdrawn });
  const fees = receipt.gasUsed * receipt.effectiveGasPrice;
  assert.equal(await l2.client.getBalance(account), before - withdrawn - fees);
  const [sent] = parseEventLogs({ abi: passer.abi, eventName: "MessageSent", logs: receipt.logs });
  return { hash: receipt.transactionHash, key: sent.args.key };
}

async function finishWithdrawal({ hash, key }) {
  const proof = await until("the confirmation", async () => {
    const found = await l2.client.request({ method: "rollup_withdrawalProof", params: [hash] });
    return found.status === "confirmed" && found;
  });
  assert.equal(proof.key, key);
  const { message, assertionId, unit, accountProof, storageProof } = proof;
  const finalization = {
    ...bridge, functionName: "finalizeWithdrawal", args: [message, assertionId, unit, accountProof, storageProof],
  };
  assert.equal(await l1.client.getBalance({ address: receiver }), 0n);
  const { logs } = await l1.transact(finalization);
  const [finalized] = parseEventLogs({ abi: bridge.abi, eventName: "WithdrawalFinalized", logs });
  assert.deepEqual(finalized.args, { key, target: receiver, value: withdrawn });
  assert.equal(await l1.client.getBalance({ address: receiver }), withdrawn);
  await assert.rejects(l1.client.simulateContract({ account, ...finalization }), (error) => {
    assert(error instanceof BaseError);
    const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
    return revert.data.errorName === "AlreadyFinalized" && revert.data.args[0] === key;
  });
}

await chainsBelongTogether();
await deposit();
const started = await startWithdrawal();
await finishWithdrawal(started);
console.log(JSON.stringify({ ok: true, ...started }));
process.exit(0);
