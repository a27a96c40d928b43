import { describe, expect, test } from "vitest";
import { type ConfigSources, loadConfig } from "../../src/config/index.ts";
import { ignoredConfigWarnings } from "../../src/config/kafka/start-configs.ts";
import type { Secret } from "../../src/util/secret.ts";
import { SEED_JSON, SEED_YAML } from "./seeds.ts";

const load = (text: string, more: Omit<ConfigSources, "file"> = {}) =>
  loadConfig({ ...more, file: { path: "broker.yaml", text } });

describe("the settings of a broker", () => {
  test("without any source, are the defaults", async () => {
    const { settings, warnings, logging, nodeIdGiven } = await loadConfig({});
    expect(settings).toEqual({
      nodeId: 1,
      bindAddress: "127.0.0.1",
      bindPort: 9092,
      storage: "segment",
      dataDirectory: "./data",
      flush: { mode: "always" },
      kafkaConfigs: {},
      cluster: null,
    });
    expect(nodeIdGiven).toBe(false);
    expect(logging).toMatchObject({ level: "info", file: null });
    expect(warnings).toEqual([]);
  });

  test("an initial admin, whose password is in a file or a variable, and not shown", async () => {
    const { settings } = await load("initial_admin: root\ninitial_admin_password_file: /pw");
    expect(settings.initialAdmin).toEqual({ name: "root", password: { file: "/pw" } });
    const environment = { TARPAN_INITIAL_ADMIN_PASSWORD: "a-secret" };
    const flags = { "initial-admin": "root" };
    const loaded = await loadConfig({ flags, environment });
    const { name, password } = loaded.settings.initialAdmin!;
    expect([name, (password as Secret).reveal()]).toEqual(["root", "a-secret"]);
    expect(JSON.stringify(loaded.shown)).not.toContain("a-secret");
    const later = await loadConfig({ flags });
    expect(later.settings.initialAdmin).toEqual({ name: "root", password: null });
  });

  test.each([
    ["initial_admin_password: a-secret", "initial_admin_password: needs initial_admin"],
    [
      "initial_admin: a\ninitial_admin_password: a-secret\ninitial_admin_password_file: /pw",
      "leave one out",
    ],
    ["initial_admin: a;b", "must be a name without ;"],
    ["initial_admin: ANONYMOUS", "must not be ANONYMOUS: that is everybody who has not logged in"],
    ["initial_admin: '*'", "must be the name of one user"],
    ["initial_admin: User:admin", 'must be the name alone, "admin", not "User:admin"'],
    ["initial_admin: ' admin'", "must be a name without spaces around it"],
    ['initial_admin: "a\\0b"', "must be a name without control characters"],
  ])("refuse %j", async (text, message) => {
    const refused = load(text);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.not.toThrow("a-secret");
  });

  test("a full broker.yaml, with warnings for keys without effect", async () => {
    const { settings, logging, warnings } = await load(SEED_YAML);
    expect(settings).toMatchObject({
      nodeId: 1,
      bindAddress: "0.0.0.0",
      bindPort: 9092,
      dataDirectory: "./data/broker-1",
      kafkaConfigs: {
        "connections.max.idle.ms": "300000",
        "tarpan.compression.type": "snappy",
        "tarpan.compression.threshold.bytes": "1024",
        "max.connections": "100",
        "message.max.bytes": "1048576",
        "queued.max.request.bytes": "33554432",
        "tarpan.dedupe.enable": "true",
        "tarpan.dedupe.max.ids": "100000",
        "tarpan.dedupe.ttl.ms": "86400000",
      },
      readCacheBytes: 67_108_864,
      cluster: null,
    });
    expect(logging).toEqual({
      level: "info",
      file: "./logs/broker.log",
      auditFile: null,
      maxSizeBytes: 100 * 1024 * 1024,
      maxBackups: 10,
      maxAgeMs: 30 * 86_400_000,
      compress: true,
    });
    const about = (key: string) => warnings.filter((line) => line.includes(key));
    for (const key of ["raft.rtt_millisecond", "batch_timeout"])
      expect(about(key), key).toHaveLength(1);
    expect(about("deduplication")).toEqual([]);
  });

  test.each([
    ["compression_enabled: true", { "tarpan.compression.type": "snappy" }],
    [
      "compression_enabled: true\ncompression_type: zlib\ncompression_threshold: 4KB",
      { "tarpan.compression.type": "gzip", "tarpan.compression.threshold.bytes": "4096" },
    ],
    ["compression_enabled: true\ncompression_type: none", { "tarpan.compression.type": "none" }],
    ["compression_enabled: false\ncompression_type: zstd", {}],
    ["compression_type: none", {}],
  ])("%j", async (text, configs) => {
    const { settings, warnings } = await load(text);
    expect(settings.kafkaConfigs).toEqual(configs);
    expect(warnings).toEqual([]);
  });

  test("compression without compression_enabled has no effect, and contradictions are refused", async () => {
    const { settings, warnings } = await load("performance: { compression_type: zstd }");
    expect(settings.kafkaConfigs).toEqual({});
    expect(warnings).toEqual(["no effect: compression_type: compression_enabled is not true"]);
    const both = "compression_enabled: true\nkafka: { tarpan.compression.type: gzip }";
    await expect(load(both)).rejects.toThrow(
      "broker.yaml:2: kafka.tarpan.compression.type: says gzip, and broker.yaml:1: " +
        "compression_enabled says snappy: leave one out",
    );
    await expect(load("compression_enabled: true\ncompression_threshold: 3GB")).rejects.toThrow(
      /^broker.yaml:2: compression_threshold: invalid value 3221225472 .*must fit in 32 bits$/,
    );
  });

  test("performance.* and Kafka's name for it must not contradict each other", async () => {
    const one = "performance: { max_batch_bytes: 2MB }\nkafka: { message.max.bytes: 2097152 }";
    expect((await load(one)).settings.kafkaConfigs).toEqual({ "message.max.bytes": "2097152" });
    await expect(load(one.replace("2MB", "3MB"))).rejects.toThrow(
      "broker.yaml:2: kafka.message.max.bytes: says 2097152, and broker.yaml:1: " +
        "performance.max_batch_bytes says 3145728: leave one out",
    );
    const memory = "storage: memory\nperformance: { read_cache_size: 64MB }";
    expect((await load(memory)).warnings).toEqual([
      "no effect: performance.read_cache_size: storage memory keeps everything in memory",
    ]);
  });

  test("the JSON form", async () => {
    const { settings, logging } = await load(SEED_JSON);
    expect(settings).toMatchObject({ nodeId: 2, bindPort: 9093, dataDirectory: "data/broker2" });
    expect(logging.file).toBe("logs/broker2.log");
  });

  test("flags override the environment, which overrides the file", async () => {
    const environment = { TARPAN_BIND_PORT: "2", TARPAN_DATA_DIR: "env", PATH: "/bin" };
    const { settings } = await load("bind_port: 1\ndata_dir: file\nnode_id: 7\n", {
      environment,
      flags: { "bind-port": "3" },
    });
    expect(settings).toMatchObject({ bindPort: 3, dataDirectory: "env", nodeId: 7 });
  });

  test("Kafka's broker configs by Kafka's names, from all three sources", async () => {
    const { settings } = await load(
      `kafka: { "num.partitions": 3, log.segment.bytes: 1048576 }\nauto_create_topics: false\n`,
      { environment: { TARPAN_KAFKA_NUM_PARTITIONS: "4" }, flags: { kafka: ["num.partitions=5"] } },
    );
    expect(settings.kafkaConfigs).toEqual({
      "num.partitions": "5",
      "log.segment.bytes": "1048576",
      "auto.create.topics.enable": "false",
    });
  });

  test.each([
    ["flush: interval", { mode: "interval", intervalMs: 1000 }],
    ["flush: interval\nflush_interval: 50ms", { mode: "interval", intervalMs: 50 }],
    ["flush: never", { mode: "never" }],
  ])("%s", async (text, flush) => {
    expect((await load(text)).settings.flush).toEqual(flush);
  });

  test("names of the broker for HTTP, and the file of the audit log", async () => {
    const text = "http_hosts: Queue.example.com, b\naudit_log: a/audit.log\n";
    const { settings, logging } = await load(text);
    expect(settings.httpHosts).toEqual(["queue.example.com", "b"]);
    expect(logging.auditFile).toBe("a/audit.log");
    await expect(load("http_hosts: queue.example.com:9092\n")).rejects.toThrow("without a port");
  });

  test("--log-dir on the command line overrides logging.file in the file", async () => {
    const { logging } = await load("logging: { file: a.log }", { flags: { "log-dir": "logs" } });
    expect(logging.file).toBe("logs/broker.log");
  });
});

