// Drives every method of the devnet through the published Stellar SDK.
//
//   node conformance.mjs RPC_URL '{"lending":"C…","usdc":"C…", …}'
//
// (`cargo run --release -p trueup-devnet --example serve` prints both.)
// One line for each method; exits with 1 at the first that does not hold.

import assert from "node:assert/strict";
import {
  Account,
  Address,
  Asset,
  BASE_FEE,
  Contract,
  Keypair,
  Operation,
  SorobanDataBuilder,
  TransactionBuilder,
  contract,
  hash,
  nativeToScVal,
  rpc,
  scValToNative,
  xdr,
} from "@stellar/stellar-sdk";

const TIMEOUT_SECONDS = 300;
const POLL = { attempts: 50, sleepStrategy: () => 50 };

const [url, contractsJson] = process.argv.slice(2);
if (!url || !contractsJson) {
  console.error("usage: node conformance.mjs RPC_URL CONTRACTS_JSON");
  process.exit(2);
}
const contracts = JSON.parse(contractsJson);
const server = new rpc.Server(url, { allowHttp: true });
const borrower = Keypair.random();
const sponsor = Keypair.random();
const lending = new Contract(contracts.lending);

/** Runs one step and prints its line. */
async function step(name, body) {
  try {
    console.log(`ok    ${name}: ${await body()}`);
  } catch (error) {
    console.log(`FAILS ${name}`);
    console.error(error);
    process.exit(1);
  }
}

let passphrase;
let account;
let loan;

function building(source, operation) {
  return new TransactionBuilder(source, { fee: BASE_FEE, networkPassphrase: passphrase })
    .addOperation(operation)
    .setTimeout(TIMEOUT_SECONDS)
    .build();
}

/** Signs, sends and waits. */
async function submit(transaction, signer) {
  transaction.sign(signer);
  const sent = await server.sendTransaction(transaction);
  assert.equal(sent.status, "PENDING", JSON.stringify(sent));
  const landed = await server.pollTransaction(sent.hash, POLL);
  return { hash: sent.hash, landed };
}

const create = (from, amount) =>
  lending.call(
    "create",
    new Address(from).toScVal(),
    nativeToScVal(amount, { type: "i128" }),
    nativeToScVal(3, { type: "u32" }),
  );

await step("getHealth", async () => {
  const health = await server.getHealth();
  assert.equal(health.status, "healthy");
  assert.ok(health.latestLedger >= health.oldestLedger);
  return `ledgers ${health.oldestLedger} to ${health.latestLedger}`;
});

await step("getNetwork", async () => {
  const network = await server.getNetwork();
  passphrase = network.passphrase;
  assert.ok(passphrase.length > 0);
  assert.ok(network.friendbotUrl.endsWith("/friendbot"));
  return `${passphrase}, protocol ${network.protocolVersion}`;
});

await step("getVersionInfo", async () => {
  const info = await server.getVersionInfo();
  assert.ok(info.protocolVersion > 0);
  return info.version;
});

await step("getLatestLedger", async () => {
  const latest = await server.getLatestLedger();
  assert.match(latest.id, /^[0-9a-f]{64}$/);
  assert.equal(latest.headerXdr.ledgerSeq, latest.sequence);
  return `ledger ${latest.sequence} closed at ${latest.closeTime}`;
});

await step("friendbot", async () => {
  await server.fundAddress(borrower.publicKey());
  account = await server.requestAirdrop(sponsor.publicKey());
  assert.equal(account.accountId(), sponsor.publicKey());
  account = await server.getAccount(borrower.publicKey());
  return `funded ${borrower.publicKey()}`;
});

await step("simulateTransaction", async () => {
  const simulation = await server.simulateTransaction(
    building(account, create(borrower.publicKey(), 1_000n)),
  );
  assert.ok(rpc.Api.isSimulationSuccess(simulation), simulation.error);
  assert.equal(typeof scValToNative(simulation.result.retval), "bigint");
  assert.ok(BigInt(simulation.minResourceFee) > 0n);
  assert.equal(simulation.result.auth.length, 1);
  const failing = await server.simulateTransaction(
    building(account, lending.call("loan", nativeToScVal(404n, { type: "u64" }))),
  );
  assert.ok(rpc.Api.isSimulationError(failing));
  return `fee ${simulation.minResourceFee} stroops, ${simulation.stateChanges.length} changes`;
});

