import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { atFileEnd } from "../../../../test/harness/file-end.ts";
import { freePorts } from "../../../../test/harness/free-ports.ts";
import { natsServer } from "../../../../test/harness/nats-server.ts";
import { temporaryDirectory } from "../../../../test/harness/temp.ts";
import type { ClusterSettings } from "../../src/config/settings.ts";
import { nodeEnv } from "../../src/env/node-env.ts";
import type { Logger } from "../../src/logging/logger.ts";
import { type Engine, type EngineOptions, startEngine } from "../../src/nats/start-engine.ts";

export interface Log extends Logger {
  readonly lines: string[];
  /** Those of `lines` that are errors. */
  readonly errors: string[];
}

export function recordingLogger(): Log {
  const lines: string[] = [];
  const errors: string[] = [];
  const add = (message: string) => void lines.push(message);
  const error = (message: string) => {
    add(message);
    errors.push(message);
  };
  return { lines, errors, debug: add, info: add, warn: add, error };
}

export function managedCluster(
  raftPort: number,
  discovery: ClusterSettings["discovery"],
): ClusterSettings {
  return {
    engine: { kind: "managed", raftHost: "127.0.0.1", raftPort, serverPath: natsServer.path },
    discovery,
    followerRead: false,
    allowOldEngine: natsServer.old,
  };
}

export interface Started {
  readonly engine: Engine;
  readonly log: Log;
  readonly dataDirectory: string;
}

/** Starts an engine that is stopped when the tests of the file are through. */
export async function start(
  cluster: ClusterSettings,
  more: Partial<EngineOptions> = {},
): Promise<Started> {
  const log = recordingLogger();
  const dataDirectory = more.dataDirectory ?? (await temporaryDirectory());
  const engine = await startEngine(cluster, {
    ...{ nodeId: 1, flush: { mode: "always" }, env: nodeEnv, logger: log },
    ...more,
    dataDirectory,
  });
  atFileEnd(() => engine.stop());
  return { engine, log, dataDirectory };
}

/** Three brokers' engines that know each other by a list. */
export async function startThree(): Promise<readonly Started[]> {
  const ports = await freePorts(3);
  const peers = ports.map((port) => `127.0.0.1:${port}`);
  return Promise.all(
    ports.map((port, i) =>
      start(managedCluster(port, { type: "static", peers }), { nodeId: i + 1 }),
    ),
  );
}

export function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

/** Polls, for what other processes do and nobody tells of. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>) {
  const untilMs = performance.now() + 15_000;
  while (!(await holds())) {
    if (performance.now() > untilMs) throw new Error(`not in time: ${what}`);
    await sleep(20);
  }
}

/** Of the nats-server of a data directory. */
export async function serverIdOf(dataDirectory: string): Promise<number> {
  const file = join(dataDirectory, "nats/nats-server.pid");
  let text = "";
  await eventually(`${file} is written`, async () => {
    // A server that ends takes it along.
    text = await readFile(file, "utf8").catch(() => "");
    return /^\d+$/.test(text);
  });
  return Number(text);
}
