// An application of Kafka Streams, exactly once, whose user may do what docs/security.md says.
import { afterAll, beforeAll, expect } from "vitest";
import { Producer } from "../../packages/client/src/index.ts";
import { readAllCommitted } from "../bank/read-committed.ts";
import { RoutedClient } from "../bank/routed-client.ts";
import { TcpWire } from "../bank/wire.ts";
import { temporaryDirectory } from "../harness/temp.ts";
import { applications, JavaApplication, propertiesText } from "./java-application.ts";
import type { Need } from "./needed-acls.ts";
import { SecuredBroker } from "./secured-broker.ts";
import { javaLogin } from "./secured-programs.ts";

const LIMIT_MS = 60_000;

/** Of the application with this id. Write includes describe. */
const needs = (id: string): readonly Need[] => [
  ["topic", "lines", "read"],
  ["topic", "counts", "write"],
  ["topic", `${id}-*`, "create"],
  ["topic", `${id}-*`, "read"],
  ["topic", `${id}-*`, "write"],
  ["topic", `${id}-*`, "delete"],
  ["group", id, "read"],
  ["transactionalId", `${id}-*`, "write"],
];

let broker: SecuredBroker;

beforeAll(async () => {
  broker = await SecuredBroker.start();
  for (const name of ["lines", "counts"]) await broker.admin.createTopic({ name });
  const producer = new Producer(broker.client);
  await producer.send({ topic: "lines", value: "one two two" });
  await producer.close();
});

afterAll(() => broker[Symbol.asyncDispose]());

/** Starts the application as a user with its own id and these ACLs. */
async function start(id: string, acls: readonly Need[]): Promise<JavaApplication> {
  const user = { username: id, password: `${id}-secret` };
  await broker.createUser(user, acls);
  const settings = propertiesText({
    ...javaLogin(broker, user),
    ...{ "application.id": id, "repartition.purge.interval.ms": 200 },
  });
  const file = await broker.directory.write(`${id}.properties`, settings);
  const { bootstrap } = broker.addressOf("SCRAM");
  const application = new JavaApplication();
  application.start("WordCount", bootstrap, await temporaryDirectory(), file);
  return application;
}

applications.it(
  "Kafka Streams runs exactly once as a user with the ACLs that it needs",
  async () => {
    const application = await start("suffices", needs("suffices"));
    const wire = new TcpWire([broker.openBootstrap]);
    const client = new RoutedClient(wire, LIMIT_MS);
    try {
      const counts = async () => {
        expect(application.running, application.output).toBe(true);
        const read = await readAllCommitted(client, "counts", 0, LIMIT_MS);
        return read.map(({ value }) => value);
      };
      await expect.poll(counts, { timeout: LIMIT_MS }).toEqual(["one 1", "two 1", "two 2"]);
      // The repartition topic is shortened by what was read, which needs delete.
      const repartition = "suffices-KSTREAM-AGGREGATE-STATE-STORE-0000000003-repartition";
      const earliest = () => broker.admin.offset({ topic: repartition, partition: 0 }, "earliest");
      await expect.poll(earliest, { timeout: LIMIT_MS }).toBeGreaterThan(0);
    } finally {
      wire.close();
      await application.kill9();
    }
  },
  2 * LIMIT_MS,
);

// Without delete it goes on, but its repartition topics grow.
for (const [index, [type, name, operation]] of needs("lacks").entries()) {
  if (operation === "delete") continue;
  applications.it(
    `Kafka Streams ends without ${operation} on ${type} ${name}`,
    async () => {
      const id = `lacks-${index}`;
      const application = await start(id, needs(id).toSpliced(index, 1));
      try {
        await expect.poll(() => application.running, { timeout: LIMIT_MS }).toBe(false);
        expect(application.output).toMatch(/AuthorizationException|not authorized/i);
      } finally {
        await application.kill9();
      }
    },
    2 * LIMIT_MS,
  );
}
