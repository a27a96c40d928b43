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
  /** The lines of level error, which are in `lines` too. */
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

/** Starts an engine, which is stopped after the tests of the file. */
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

/** Three brokers' engines with static discovery. */
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

/** Polls, because nothing tells what other processes do. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>) {
  const untilMs = performance.now() + 15_000;
  while (!(await holds())) {
    if (performance.now() > untilMs) throw new Error(`not in time: ${what}`);
    await sleep(20);
  }
}

/** The process id of a data directory's nats-server. */
export async function serverIdOf(dataDirectory: string): Promise<number> {
  const file = join(dataDirectory, "nats/nats-server.pid");
  let text = "";
  await eventually(`${file} is written`, async () => {
    // A server that ends deletes its file.
    text = await readFile(file, "utf8").catch(() => "");
    return /^\d+$/.test(text);
  });
  return Number(text);
}
