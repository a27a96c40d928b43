// Kafka's own tools with a client.properties: an admin makes a user and its ACLs, and the user does
// with the tools what these allow, and no more.
import { afterAll, beforeAll, expect } from "vitest";
import { startOnRealPorts } from "../../packages/broker/test/runtime/on-real-ports.ts";
import { TestAuthority, TestDirectory } from "../../packages/broker/test/tls/certificates.ts";
import { peer } from "../harness/peers.ts";
import { run } from "../harness/run.ts";

const tools = peer("java-applications");
const core = peer("java");
const ca = new TestAuthority();
const own = ca.broker();
const PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required";
const SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required";

let at: Awaited<ReturnType<typeof startOnRealPorts>>;
let directory: TestDirectory;
let admin: string;
let alice: string;
let bob: string;

beforeAll(async () => {
  at = await startOnRealPorts({
    listeners: "SASL_SSL://localhost:0",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.certificate.chain": own.certificate,
    "ssl.keystore.key": own.key,
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
    "listener.name.sasl_ssl.plain.sasl.jaas.config": `${PLAIN} user_admin="change-me";`,
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:admin",
    "group.initial.rebalance.delay.ms": "0",
  });
  directory = await TestDirectory.make();
  const truststore = await directory.write("ca.pem", ca.certificate);
  const properties = (name: string, mechanism: string, jaas: string) =>
    directory.write(
      `${name}.properties`,
      [
        "security.protocol=SASL_SSL",
        `sasl.mechanism=${mechanism}`,
        `sasl.jaas.config=${jaas}`,
        "ssl.truststore.type=PEM",
        `ssl.truststore.location=${truststore}`,
      ].join("\n"),
    );
  admin = await properties("admin", "PLAIN", `${PLAIN} username="admin" password="change-me";`);
  alice = await properties("alice", "SCRAM-SHA-512", `${SCRAM} username="alice" password="a";`);
  bob = await properties("bob", "SCRAM-SHA-512", `${SCRAM} username="bob" password="b";`);
});

afterAll(async () => {
  await directory[Symbol.asyncDispose]();
  await at.broker.stop();
});

async function tool(name: string, args: readonly string[], input = ""): Promise<string> {
  const jvm = ["-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"];
  const where = ["--bootstrap-server", `localhost:${at.port(0)}`];
  const isTool = !name.startsWith("kafka.");
  const main = isTool ? `org.apache.kafka.tools.${name}` : name;
  const command = [...jvm, "-cp", isTool ? tools.classPath : core.classPath, main];
  const { stdout, stderr } = await run(tools.path, [...command, ...where, ...args], { input });
  return stdout + stderr;
}

/** `kafka-configs.sh` for a user. */
function configureUser(name: string, ...words: readonly string[]): Promise<string> {
  const user = ["--command-config", admin, "--entity-type", "users", "--entity-name", name];
  return tool("kafka.admin.ConfigCommand", [...user, ...words]);
}

tools.it(
  "Kafka's tools work for a user with the ACLs of a producer and a consumer, and no further",
  async () => {
    const asAdmin = ["--command-config", admin];
    const asAlice = ["--command-config", alice];
    const configure = (...words: readonly string[]) => configureUser("alice", ...words);
    expect(await configure("--alter", "--add-config", "SCRAM-SHA-512=[password=a]")).toMatch(
      /Completed updating/,
    );
    await configure("--alter", "--add-config", "producer_byte_rate=1048576");
    const described = await configure("--describe");
    expect(described).toContain("producer_byte_rate=1048576.0");
    expect(described).toContain("SCRAM-SHA-512=iterations=");
    const grant = [...asAdmin, "--add", "--allow-principal", "User:alice", "--topic", "orders"];
    await tool("AclCommand", [...grant, "--producer"]);
    await tool("AclCommand", [...grant, "--consumer", "--group", "readers"]);
    expect(await tool("AclCommand", [...asAdmin, "--list", "--topic", "orders"])).toContain(
      "principal=User:alice, host=*, operation=WRITE",
    );
    expect(await tool("TopicCommand", [...asAlice, "--create", "--topic", "others"])).toContain(
      "TopicAuthorizationException",
    );
    await tool("TopicCommand", [...asAlice, "--create", "--topic", "orders"]);
    await tool("TopicCommand", [...asAdmin, "--create", "--topic", "hidden"]);
    expect((await tool("TopicCommand", [...asAlice, "--list"])).trim()).toBe("orders");
    const producer = ["--producer.config", alice, "--topic", "orders"];
    await tool("ConsoleProducer", producer, "one\ntwo\n");
    const reads = ["--topic", "orders", "--group", "readers", "--from-beginning"];
    const consumer = ["--consumer.config", alice, ...reads, "--max-messages", "2"];
    expect(await tool("consumer.ConsoleConsumer", consumer)).toMatch(/one\ntwo\n/);
    const group = ["--describe", "--group", "readers"];
    expect(await tool("consumer.group.ConsumerGroupCommand", [...asAlice, ...group])).toMatch(
      /readers +orders +0 +2 +2 +0/,
    );
    expect(await tool("GetOffsetShell", [...asAlice, "--topic", "orders"])).toContain("orders:0:2");
    const quorum = ["describe", "--status"];
    expect(await tool("MetadataQuorumCommand", [...asAlice, ...quorum])).toContain(
      "ClusterAuthorizationException",
    );
    expect(await tool("MetadataQuorumCommand", [...asAdmin, ...quorum])).toContain("LeaderEpoch");
    expect(await tool("FeatureCommand", [...asAdmin, "describe"])).toContain("metadata.version");
  },
  240_000,
);

tools.it(
  "what Kafka's tools take away is refused at once: an ACL, a quota and a password",
  async () => {
    const asAdmin = ["--command-config", admin];
    const configure = (...words: readonly string[]) => configureUser("bob", ...words);
    // The tool changes quotas and passwords one after another only.
    for (const added of ["SCRAM-SHA-512=[password=b]", "consumer_byte_rate=1048576"]) {
      expect(await configure("--alter", "--add-config", added)).toMatch(/Completed updating/);
    }
    const onTopic = ["--topic", "bobs", "--allow-principal", "User:bob"];
    await tool("AclCommand", [...asAdmin, "--add", ...onTopic, "--producer"]);
    const produce = () =>
      tool("ConsoleProducer", ["--producer.config", bob, "--topic", "bobs"], "one\n");
    expect(await produce()).not.toMatch(/Exception/);
    const write = ["--operation", "Write", "--force"];
    await tool("AclCommand", [...asAdmin, "--remove", ...onTopic, ...write]);
    expect(await tool("AclCommand", [...asAdmin, "--list"])).not.toMatch(/bob.*WRITE/);
    // An idempotent producer has to be allowed to write some topic (KIP-679).
    expect(await produce()).toContain("ClusterAuthorizationException");
    for (const deleted of ["SCRAM-SHA-512", "consumer_byte_rate"]) {
      expect(await configure("--alter", "--delete-config", deleted)).toMatch(/Completed updating/);
    }
    expect(await configure("--describe")).not.toMatch(/consumer_byte_rate|SCRAM-SHA-512/);
    expect(await tool("TopicCommand", ["--command-config", bob, "--list"])).toContain(
      "SaslAuthenticationException",
    );
  },
  240_000,
);