describe("Kafka configs that set Tarpan's keys", () => {
  const kafka = (...lines: string[]) => load(`kafka:\n${lines.map((l) => `  ${l}\n`).join("")}`);

  test("take effect", async () => {
    const { settings, nodeIdGiven } = await kafka(
      "node.id: 7",
      "broker.id: 7",
      "log.dirs: /var/lib/kafka",
      "listeners: PLAINTEXT://10.0.0.1:19092,CONTROLLER://:9093",
      "controller.listener.names: CONTROLLER",
      "advertised.listeners: PLAINTEXT://kafka.example:9092",
    );
    expect(settings).toMatchObject({
      nodeId: 7,
      dataDirectory: "/var/lib/kafka",
      bindAddress: "10.0.0.1",
      bindPort: 19_092,
    });
    expect(nodeIdGiven).toBe(true);
    expect(settings.kafkaConfigs).not.toHaveProperty("listeners");
    const names = await kafka(
      'listeners: "INSIDE://:1"',
      "listener.security.protocol.map: INSIDE:PLAINTEXT",
    );
    expect(names.settings).toMatchObject({ bindAddress: "0.0.0.0", bindPort: 1 });
    expect((await kafka("broker.id: -1")).nodeIdGiven).toBe(false);
  });

  test("override weaker sources, whichever name is used there", async () => {
    const { settings } = await load(
      'kafka: { "auto.create.topics.enable": true, listeners: "PLAINTEXT://:1" }',
      { flags: { "auto-create-topics": "false", "bind-port": "2" } },
    );
    expect(settings).toMatchObject({ bindPort: 2, bindAddress: "0.0.0.0" });
    expect(settings.kafkaConfigs).toEqual({ "auto.create.topics.enable": "false" });
  });

  test.each([
    ["node_id: 1\nkafka: { broker.id: 2 }", "kafka.broker.id: says 2, and broker.yaml:1: node_id"],
    ["data_dir: a\nkafka: { log.dir: b }", "kafka.log.dir: says b, and broker.yaml:1: data_dir"],
    ["kafka: { log.dirs: 'a,b' }", "kafka.log.dirs: must be one directory"],
    ["kafka: { listeners: 'SSL://:9093' }", "a listener with TLS needs a certificate"],
    ["kafka: { advertised.listeners: 'SASL_SSL://a:1' }", "listeners has only PLAINTEXT"],
    ["kafka: { listeners: 'INSIDE://:1' }", "listener INSIDE has no protocol in listener.sec"],
    ["kafka: { listeners: 'PLAINTEXT://:1,PLAINTEXT://:2' }", "lists PLAINTEXT twice"],
    ["kafka: { listeners: '9092' }", "must be like PLAINTEXT://host:port"],
    ["kafka: { num.partitions: }", "kafka.num.partitions: has no value"],
    ["kafka: { sasl.enabled.mechanisms: PLAIN }", "so everybody could connect"],
    [
      "kafka: { listener.name.x.PLAIN.sasl.jaas.config: secret }",
      "PLAIN must be one of plain, scram-sha-256,",
    ],
    ["kafka: { sasl.enabled.mechanisms: GSSAPI }", "so everybody could connect"],
    ["kafka: { authorizer.class.name: org.x.Acl }", "then everybody may do everything"],
    ["kafka: { ssl.keystore.location: /k.jks }", "so everybody could connect"],
    ["kafka: { listener.name.x.ssl.keystore.location: /k.jks }", "so everybody could connect"],
    ["kafka: { security.inter.broker.protocol: SSL }", "kafka.security.inter.broker.protocol"],
    ["kafka: { super.users: admin }", "'admin' must be like User:NAME"],
    ["kafka: { log.cleaner.thread: 2 }", "did you mean log.cleaner.threads?"],
    ["kafka: { log.cleaner.threads: some }", "invalid value some for log.cleaner.threads"],
  ])("%j is refused", async (text, message) => {
    await expect(load(text)).rejects.toMatchObject({
      code: "TARPAN_CONFIG",
      message: expect.stringContaining(message),
    });
  });

  test("inter.broker.listener.name has no effect, which is warned of", async () => {
    const { settings } = await kafka("inter.broker.listener.name: PLAINTEXT");
    const warnings = ignoredConfigWarnings(Object.keys(settings.kafkaConfigs));
    expect(warnings).toEqual([expect.stringContaining("inter.broker.listener.name")]);
  });

  test("security configs are accepted if they ask for no security", async () => {
    const { settings } = await kafka(
      "security.inter.broker.protocol: PLAINTEXT",
      'authorizer.class.name: ""',
    );
    expect(ignoredConfigWarnings(Object.keys(settings.kafkaConfigs))).toEqual([]);
  });
});

