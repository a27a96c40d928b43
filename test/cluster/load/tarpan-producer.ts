import { Client, Producer } from "@tarpan/client";
import { DELIVERY_TIMEOUT_MS, type Load, REQUEST_TIMEOUT_MS } from "./load.ts";
import { sendInTurn } from "./send-in-turn.ts";

/** An idempotent producer of @tarpan/client, which gets a new id after a batch that it gave up. */
export async function runTarpanProducer(load: Load, clientId: string): Promise<void> {
  const { bootstrap, security, topic } = load;
  const client = new Client({ bootstrap, clientId, timeoutMs: REQUEST_TIMEOUT_MS, ...security });
  const producer = new Producer(client, { deliveryTimeoutMs: DELIVERY_TIMEOUT_MS });
  const send = async (partition: number, values: readonly number[]) => {
    const records = values.map((value) => ({ topic, partition, value: String(value) }));
    return (await producer.sendBatch(records)).map(({ offset }) => offset);
  };
  await Promise.all(
    load.partitions.map((partition) => sendInTurn(load, clientId, partition, send)),
  );
  await producer.close();
  await client.close();
}
