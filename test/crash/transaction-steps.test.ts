// Kills the broker before and after each thing that it writes for a transaction, and starts it
// again. Then the producer goes on, or another instance takes its place.
import { ListTransactions, OffsetFetch } from "@tarpan/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { readAllCommitted } from "../bank/read-committed.ts";
import { RoutedClient } from "../bank/routed-client.ts";
import { TransactionalClient } from "../bank/transactional-client.ts";
import { TcpWire } from "../bank/wire.ts";
import { BrokerProcess } from "../harness/broker-process.ts";
import { FailingCalls } from "../harness/faults/failing-calls.ts";
import { atFileEnd } from "../harness/file-end.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { createTopic } from "../harness/records.ts";

const isLong = process.env.TARPAN_CHAOS === "1";
const LIMIT_MS = 60_000;
const TOPIC = "t";
const OFFSET = 7;

const ACTS = ["begin", "send", "sendOffset", "end"] as const;

interface Write {
  readonly what: string;
  readonly during: (typeof ACTS)[number];
  /** Part of the path of the file. */
  readonly to: string;
  /** Which of the writes to it, in this act. */
  readonly nth?: number;
}

const STATE = "/__transaction_state-";
const OFFSETS = "/__consumer_offsets-";

const DECISION = { what: "PrepareCommit", during: "end", to: STATE } as const;

/** In the order of a transaction. */
const WRITES: readonly Write[] = [
  { what: "the record of InitProducerId", during: "begin", to: STATE },
  { what: "the record that adds a partition", during: "send", to: STATE },
  { what: "the first batch", during: "send", to: `/${TOPIC}-0/` },
  { what: "the record that adds the second partition", during: "send", to: STATE, nth: 2 },
  { what: "the second batch", during: "send", to: `/${TOPIC}-1/` },
  { what: "the record that adds the group", during: "sendOffset", to: STATE },
  { what: "the pending offset", during: "sendOffset", to: OFFSETS },
  DECISION,
  { what: "the marker of a partition", during: "end", to: `/${TOPIC}-0/` },
  { what: "the marker of another partition", during: "end", to: `/${TOPIC}-1/` },
  { what: "the end of the group's offsets", during: "end", to: OFFSETS },
  { what: "CompleteCommit", during: "end", to: STATE, nth: 2 },
];

interface Point {
  readonly write: Write;
  readonly moment: "before" | "after";
  /** Whether the producer speaks transactions v2. */
  readonly isNewer: boolean;
  readonly isReplaced: boolean;
}

const BOTH = [true, false];
const EVERY: readonly Point[] = WRITES.flatMap((write) =>
  (["before", "after"] as const).flatMap((moment) =>
    BOTH.flatMap((isNewer) => BOTH.map((isReplaced) => ({ write, moment, isNewer, isReplaced }))),
  ),
);
/** Around the decision, and with markers half sent. */
const FEW = EVERY.filter(({ write, moment, isNewer, isReplaced }) => {
  if (write === DECISION) return isNewer && isReplaced;
  return (
    write.to === `/${TOPIC}-1/` && write.during === "end" && moment === "before" && !isReplaced
  );
});

/** All points share a broker, which each of them kills. */
class World {
  readonly broker: BrokerProcess;
  readonly faults: FailingCalls;
  readonly #wires: TcpWire[] = [];

  constructor(broker: BrokerProcess, faults: FailingCalls) {
    this.broker = broker;
    this.faults = faults;
  }

  static async open(): Promise<World | string> {
    const faults = await FailingCalls.build();
    if (typeof faults === "string") return faults;
    const broker = new BrokerProcess({ env: faults.env });
    const world = new World(broker, faults);
    atFileEnd(() => broker.kill9());
    await broker.start();
    const connection = await RawConnection.open(broker.port);
    await createTopic(connection, TOPIC, { partitions: 2 });
    connection.close();
    return world;
  }

  newWire(): TcpWire {
    const wire = new TcpWire([this.broker.bootstrap]);
    this.#wires.push(wire);
    return wire;
  }