await step("sendTransaction", async () => {
  account = await server.getAccount(borrower.publicKey());
  const prepared = await server.prepareTransaction(
    building(account, create(borrower.publicKey(), 1_000n)),
  );
  loan = await submit(prepared, borrower);
  assert.equal(loan.landed.status, "SUCCESS");
  loan.id = scValToNative(loan.landed.returnValue);
  const again = await server.sendTransaction(prepared);
  assert.equal(again.status, "ERROR");
  assert.ok(again.errorResult);
  return `loan ${loan.id} in ledger ${loan.landed.ledger}`;
});

await step("sendTransaction, authorized by another account", async () => {
  const source = await server.getAccount(sponsor.publicKey());
  const transaction = building(source, create(borrower.publicKey(), 500n));
  const simulation = await server.simulateTransaction(transaction, undefined, undefined, false);
  assert.ok(rpc.Api.isSimulationSuccess(simulation), simulation.error);
  const { authorizeEntry } = await import("@stellar/stellar-sdk");
  const until = (await server.getLatestLedger()).sequence + 100;
  const auth = await Promise.all(
    simulation.result.auth.map((entry) => authorizeEntry(entry, borrower, until, passphrase)),
  );
  const host = transaction.operations[0];
  const signed = building(
    await server.getAccount(sponsor.publicKey()),
    Operation.invokeHostFunction({ func: host.func, auth }),
  );
  const { landed } = await submit(await server.prepareTransaction(signed), sponsor);
  assert.equal(landed.status, "SUCCESS");
  return `loan ${scValToNative(landed.returnValue)} paid for by ${sponsor.publicKey()}`;
});

await step("getTransaction", async () => {
  const found = await server.getTransaction(loan.hash);
  assert.equal(found.status, "SUCCESS");
  assert.equal(found.txHash, loan.hash);
  assert.equal(found.events.contractEventsXdr[0].length, 1);
  const missing = await server.getTransaction("ab".repeat(32));
  assert.equal(missing.status, "NOT_FOUND");
  assert.ok(missing.latestLedger >= missing.oldestLedger);
  return `applied as number ${found.applicationOrder}, a missing one is NOT_FOUND`;
});

await step("getTransactions", async () => {
  const page = await server.getTransactions({
    startLedger: loan.landed.ledger,
    pagination: { limit: 1 },
  });
  assert.equal(page.transactions[0].txHash, loan.hash);
  assert.equal(typeof page.transactions[0].createdAt, "number");
  const next = await server.getTransactions({ pagination: { limit: 10, cursor: page.cursor } });
  assert.ok(next.transactions.every((one) => one.txHash !== loan.hash));
  return `${next.transactions.length} after the cursor`;
});

await step("getLedgers", async () => {
  const page = await server.getLedgers({
    startLedger: loan.landed.ledger,
    pagination: { limit: 1 },
  });
  const [ledger] = page.ledgers;
  assert.equal(ledger.sequence, loan.landed.ledger);
  const header = ledger.headerXdr.header.toXdr();
  assert.equal(Buffer.from(hash(header)).toString("hex"), ledger.hash);
  return `ledger ${ledger.sequence} is the hash of its header`;
});

await step("getLedgerEntries", async () => {
  const key = xdr.ScVal.scvVec([
    nativeToScVal("Loan", { type: "symbol" }),
    nativeToScVal(Number(loan.id % 32n), { type: "u32" }),
    nativeToScVal(loan.id, { type: "u64" }),
  ]);
  const entry = await server.getContractData(contracts.lending, key);
  const data = scValToNative(entry.val.value.val);
  assert.equal(data.borrower, borrower.publicKey());
  assert.equal(data.remaining_balance, 1_000n);
  assert.deepEqual(data.status, ["Pending"]);
  assert.ok(entry.liveUntilLedgerSeq > entry.lastModifiedLedgerSeq);
  return `loan ${loan.id} owes ${data.remaining_balance}`;
});

await step("contract.Client, from the interface in the code", async () => {
  const client = await contract.Client.from({
    contractId: contracts.lending,
    networkPassphrase: passphrase,
    rpcUrl: url,
    allowHttp: true,
    publicKey: borrower.publicKey(),
    ...contract.basicNodeSigner(borrower, passphrase),
  });
  const { result } = await client.loan({ id: loan.id });
  const found = result.unwrap();
  assert.equal(found.total_amount, 1_000n);
  assert.equal(found.status.tag, "Pending");
  assert.equal(found.schedule.length, 3);
  return `loan ${loan.id} has ${found.schedule.length} installments`;
});

