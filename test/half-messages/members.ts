import { type Consumer, Kafka, logLevel, type Producer } from "kafkajs";

export type Resolution = "commit" | "rollback";

/** Null: it does not know. */
export type Answer = (id: string) => Resolution | null;

/** A member of a producer group, with kafkajs: it answers checks in the name of all producers. */
export class Member {
  asked = 0;
  readonly #group: string;
  readonly #consumer: Consumer;
  readonly #producer: Producer;

  private constructor(group: string, consumer: Consumer, producer: Producer) {
    this.#group = group;
    this.#consumer = consumer;
    this.#producer = producer;
  }

  static async join(bootstrap: string, group: string, answer: Answer): Promise<Member> {
    const kafka = new Kafka({
      ...{ brokers: [bootstrap], logLevel: logLevel.NOTHING },
      retry: { retries: 50, initialRetryTime: 100, maxRetryTime: 500 },
    });
    const topic = `${group}.checks`;
    const consumer = kafka.consumer({
      ...{ groupId: topic, sessionTimeout: 6_000, heartbeatInterval: 500 },
      rebalanceTimeout: 6_000,
    });
    const member = new Member(group, consumer, kafka.producer());
    await Promise.all([consumer.connect(), member.#producer.connect()]);
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message: { key, headers } }) => {
        member.asked += 1;
        const resolution = answer(key!.toString());
        const partition = Number(headers!["tarpan-half-partition"]!.toString());
        if (resolution !== null) await member.#resolve(key!, partition, resolution);
      },
    });
    return member;
  }

  async #resolve(key: Buffer, partition: number, resolution: Resolution): Promise<void> {
    const headers = { "tarpan-producer-group": this.#group, "tarpan-resolution": resolution };
    const messages = [{ key, value: null, partition, headers }];
    await this.#producer.send({ topic: "__half_messages", messages });
  }

  async leave(): Promise<void> {
    await Promise.all([this.#consumer.disconnect(), this.#producer.disconnect()]);
  }
}
