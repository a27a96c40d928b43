// A worker of Kafka Connect and its connectors, the source exactly once, whose user may do what
// docs/security.md says.
import { writeFile } from "node:fs/promises";
import { expect } from "vitest";
import { CONNECT_LIMIT_MS, ConnectWorker, lines } from "./connect-worker.ts";
import { applications } from "./java-application.ts";
import { aclOf, type Need } from "./needed-acls.ts";
import { SecuredBroker } from "./secured-broker.ts";
import { javaLogin } from "./secured-programs.ts";

const USER = { username: "connect", password: "c-secret" };

/** Of a worker with the group.id "connect" that makes its own topics. Write includes describe. */
const WORKER: readonly Need[] = [
  ["group", "connect", "read"],
  ...["connect-config", "connect-offset", "connect-status"].flatMap((topic): Need[] => [
    ["topic", topic, "create"],
    ["topic", topic, "read"],
    ["topic", topic, "write"],
  ]),
  // For exactly-once sources.
  ["transactionalId", "connect-cluster-connect", "write"],
];
const SOURCE: readonly Need[] = [
  ["topic", "lines", "create"],
  ["topic", "lines", "write"],
  ["transactionalId", "connect-source-*", "write"],
];
const SINK: readonly Need[] = [
  ["topic", "lines", "read"],
  ["group", "connect-sink", "read"],
];

applications.it(
  "Kafka Connect works for a user with the ACLs that it needs, and says which are missing",
  async () => {
    await using broker = await SecuredBroker.start();
    await broker.createUser(USER, WORKER);
    const login = javaLogin(broker, USER);
    const ofAll = ["", "producer.", "consumer.", "admin."].flatMap((prefix) =>
      Object.entries(login).map(([name, value]) => [`${prefix}${name}`, value]),
    );
    const worker = await ConnectWorker.of(broker.addressOf("SCRAM"), {
      ...Object.fromEntries(ofAll),
      ...{ "exactly.once.source.support": "enabled", "topic.creation.enable": "true" },
    });
    const grant = (needs: readonly Need[]) =>
      broker.admin.createAcls(needs.map((need) => aclOf("User:connect", need)));
    try {
      await worker.start();
      await writeFile(worker.input, lines(0, 100));
      await worker.connect("source", "Source", { file: worker.input, topic: "lines" });
      await worker.connect("sink", "Sink", { file: worker.output, topics: "lines" });
      for (const connector of ["source", "sink"]) {
        await expect
          .poll(() => worker.failure(connector), { timeout: CONNECT_LIMIT_MS })
          .toMatch(/AuthorizationException/);
      }
      await grant([...SOURCE, ...SINK]);
      for (const connector of ["source", "sink"]) await worker.restartTask(connector);
      await worker.expectOutput(lines(0, 100));
      const end = lines(0, 100).length;
      await expect.poll(() => worker.position(), { timeout: CONNECT_LIMIT_MS }).toBe(end);
    } finally {
      await worker.kill9();
    }
  },
  4 * CONNECT_LIMIT_MS,
);