  close(): void {
    for (const wire of this.#wires.splice(0)) wire.close();
  }

  /** Does a transaction, with a kill; returns what is read of it, and of the next one. */
  async killAt({ write, moment, isNewer, isReplaced }: Point, id: string): Promise<unknown> {
    const wire = this.newWire();
    const first = new TransactionalClient(new RoutedClient(wire, LIMIT_MS), id, isNewer, LIMIT_MS);
    const acts = {
      begin: () => first.begin(),
      send: async () => {
        for (const partition of [0, 1]) await first.send(TOPIC, partition, [`${id}:${partition}`]);
      },
      sendOffset: () => first.sendOffset(id, TOPIC, 0, OFFSET),
      end: () => first.end(true),
    };
    const client = new RoutedClient(this.newWire(), LIMIT_MS);
    let producer = first;
    for (const act of ACTS) {
      if (act !== write.during) await acts[act]();
      else if (await this.#dies(acts[act], write, moment, isReplaced ? wire : null)) {
        producer = new TransactionalClient(client, id, isNewer, LIMIT_MS);
        await producer.begin();
        break;
      }
    }
    await producer.send(TOPIC, 0, [`${id}:next`]);
    await producer.end(true);
    return { read: await this.#read(client, id), offset: await this.#whenComplete(client, id) };
  }

  /** The broker dies and comes back meanwhile; with `ends` the client never hears of that. */
  async #dies(
    act: () => Promise<unknown>,
    { to, nth = 1 }: Write,
    moment: Point["moment"],
    ends: TcpWire | null,
  ): Promise<boolean> {
    await this.faults.dieAt(moment, nth, to);
    const acting = act();
    acting.catch(() => {});
    await this.broker.ended();
    ends?.close();
    await this.faults.end();
    await this.broker.start();
    if (ends === null) await acting;
    return ends !== null;
  }

  async #read(client: RoutedClient, id: string): Promise<string[][]> {
    const read: string[][] = [];
    for (const partition of [0, 1]) {
      const all = await readAllCommitted(client, TOPIC, partition, LIMIT_MS);
      const own = all.map(({ value }) => value).filter((value) => value.startsWith(`${id}:`));
      read.push(own.map((value) => value.slice(id.length + 1)));
    }
    return read;
  }

  /** The group's offset, once nothing more is to be written. */
  async #whenComplete(client: RoutedClient, id: string): Promise<number> {
    const coordinator = { key: id, keyType: "transaction" } as const;
    const asked = { stateFilters: ["CompleteCommit"], producerIdFilters: [] };
    await expect
      .poll(async () => {
        const list = await client.ask(coordinator, [ListTransactions, 0], asked, () => 0);
        return list.transactionStates.map(({ transactionalId }) => transactionalId);
      })
      .toContain(id);
    const answer = await client.ask(
      { key: id, keyType: "group" },
      [OffsetFetch, 7],
      { groupId: id, topics: [{ name: TOPIC, partitionIndexes: [0] }], requireStable: true },
      ({ errorCode, topics }) => errorCode || topics[0]!.partitions[0]!.errorCode,
    );
    return answer.topics[0]!.partitions[0]!.committedOffset;
  }
}

const isDecided = ({ write, moment }: Point) =>
  write.during === "end" && !(write === DECISION && moment === "before");

describe("a transaction whose broker is killed", () => {
  let world: World | string;
  beforeAll(async () => {
    world = await World.open();
  });

  for (const [i, point] of (isLong ? EVERY : FEW).entries()) {
    const { write, moment, isNewer, isReplaced } = point;
    const who = `a producer of ${isNewer ? "v2" : "the old flow"}`;
    const what = `${who} ${isReplaced ? "is replaced" : "goes on"}`;
    it(`${moment} ${write.what}: ${what}`, { timeout: LIMIT_MS }, async (context) => {
      if (typeof world === "string") return context.skip(world);
      const isThere = !isReplaced || isDecided(point);
      expect(await world.killAt(point, `id-${i}`)).toEqual(
        isThere
          ? { read: [["0", "next"], ["1"]], offset: OFFSET }
          : { read: [["next"], []], offset: -1 },
      );
      world.close();
      expect(world.broker.bugs, world.broker.output).toBe(0);
    });
  }
});
