import { Metadata } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { createTopic, type PlainRecord, readAll } from "../harness/records.ts";
import {
  MAX_IN_FLIGHT,
  newProducerId,
  RECORDS_PER_BATCH,
  SequencedProducer,
} from "./sequenced-producer.ts";

/** `npm run chaos` sets a higher number. */
const ROUNDS = Number(process.env.TARPAN_KILL_ROUNDS ?? 20);
const PARTITIONS = 3;
const PRODUCERS_PER_PARTITION = 2;

// The smallest segments that Kafka allows, so that some kills hit while the log rolls a segment.
const SEGMENTS = { "segment.bytes": "1048576" };
const broker = useBroker();

it(
  `${ROUNDS} times kill -9 under load: nothing acknowledged is lost, nothing is doubled`,
  async () => {
    const random = new SeededRandom(printedSeed("kill -9"));
    const connection = await RawConnection.open(broker.port);
    await createTopic(connection, "survivors", { partitions: PARTITIONS, configs: SEGMENTS });
    connection.close();
    const producers = Array.from(
      { length: PARTITIONS * PRODUCERS_PER_PARTITION },
      (_, index) => new SequencedProducer(`p${index}`, "survivors", index % PARTITIONS),
    );

    const acknowledgedAdmin: Administered = { topics: [], producerIds: [] };
    for (let round = 0; round < ROUNDS; round++) {
      let acknowledgedLeft = 1 + random.below(600);
      const acknowledged = () => {
        acknowledgedLeft--;
        if (acknowledgedLeft === 0) void broker.kill9();
      };
      const neverEnough = () => false;
      const load = producers.map((each) => each.run(broker.port, neverEnough, acknowledged));
      await Promise.all([...load, administer(round, acknowledgedAdmin)]);
      await broker.restart();
    }
    // One more run, to its end, to settle the batches that were in flight at the last kill.
    const finish = producers.map((producer) => {
      const goal = producer.acknowledged.length + MAX_IN_FLIGHT;
      const enough = () => producer.acknowledged.length >= goal;
      return producer.run(broker.port, enough, () => {});
    });
    await Promise.all(finish);
    await verify(producers);
    await verifyAdministered(acknowledgedAdmin);
  },
  60_000 + ROUNDS * 6_000,
);

/** The other work that the broker has logged. */
interface Administered {
  readonly topics: string[];
  readonly producerIds: number[];
}

async function administer(round: number, { topics, producerIds }: Administered): Promise<void> {
  const connection = await RawConnection.open(broker.port).catch(() => null);
  if (connection === null) return;
  try {
    await createTopic(connection, `made-${round}`, { partitions: 2 });
    topics.push(`made-${round}`);
    producerIds.push(await newProducerId(connection));
  } catch (error) {
    if (!connection.isClosed) throw error;
  } finally {
    connection.close();
  }
}

async function verifyAdministered({ topics, producerIds }: Administered): Promise<void> {
  const connection = await RawConnection.open(broker.port);
  const body = { topics: topics.map((name) => ({ name })), allowAutoTopicCreation: false };
  const found = await connection.request(Metadata, 9, body);
  const whole = found.topics.filter(
    ({ errorCode, partitions }) => errorCode === 0 && partitions.length === 2,
  );
  expect(whole.map(({ name }) => name).sort()).toEqual([...topics].sort());
  expect(new Set(producerIds).size).toBe(producerIds.length);
  console.log(
    `${topics.length} topics and ${producerIds.length} producer ids acknowledged and kept`,
  );
  connection.close();
}

async function verify(producers: readonly SequencedProducer[]): Promise<void> {
  const connection = await RawConnection.open(broker.port);
  let total = 0;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { records } = await readAll(connection, "survivors", { partition });
    total += records.length;
    expect(records.map(({ offset }) => offset)).toEqual(records.map((_, index) => index));
    const mine = producers.filter((_, index) => index % PARTITIONS === partition);
    for (const producer of mine) verifyProducer(producer, records);
    const sent = mine.reduce((sum, each) => sum + each.acknowledged.length * RECORDS_PER_BATCH, 0);
    expect(records).toHaveLength(sent);
  }
  console.log(`${ROUNDS} kills, ${total} records acknowledged and found`);
  connection.close();
}

/** Each batch must be at its acknowledged offset. As the counts are equal, there are no others. */
function verifyProducer(producer: SequencedProducer, records: readonly PlainRecord[]): void {
  for (const [batch, baseOffset] of producer.acknowledged.entries()) {
    const stored = records.slice(baseOffset, baseOffset + RECORDS_PER_BATCH);
    const values = stored.map(({ value }) => Buffer.from(value!, "base64").toString());
    if (String(values) === String(producer.valuesOf(batch))) continue;
    throw new Error(`${producer.name}: batch ${batch} at ${baseOffset} reads ${values}`);
  }
}
