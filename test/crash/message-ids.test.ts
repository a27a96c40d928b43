import { encodeBatch } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { RECENT_MS } from "../harness/recent.ts";
import { base64, createTopic, produce, readAll } from "../harness/records.ts";

/** `npm run chaos` sets a higher number. */
const ROUNDS = Number(process.env.TARPAN_MESSAGE_ID_ROUNDS ?? 3);
const HEADER = "tarpan-message-id";
const broker = useBroker();

/** A batch of one record, from a producer without an id: only its message id can tell a copy. */
function batchOf(id: string): Uint8Array {
  const headers = [{ key: HEADER, value: Buffer.from(id) }];
  return encodeBatch([{ key: null, value: Buffer.from(id), timestamp: RECENT_MS, headers }]);
}

it(
  `${ROUNDS} times kill -9: what is sent again is stored once, at the offset told`,
  async () => {
    const random = new SeededRandom(printedSeed("message ids"));
    const first = await RawConnection.open(broker.port);
    await createTopic(first, "once", { configs: { "tarpan.dedupe.enable": "true" } });
    first.close();
    const told = new Map<string, number>();
    const sent: string[] = [];

    /** Sends until the connection ends; all that has no answer yet, some copies, and new ids. */
    const send = async (untilAcknowledged: number, done: () => void) => {
      const connection = await RawConnection.open(broker.port);
      let acknowledged = 0;
      const one = async (id: string) => {
        const { errorCode, baseOffset } = await produce(connection, "once", batchOf(id));
        expect([id, errorCode]).toEqual([id, 0]);
        const offset = Number(baseOffset);
        expect([id, told.get(id) ?? offset]).toEqual([id, offset]);
        told.set(id, offset);
        acknowledged += 1;
        if (acknowledged === untilAcknowledged) done();
      };
      const again = sent.filter((id) => !told.has(id));
      try {
        await Promise.all(again.map(one));
        while (acknowledged < untilAcknowledged) {
          const fresh = Array.from({ length: 1 + random.below(20) }, () => `id ${sent.length}`);
          const ids = fresh.map((_, index) => `id ${sent.length + index}`);
          sent.push(...ids);
          const copies = Array.from({ length: random.below(5) }, () => random.pick(sent));
          await Promise.all([...ids, ...copies].map(one));
        }
      } catch (error) {
        if (error instanceof Error && error.name === "AssertionError") throw error;
      } finally {
        connection.close();
      }
    };

    for (let round = 0; round < ROUNDS; round++) {
      await send(20 + random.below(200), () => void broker.kill9());
      await broker.restart();
    }
    await send(sent.length - told.size + 1, () => {});

    const connection = await RawConnection.open(broker.port);
    const { records } = await readAll(connection, "once");
    connection.close();
    const stored = records.map(({ offset, value }) => [value, Number(offset)] as const);
    expect(new Map(stored)).toEqual(new Map([...told].map(([id, at]) => [base64(id), at])));
    expect(stored.length).toBe(told.size);
  },
  60_000 + ROUNDS * 6_000,
);
