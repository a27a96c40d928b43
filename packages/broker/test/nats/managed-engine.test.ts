import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect } from "vitest";
import { freePorts } from "../../../../test/harness/free-ports.ts";
import { natsServer } from "../../../../test/harness/nats-server.ts";
import { temporaryDirectory } from "../../../../test/harness/temp.ts";
import { within } from "../../../../test/harness/within.ts";
import { removeServerOf } from "../../src/nats/remove-server.ts";
import { requestJson } from "../../src/nats/request-json.ts";
import {
  eventually,
  isAlive,
  managedCluster,
  type Started,
  serverIdOf,
  start,
  startThree,
} from "./own-engine.ts";

const INFO = "$JS.API.INFO";
/** Longer than any election. */
const ELECTION_LIMIT_MS = 25_000;

const untilAnswered = (engine: Started["engine"]) =>
  within(
    ELECTION_LIMIT_MS,
    "JetStream",
    eventually("it answers", () =>
      requestJson(engine.nc, INFO, {}, 500).then(
        () => true,
        () => false,
      ),
    ),
  );

describe("three brokers with a nats-server each", () => {
  natsServer.it("form a JetStream cluster, come back from kill -9, and leave nothing", async () => {
    const three = await startThree();
    const [first] = three as [Started];
    const { engine, log } = first;

    const facts = await engine.facts();
    expect(facts).toMatchObject({ replicasMax: 3, maxPayloadBytes: 8 * 1024 * 1024 });
    if (!natsServer.old) expect(facts).toMatchObject({ syncInterval: "always", problems: [] });
    const peers = await engine.admin!.metaPeers();
    expect(peers.map(({ name }) => name).sort()).toEqual(["tarpan-1", "tarpan-2", "tarpan-3"]);
    expect(statSync(join(first.dataDirectory, "nats/nats-server.conf")).mode & 0o077).toBe(0);

    const url = engine.server!.clientUrl;
    const killed = engine.server!.processId!;
    process.kill(killed, "SIGKILL");
    await eventually("trouble is noticed", () => engine.problem !== null);
    await eventually("another one runs", () => (engine.server!.processId ?? killed) !== killed);
    await untilAnswered(engine);
    expect(engine.server!.clientUrl).toBe(url);
    expect(engine.server!.restarts).toBe(1);
    expect(log.errors).toContain("raft: nats-server has ended: starting it again");
    await eventually("the trouble is over", () => engine.problem === null);

    // A restart that was asked for is no error.
    const third = engine.server!.processId!;
    log.errors.length = 0;
    engine.server!.restart();
    await eventually("a third one runs", () => (engine.server!.processId ?? third) !== third);
    expect(engine.server!.restarts).toBe(2);
    expect(log.errors).not.toContain("raft: nats-server has ended: starting it again");

    const ids = three.map(({ engine }) => engine.server!.processId!);
    await Promise.all(three.map(({ engine }) => engine.stop()));
    expect(ids.filter(isAlive)).toEqual([]);
  });

  natsServer.it("go on without a server that was removed", async () => {
    const [first, , third] = (await startThree()) as [Started, Started, Started];
    const admin = first.engine.admin!;
    expect(await removeServerOf(admin, 3)).toEqual({ kind: "runs" });
    await third.engine.stop();
    await eventually("there is a leader to remove it", async () => {
      return (await removeServerOf(admin, 3)).kind !== "failed";
    });
    const names = (await admin.metaPeers()).map(({ name }) => name);
    expect(names.sort()).toEqual(["tarpan-1", "tarpan-2"]);
    // A second removal, because the first answer was lost, finds no such member.
    expect(await removeServerOf(admin, 3)).toEqual({ kind: "unknown" });
  });
});

natsServer.it("a server that hangs is reported, and not restarted", async () => {
  const [{ engine, log }] = (await startThree()) as [Started];
  const serverId = engine.server!.processId!;
  process.kill(serverId, "SIGSTOP");
  await eventually("that is noticed", () => engine.problem !== null);
  process.kill(serverId, "SIGCONT");
  await eventually("it is over", () => engine.problem === null);
  expect(engine.server).toMatchObject({ processId: serverId, restarts: 0 });
  expect(log.lines).toContain("raft: NATS answers again");
});

describe("one broker, waiting for a second", () => {
  const starter = fileURLToPath(new URL("lone-starter.ts", import.meta.url));

  async function startLone() {
    const [raftPort] = (await freePorts(1)) as [number];
    const dataDirectory = await temporaryDirectory();
    const run = () => {
      const node = ["--conditions=tarpan-source", "--import", "tsx", starter];
      const args = [dataDirectory, String(raftPort), natsServer.path];
      return spawn(process.execPath, [...node, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    };
    return { dataDirectory, run };
  }

  const ended = async (child: ChildProcess) => (await once(child, "exit"))[0] as number | null;

  natsServer.it("leaves no nats-server behind when it is killed", async () => {
    const { dataDirectory, run } = await startLone();
    const child = run();
    const serverId = await serverIdOf(dataDirectory);
    expect(isAlive(serverId)).toBe(true);
    const exit = ended(child);
    child.kill("SIGKILL");
    await exit;
    await eventually("the server is gone", () => !isAlive(serverId));
  });

  natsServer.it("ends in order on SIGTERM", async () => {
    const { dataDirectory, run } = await startLone();
    const child = run();
    let output = "";
    child.stdout!.on("data", (text) => {
      output += text;
    });
    const serverId = await serverIdOf(dataDirectory);
    const exit = ended(child);
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
    expect(output).toBe("told to stop\n");
    expect(isAlive(serverId)).toBe(false);
  });

  natsServer.it("kills the server that an earlier broker left running", async () => {
    const { dataDirectory, run } = await startLone();
    const first = run();
    const serverId = await serverIdOf(dataDirectory);
    const conf = join(dataDirectory, "nats/nats-server.conf");
    const end = ended(first);
    first.kill("SIGKILL");
    await end;
    await eventually("the guarded server is gone", () => !isAlive(serverId));
    // Another process may have the client port by now: the orphan takes any.
    const orphan = spawn(natsServer.path, ["-c", conf, "-p", "-1"], { stdio: "ignore" });
    await eventually("the orphan runs", async () => (await serverIdOf(dataDirectory)) !== serverId);
    const orphanEnd = once(orphan, "exit");
    const second = run();
    expect(await orphanEnd).toEqual([null, "SIGKILL"]);
    await eventually("a new one runs", async () => {
      return ![serverId, orphan.pid].includes(await serverIdOf(dataDirectory));
    });
    const exit = ended(second);
    second.kill("SIGTERM");
    expect(await exit).toBe(0);
  });
});

describe("a start is refused in one line for", () => {
  const alone = { type: "static", peers: [] } as const;

  natsServer.it("a raft address that is in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await expect(start(managedCluster(port, alone))).rejects.toMatchObject({
      code: "TARPAN_RAFT_ADDRESS_UNUSABLE",
      message:
        `raft address 127.0.0.1:${port} is in use by another process: ` +
        "stop that process, or choose another address",
    });
    server.close();
  });

  natsServer.it("a nats-server that ends at its start, with the reason that it wrote", async () => {
    const [port] = (await freePorts(1)) as [number];
    const cluster = managedCluster(port, { type: "static", peers: ["a:port"] });
    await expect(start(cluster)).rejects.toMatchObject({
      code: "TARPAN_NATS_SERVER_FAILED",
      message: expect.stringMatching(
        /nats-server ended with exit code 1 at its start: .*nats-server.conf:.*route/,
      ),
    });
  });
});
