// What users cost: a broker whose client logged in beside PLAINTEXT, a broker with 100,000 ACLs
// beside one without an authorizer, and the latency of others while clients log in.

import { CreateAcls } from "@tarpan/protocol";
import { type Bench, withBrokers } from "../bench.ts";
import type { Connection } from "../connection.ts";
import { loadLatency, loadLogins, loadProduce } from "../loads.ts";
import { Row } from "../report.ts";
import { createScramUser, SCRAM_MECHANISM, type ScramLogin } from "../scram-login.ts";
import { freePort, type ServerProcess } from "../targets/process.ts";
import { type Configs, connected, createTopicOn, type Target } from "../targets/target.ts";
import { tarpan } from "../targets/tarpan.ts";

const TOPIC = "bench-000";
const KIB = 1024;
const ACLS = 100_000;
const ACLS_A_REQUEST = 1_000;
const LOGINS_PER_SECOND = 1_000;
const PRODUCE_PER_SECOND = 500;
/** Kafka's numbers of a topic, a literal name, WRITE and ALLOW. */
const ALLOW_WRITE = { resourceType: 2, resourcePatternType: 3, operation: 4, permissionType: 3 };
const GOAL = { kind: "ratio", value: 0.97 } as const;
const USER = { name: "bench", password: "bench-password" };
/** The client of PLAINTEXT is the administrator. */
const AUTHORIZER: Configs = {
  "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
  "super.users": "User:ANONYMOUS",
};

interface Measured {
  readonly server: ServerProcess;
  readonly login: ScramLogin;
}

export async function measureUsers(bench: Bench, section: string): Promise<Row[]> {
  const logins = { open: await newLogin(), guarded: await newLogin() };
  const targets = [listening(logins.open, {}), listening(logins.guarded, AUTHORIZER)];
  return withBrokers({ ...bench, targets }, "never", async ([open, guarded]) => {
    for (const [broker, login] of [
      [open, logins.open],
      [guarded, logins.guarded],
    ] as const) {
      await createTopicOn(broker!.server, TOPIC, 1);
      const admin = await connected(broker!.server);
      await createScramUser(admin, login);
      if (broker === guarded) await createAcls(admin);
      admin.close();
    }
    const withoutAcls = { server: open!.server, login: logins.open };
    const withAcls = { server: guarded!.server, login: logins.guarded };
    return [
      ...(await measureProduce(bench, section, withoutAcls, withAcls)),
      ...(await measureLogins(bench, section, withoutAcls)),
    ];
  });
}

async function newLogin(): Promise<ScramLogin> {
  return { ...USER, port: await freePort() };
}

function listening({ port }: ScramLogin, configs: Configs): Target {
  const all = { ...configs, "sasl.enabled.mechanisms": SCRAM_MECHANISM };
  const second = { protocol: "SASL_PLAINTEXT", port } as const;
  return { ...tarpan, start: (directory, flush) => tarpan.start(directory, flush, all, second) };
}

/** The user may write to the measured topic, and to all the others, which do not exist. */
async function createAcls(admin: Connection): Promise<void> {
  const principal = `User:${USER.name}`;
  for (let first = 0; first < ACLS; first += ACLS_A_REQUEST) {
    const creations = Array.from({ length: ACLS_A_REQUEST }, (_, i) => {
      const resourceName = first + i === 0 ? TOPIC : `topic-${first + i}`;
      return { ...ALLOW_WRITE, resourceName, principal, host: "*" };
    });
    const { results } = await admin.request(CreateAcls, 3, { creations });
    const failed = results.find(({ errorCode }) => errorCode !== 0);
    if (failed !== undefined) throw new Error(`CreateAcls: ${failed.errorMessage}`);
  }
}

async function measureProduce(
  { quick }: Bench,
  section: string,
  withoutAcls: Measured,
  withAcls: Measured,
): Promise<Row[]> {
  const load = "produce of 16 KiB batches";
  const sasl = new Row(section, `${load}, logged in; raw: PLAINTEXT`, "MB/s", GOAL);
  const acls = new Row(section, `${load}, ${ACLS} ACLs; raw: no authorizer`, "MB/s", GOAL);
  const times = quick ? { warmUpMs: 300, measureMs: 1_000 } : { warmUpMs: 500, measureMs: 2_000 };
  const base = { topic: TOPIC, partitions: 1, connections: 1, window: 10, recordBytes: KIB };
  const job = { ...base, ...times, batchBytes: 16 * KIB };
  const rateOf = async (server: ServerProcess, login?: ScramLogin) => {
    const result = await loadProduce(server, login === undefined ? job : { ...job, login });
    return result.bytesPerSecond / 1e6;
  };
  for (let round = 0; round <= (quick ? 3 : 10); round++) {
    const rates = { plaintext: 0, loggedIn: 0, guarded: 0 };
    const measure = {
      plaintext: () => rateOf(withoutAcls.server),
      loggedIn: () => rateOf(withoutAcls.server, withoutAcls.login),
      guarded: () => rateOf(withAcls.server, withAcls.login),
    };
    const names = ["plaintext", "loggedIn", "guarded"] as const;
    // What one load has left to be written back slows the next one.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      rates[name] = await measure[name]();
    }
    if (round === 0) continue;
    sasl.add("raw", rates.plaintext);
    sasl.add("tarpan", rates.loggedIn);
    acls.add("raw", rates.loggedIn);
    acls.add("tarpan", rates.guarded);
  }
  return [sasl, acls];
}

async function measureLogins(
  { quick }: Bench,
  section: string,
  { server, login }: Measured,
): Promise<Row[]> {
  const load = `${PRODUCE_PER_SECOND} requests/s beside ${LOGINS_PER_SECOND} log-ins/s`;
  const p99 = new Row(section, `p99 of ${load}; raw: alone`, "ms", { kind: "times", value: 1.2 });
  const rate = new Row(section, "  log-ins by SCRAM", "1/s");
  const cost = new Row(section, "  the server's cost of a log-in", "CPU ms");
  const measureMs = quick ? 3_000 : 5_000;
  const base = { topic: TOPIC, recordBytes: KIB, ratePerSecond: PRODUCE_PER_SECOND };
  const job = { ...base, warmUpMs: 500, measureMs };
  const logInsJob = { login, ratePerSecond: LOGINS_PER_SECOND, measureMs: measureMs + 1_000 };
  for (let round = 0; round < (quick ? 1 : 5); round++) {
    const startCpuMs = await server.cpuMs();
    const alone = await loadLatency(server, job);
    const aloneCpuMs = (await server.cpuMs()) - startCpuMs;
    const [beside, logIns] = await Promise.all([
      loadLatency(server, job),
      loadLogins(server, logInsJob),
    ]);
    const besideCpuMs = (await server.cpuMs()) - startCpuMs - aloneCpuMs;
    p99.add("raw", alone.p99Ms);
    p99.add("tarpan", beside.p99Ms);
    rate.add("tarpan", logIns.loginsPerSecond);
    cost.add("tarpan", (besideCpuMs - aloneCpuMs) / logIns.logins);
  }
  return [p99, rate, cost];
}
