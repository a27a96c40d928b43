import type { Producer } from "kafkajs";
import { kafkajs } from "./kafkajs-client.ts";
import { consecutive, type Load } from "./load.ts";
import { sendInTurn } from "./send-in-turn.ts";

/**
 * An idempotent producer of kafkajs. After it has given up a batch it uses the same sequences for
 * other records, so it is replaced by a new producer.
 */
export async function runKafkajsProducer(load: Load, clientId: string): Promise<void> {
  const kafka = kafkajs(load, clientId);
  const made: Producer[] = [];
  const connected = async () => {
    const producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false });
    made.push(producer);
    await producer.connect();
    return producer;
  };
  let current = connected();
  const send = async (partition: number, values: readonly number[]) => {
    const used = current;
    try {
      const messages = values.map((value) => ({ partition, value: String(value) }));
      const producer = await used;
      const [stored] = await producer.send({ topic: load.topic, acks: -1, messages });
      // It skips what it finds no leader for, and `send` succeeds. A broker answers each partition.
      if (stored === undefined) throw new Error("kafkajs sent nothing, and says no error");
      const baseOffset = Number(stored.baseOffset ?? -1);
      return baseOffset < 0 ? [] : consecutive(baseOffset, values.length);
    } catch (error) {
      if (current === used) current = connected();
      throw error;
    }
  };
  await Promise.all(
    load.partitions.map((partition) => sendInTurn(load, clientId, partition, send)),
  );
  for (const producer of made) await producer.disconnect();
}