test("warns of configs without effect, one line per reason", async () => {
  const { settings } = await load(
    "kafka: { log.preallocate: true, num.network.threads: 2, num.io.threads: 8, num.partitions: 2 }",
  );
  expect(ignoredConfigWarnings(Object.keys(settings.kafkaConfigs))).toEqual([
    "no effect: log.preallocate: the broker manages its files in its own way",
    "no effect: num.io.threads, num.network.threads: the broker uses one thread",
  ]);
});

describe("refuses mistakes, in one line that names the position", () => {
  test.each([
    [
      "bind_port: 9092\nbind_prt: 1",
      `broker.yaml:2: unknown key "bind_prt"; did you mean "bind_port"?`,
    ],
    ["bindPort: 1", `broker.yaml:1: unknown key "bindPort"; did you mean "bind_port"?`],
    ["# x\nraft:\n  election_rt: 1", `did you mean "raft.election_rtt"?`],
    ["data_dri:", `broker.yaml:1: unknown key "data_dri"; did you mean "data_dir"?`],
    ["level: info", `unknown key "level"; did you mean "logging.level"?`],
    ["bind_port: 70000", "broker.yaml:1: bind_port: must be 0 to 65535, not 70000"],
    [
      "bind_port: ninety",
      `broker.yaml:1: bind_port: must be a whole number, 0 to 65535, not "ninety"`,
    ],
    [
      "\nflush: sometimes",
      `broker.yaml:2: flush: must be always | interval | never, not "sometimes"`,
    ],
    ["flush_interval: 5s", `broker.yaml:1: flush_interval: needs "flush: interval"`],
    [
      "kafka:\n  num.partitons: 1",
      `broker.yaml:2: kafka.num.partitons: unknown config num.partitons`,
    ],
    ["kafka: { num.partitions: many }", "broker.yaml:1: kafka.num.partitions: invalid value many"],
    ["flush: interval\nflush_interval: 5", "must be a duration such as"],
    ["a: [1", "broker.yaml:1: "],
    ["- 1", "broker.yaml:1: must be a mapping"],
    [
      "node_id: 1\ncluster: { node_id: 2 }",
      "broker.yaml:2: cluster.node_id: given before, at broker.yaml:1",
    ],
  ])("%j", async (text, message) => {
    const error = await load(text).catch((reason: Error) => reason);
    expect(error).toMatchObject({ name: "ConfigError", code: "TARPAN_CONFIG" });
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain("\n");
  });

  test("a bad value in a flag and in the environment", async () => {
    await expect(loadConfig({ flags: { "bind-port": "x" } })).rejects.toThrow(/^--bind-port: must/);
    const environment = { TARPAN_BIND_PORT: "x" };
    await expect(loadConfig({ environment })).rejects.toThrow(/^TARPAN_BIND_PORT: must/);
  });
});

test("warns of misspelt variables, and ignores those of other programs", async () => {
  const { warnings } = await loadConfig({
    environment: {
      TARPAN_BIND_PROT: "1",
      TARPAN_SERVICE_HOST: "10.0.0.1",
      TARPAN_PORT: "tcp://x",
      TARPAN_KAFKA_SERVICE_PORT: "9092",
      TARPAN_KAFKA_PORT_9092_TCP_ADDR: "10.0.0.1",
      TARPAN_DEBUG: "1",
      TARPAN_CONFIG: "broker.yaml",
      TARPAN_CONFG: "broker.yaml",
    },
  });
  expect(warnings).toEqual([
    "TARPAN_BIND_PROT is not known; did you mean TARPAN_BIND_PORT?",
    "TARPAN_CONFG is not known; did you mean TARPAN_CONFIG?",
  ]);
});

test("features that are switched off cause no warning", async () => {
  const off = "deduplication_enabled: false\ndeduplication_ttl: 24\ncompression_enabled: false";
  expect((await load(off)).warnings).toEqual([]);
});
