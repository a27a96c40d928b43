import { encodeBatch } from "@tarpan/protocol";
import { expect } from "vitest";
import { readAllCommitted, readCommitted } from "../bank/read-committed.ts";
import { RoutedClient } from "../bank/routed-client.ts";
import { TcpWire } from "../bank/wire.ts";
import type { BrokerProcess } from "../harness/broker-process.ts";
import type { Peer } from "../harness/peers.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { createTopic, produce, textRecord } from "../harness/records.ts";
import { succeed } from "../harness/run.ts";

const isLong = process.env.TARPAN_CHAOS === "1";
const KILLS = isLong ? 10 : 0;
const RECORDS_PER_KILL = 20;
const PROGRESS_LIMIT_MS = 60_000;
const LIMIT_MS = 30_000 + KILLS * PROGRESS_LIMIT_MS;
/** The broker's flags: the only member of a group need not wait for others. */
export const ALONE = { flags: ["--kafka", "group.initial.rebalance.delay.ms=0"] };
/** Of so many records, one is moved in a transaction that is aborted before. */
export const ABORTED_EVERY = 7;

export interface TransformRequest {
  readonly bootstrap: string;
  readonly from: string;
  readonly to: string;
  readonly group: string;
  readonly transactionalId: string;
  readonly count: number;
  /** Aborted when the test is over. */
  readonly signal: AbortSignal;
}

/**
 * Moves `count` records from one topic to another, each in a transaction with its offset. After an
 * error it begins again: with a new producer of the same transactional id, from the group's offset.
 */
export type Transform = (request: TransformRequest) => Promise<unknown>;

/** A program of test/peers that has the command `transform`. */
export function programTransform(path: string, args: readonly string[] = [], env = {}): Transform {
  return ({ signal, ...request }) => {
    const asked = { command: "transform", ...request, abortedEvery: ABORTED_EVERY };
    return succeed(path, args, { input: JSON.stringify(asked), env, timeoutMs: LIMIT_MS, signal });
  };
}

/** Consume, transform, produce: each record comes out once, whenever the broker is killed. */
export function transformsExactlyOnce(
  it: Peer["it"],
  broker: BrokerProcess,
  transform: Transform,
): void {
  const amid = KILLS > 0 ? ` while the broker is killed ${KILLS} times` : "";
  it(
    `moves records exactly once${amid}`,
    async () => {
      const count = (KILLS + 1) * RECORDS_PER_KILL;
      const values = Array.from({ length: count }, (_, index) => `value ${index}`);
      await fill(broker, values);
      const wire = new TcpWire([broker.bootstrap]);
      const client = new RoutedClient(wire, LIMIT_MS);
      const over = new AbortController();
      const { signal } = over;
      try {
        const names = { from: "from", to: "to", group: "movers", transactionalId: "mover" };
        const moved = transform({ bootstrap: broker.bootstrap, ...names, count, signal });
        await Promise.race([kill(broker, client), moved]);
        await moved;
        const all = await readAllCommitted(client, "to", 0, PROGRESS_LIMIT_MS);
        expect(all.map(({ value }) => value)).toEqual(values);
      } finally {
        over.abort();
        wire.close();
      }
    },
    LIMIT_MS,
  );
}

async function fill({ port }: BrokerProcess, values: readonly string[]): Promise<void> {
  const connection = await RawConnection.open(port);
  for (const topic of ["from", "to"]) await createTopic(connection, topic);
  const { errorCode } = await produce(connection, "from", encodeBatch(values.map(textRecord)));
  expect(errorCode).toBe(0);
  connection.close();
}

/** Each time after some more records were moved. */
async function kill(broker: BrokerProcess, client: RoutedClient): Promise<void> {
  let [next, moved] = [0, 0];
  for (let kills = 1; kills <= KILLS; kills++) {
    const progress = async () => {
      const read = await readCommitted(client, "to", 0, next);
      next = read.next;
      moved += read.values.length;
      return moved;
    };
    const goal = kills * RECORDS_PER_KILL;
    const options = { timeout: PROGRESS_LIMIT_MS, interval: 10 };
    await expect.poll(progress, options).toBeGreaterThanOrEqual(goal);
    await broker.restart();
  }
}
