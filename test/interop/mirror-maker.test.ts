// MirrorMaker 2 between two brokers, to which it logs in by SCRAM over TLS, as a user who may do
// what docs/security.md says: topics, records, positions of groups and ACLs arrive.
import { expect } from "vitest";
import { aclText, Consumer, Producer } from "../../packages/client/src/index.ts";
import { applications, JavaApplication, propertiesText } from "./java-application.ts";
import { aclOf, type Need } from "./needed-acls.ts";
import { SecuredBroker } from "./secured-broker.ts";
import { javaLogin } from "./secured-programs.ts";

const LIMIT_MS = 120_000;
const COMMITTED = 60;
const MIRRORED = "source.orders";
const MIRROR = { username: "mirror", password: "mirror-secret" };

/** A topic that is made, written and read by MirrorMaker alone. */
const ownTopic = (name: string): Need[] => [
  ["topic", name, "create"],
  ["topic", name, "read"],
  ["topic", name, "write"],
];
const OF_SOURCE: readonly Need[] = [
  ["topic", "orders", "read"],
  ["topic", "orders", "describeConfigs"],
  ["group", "billing", "describe"],
  // To read ACLs.
  ["cluster", "kafka-cluster", "describe"],
  ...ownTopic("mm2-offset-syncs.target.internal"),
];
const OF_TARGET: readonly Need[] = [
  ...ownTopic("source.*"),
  ["topic", "source.*", "alter"],
  ["topic", "source.*", "alterConfigs"],
  ["group", "billing", "read"],
  // To create ACLs.
  ["cluster", "kafka-cluster", "alter"],
  ["group", "source-mm2", "read"],
  ...["configs", "offsets", "status"].flatMap((what) => ownTopic(`mm2-${what}.source.internal`)),
];

class Mirror implements AsyncDisposable {
  readonly source: SecuredBroker;
  readonly target: SecuredBroker;
  readonly application = new JavaApplication();
  #sent = 0;

  private constructor(source: SecuredBroker, target: SecuredBroker) {
    this.source = source;
    this.target = target;
  }

  /** Begins to mirror the topic "orders". `configs`: of the source. */
  static async start(configs: Record<string, string | undefined> = {}): Promise<Mirror> {
    const mirror = new Mirror(await SecuredBroker.start(configs), await SecuredBroker.start());
    const isOpen = "authorizer.class.name" in configs;
    await mirror.source.createUser(MIRROR, isOpen ? [] : OF_SOURCE);
    await mirror.target.createUser(MIRROR, OF_TARGET);
    const orders = { name: "orders", partitions: 2, configs: { "retention.ms": "777000" } };
    await mirror.source.admin.createTopic(orders);
    return mirror;
  }

  async run(): Promise<void> {
    const settings = propertiesText(settingsOf(this.source, this.target));
    const file = await this.target.directory.write("mirror.properties", settings);
    this.application.start("org.apache.kafka.connect.mirror.MirrorMaker", file);
  }

  async send(count: number): Promise<void> {
    const producer = new Producer(this.source.client);
    for (const end = this.#sent + count; this.#sent < end; this.#sent++) {
      await producer.send({ topic: "orders", partition: 0, value: `order ${this.#sent}` });
    }
    await producer.close();
  }