await step("trustlines", async () => {
  const usdc = new Asset("USDC", contracts.usdc_issuer);
  assert.equal(usdc.contractId(passphrase), contracts.usdc);
  account = await server.getAccount(borrower.publicKey());
  const { landed } = await submit(
    building(account, Operation.changeTrust({ asset: usdc })),
    borrower,
  );
  assert.equal(landed.status, "SUCCESS");
  const line = await server.getTrustline(borrower.publicKey(), usdc);
  assert.equal(line.balance, 0n);
  return `${usdc.getCode()} at ${contracts.usdc}`;
});

await step("extend and restore a footprint", async () => {
  const key = lending.getFootprint();
  const operate = async (operation, data) => {
    account = await server.getAccount(borrower.publicKey());
    const builder = new TransactionBuilder(account, { fee: BASE_FEE, networkPassphrase: passphrase });
    const built = builder.addOperation(operation).setSorobanData(data.build()).setTimeout(TIMEOUT_SECONDS).build();
    const { landed } = await submit(await server.prepareTransaction(built), borrower);
    assert.equal(landed.status, "SUCCESS");
  };
  const before = (await server.getLedgerEntry(key)).liveUntilLedgerSeq;
  const extendTo = 3_000_000;
  await operate(Operation.extendFootprintTtl({ extendTo }), new SorobanDataBuilder().setReadOnly([key]));
  const after = (await server.getLedgerEntry(key)).liveUntilLedgerSeq;
  assert.ok(after > before);
  await operate(Operation.restoreFootprint({}), new SorobanDataBuilder().setReadWrite([key]));
  return `the instance lives until ${after} instead of ${before}`;
});

await step("a fee bump", async () => {
  account = await server.getAccount(borrower.publicKey());
  const inner = await server.prepareTransaction(building(account, create(borrower.publicKey(), 7n)));
  inner.sign(borrower);
  const fee = (BigInt(inner.fee) * 2n).toString();
  const bump = TransactionBuilder.buildFeeBumpTransaction(sponsor, fee, inner, passphrase);
  const { landed } = await submit(bump, sponsor);
  assert.equal(landed.status, "SUCCESS");
  assert.equal(landed.feeBump, true);
  return `loan ${scValToNative(landed.returnValue)}, its fee paid by ${sponsor.publicKey()}`;
});

await step("a transaction that fails", async () => {
  account = await server.getAccount(borrower.publicKey());
  const release = lending.call(
    "release",
    nativeToScVal(loan.id, { type: "u64" }),
    nativeToScVal(1_000n, { type: "i128" }),
  );
  const prepare = (source) => server.prepareTransaction(building(source, release));
  // Both are prepared while the loan is unreleased; only one can take effect.
  const first = await prepare(new Account(account.accountId(), account.sequenceNumber()));
  account.incrementSequenceNumber();
  const second = await prepare(new Account(account.accountId(), account.sequenceNumber()));
  assert.equal((await submit(first, borrower)).landed.status, "SUCCESS");
  const { landed } = await submit(second, borrower);
  assert.equal(landed.status, "FAILED");
  assert.equal(landed.returnValue, undefined);
  return "the second release is refused by the contract";
});

await step("getEvents", async () => {
  const topic = nativeToScVal("LOANCRTD", { type: "symbol" }).toXdr("base64");
  const request = {
    startLedger: loan.landed.ledger,
    filters: [{ type: "contract", contractIds: [contracts.lending], topics: [[topic, "*"]] }],
    limit: 1,
  };
  const page = await server.getEvents(request);
  const [event] = page.events;
  assert.equal(event.txHash, loan.hash);
  assert.equal(scValToNative(event.topic[1]), borrower.publicKey());
  assert.deepEqual(scValToNative(event.value), [loan.id, 1_000n]);
  const next = await server.getEvents({ filters: request.filters, cursor: page.cursor, limit: 10 });
  assert.ok(next.events.every((one) => one.id > event.id));
  return `${event.id}, then ${next.events.length} more`;
});

await step("getFeeStats", async () => {
  const stats = await server.getFeeStats();
  assert.ok(BigInt(stats.sorobanInclusionFee.max) > 0n);
  return `${stats.sorobanInclusionFee.transactionCount} contract transactions`;
});