  /** All records of the target's partition are those of the source, in their order. */
  async expectRecords(): Promise<void> {
    const end = () =>
      this.target.admin.offset({ topic: MIRRORED, partition: 0 }, "latest").catch(String);
    await this.#until(end, this.#sent);
    const consumer = new Consumer(this.target.client);
    await consumer.assign([{ topic: MIRRORED, partition: 0, offset: "earliest" }]);
    const values: string[] = [];
    while (values.length < this.#sent) {
      for (const { value } of await consumer.poll()) values.push(value!.toString());
    }
    await consumer.close();
    expect(values).toEqual(Array.from({ length: this.#sent }, (_, n) => `order ${n}`));
  }

  /** What the target knows of the mirrored topic beside its records. */
  async expectOnTarget(what: () => Promise<unknown>, expected: unknown): Promise<void> {
    await this.#until(() => what().catch(String), expected);
  }

  async #until(what: () => Promise<unknown>, expected: unknown): Promise<void> {
    const found = async () => {
      expect(this.application.running, this.application.output).toBe(true);
      return what();
    };
    await expect.poll(found, { timeout: LIMIT_MS, interval: 200 }).toEqual(expected);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.application.kill9();
    await this.target[Symbol.asyncDispose]();
    await this.source[Symbol.asyncDispose]();
  }
}

function settingsOf(source: SecuredBroker, target: SecuredBroker) {
  const clusters = Object.entries({ source, target }).flatMap(([alias, broker]) => {
    const bootstrap = { "bootstrap.servers": broker.addressOf("SCRAM").bootstrap };
    const configs = Object.entries({ ...bootstrap, ...javaLogin(broker, MIRROR) });
    return configs.map(([name, value]) => [`${alias}.${name}`, value]);
  });
  const each = (names: string, suffix: string) =>
    Object.fromEntries(names.split(" ").map((name) => [`${name}.${suffix}`, 1]));
  return {
    ...{ clusters: "source, target", ...Object.fromEntries(clusters) },
    ...{ "source->target.enabled": "true", "source->target.topics": "orders" },
    // Heartbeats would take a worker in the source, too, with its ACLs.
    "emit.heartbeats.enabled": "false",
    ...{ "sync.topic.acls.enabled": "true", "sync.group.offsets.enabled": "true" },
    ...each("refresh.topics refresh.groups sync.topic.configs", "interval.seconds"),
    ...each("sync.topic.acls sync.group.offsets emit.checkpoints", "interval.seconds"),
    ...each("config.storage offset.storage status.storage", "replication.factor"),
    ...each("checkpoints.topic offset-syncs.topic", "replication.factor"),
    // Of the worker, which is in the target. It tells new offsets when it commits its own.
    ...{ "target.offset.flush.interval.ms": 500, "target.plugin.discovery": "service_load" },
    // A position is translated by the last record below it of which the new offset is known.
    ...{ "replication.factor": 1, "offset.lag.max": 0 },
  };
}

applications.it(
  "MirrorMaker 2 brings topics, configs, records, positions of groups and ACLs",
  async () => {
    await using mirror = await Mirror.start();
    const { source, target } = mirror;
    await mirror.run();
    await mirror.send(COMMITTED);
    await mirror.expectRecords();
    const position = { topic: "orders", partition: 0, offset: COMMITTED };
    await source.admin.alterGroupOffsets("billing", [position]);
    const positions = async () =>
      (await target.admin.groupOffsets("billing")).map(({ topic, partition, offset }) => {
        return { topic, partition, offset };
      });
    // Before there are more records: from the middle it would be translated to an earlier one.
    await mirror.expectOnTarget(positions, [{ ...position, topic: MIRRORED }]);
    await source.admin.createAcls([
      aclOf("User:shop", ["topic", "orders", "all"]),
      aclOf("User:report", ["topic", "orders", "read"]),
      aclOf("User:shop", ["topic", "orders", "write"]),
      aclOf("User:shop", ["topic", "others", "read"]),
      { ...aclOf("User:eve", ["topic", "orders", "read"]), permission: "deny" },
    ]);
    await mirror.send(40);
    await mirror.expectRecords();
    // Who may do all with the source may only read the mirror, which has one writer.
    const arrived = [
      aclOf("User:shop", ["topic", MIRRORED, "read"]),
      aclOf("User:report", ["topic", MIRRORED, "read"]),
      { ...aclOf("User:eve", ["topic", MIRRORED, "read"]), permission: "deny" as const },
      // Its own, of the source.
      aclOf("User:mirror", ["topic", MIRRORED, "read"]),
      aclOf("User:mirror", ["topic", MIRRORED, "describeConfigs"]),
    ];
    const topic = {
      resourceType: "topic",
      resourceName: MIRRORED,
      patternType: "literal",
    } as const;
    const acls = async () => (await target.admin.describeAcls(topic)).map(aclText).sort();
    await mirror.expectOnTarget(acls, arrived.map(aclText).sort());
    const shape = async () => {
      const { partitions } = await target.admin.describeTopic(MIRRORED);
      const configs = await target.admin.describeConfigs({ type: "topic", name: MIRRORED });
      const retention = configs.find(({ name }) => name === "retention.ms");
      return [partitions.length, retention?.value];
    };
    await mirror.expectOnTarget(shape, [2, "777000"]);
  },
  2 * LIMIT_MS,
);

applications.it(
  "MirrorMaker 2 goes on without complaint where the source has no ACLs",
  async () => {
    await using mirror = await Mirror.start({
      ...{ "authorizer.class.name": undefined, "super.users": undefined },
    });
    await expect(mirror.source.admin.describeAcls()).rejects.toThrow("SECURITY_DISABLED");
    await mirror.run();
    await mirror.send(10);
    await mirror.expectRecords();
    // ACLs are asked for each second.
    const asked = () => aclRequests(mirror.source);
    const before = await asked();
    await expect.poll(asked, { timeout: LIMIT_MS }).toBeGreaterThan(before + 1);
    await mirror.send(10);
    await mirror.expectRecords();
    expect(mirror.application.output).not.toMatch(/ERROR|SecurityDisabled/);
    expect(await mirror.target.admin.describeAcls()).toHaveLength(OF_TARGET.length);
  },
  2 * LIMIT_MS,
);

/** How many requests for its ACLs the broker has answered. */
async function aclRequests({ openBootstrap }: SecuredBroker): Promise<number> {
  const page = await (await fetch(`http://${openBootstrap}/metrics`)).text();
  const counts = page.matchAll(/^tarpan_requests_total\{api="DescribeAcls".*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}
