import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { sources, textOf } from "./repository.ts";
import { syntaxOf } from "./syntax.ts";

const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  cli: ["client", "broker", "protocol", "keystores"],
  client: ["protocol", "codecs", "keystores"],
  broker: ["protocol", "codecs", "keystores"],
  codecs: ["protocol"],
  keystores: [],
  protocol: [],
};

/**
 * The rooms (folders) of each package, uppermost first. A room may import from the rooms in its
 * row, which must be below it. "entrance" is a package's entry files, "top" its other files outside
 * of folders.
 */
const MAY_IMPORT: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  broker: {
    entrance: ["runtime", "nats", "config", "logging", "util", "top"],
    runtime: [
      ...["http", "admin", "handlers", "sasl", "tls", "audit", "server", "groups", "transactions"],
      ...["delayed", "half-messages", "held"],
      ...["cluster", "nats", "fetch"],
      ...["partition", "metadata", "rpc", "log", "quotas", "config", "security", "metrics"],
      ...["logging", "env", "util"],
    ],
    http: ["admin", "audit", "server", "metadata", "security", "metrics"],
    admin: [
      ...[
        "audit",
        "groups",
        "delayed",
        "half-messages",
        "held",
        "rpc",
        "server",
        "cluster",
        "nats",
        "partition",
        "metadata",
        "log",
        "quotas",
        "config",
      ],
      ...["metrics", "util", "top"],
    ],
    handlers: [
      ...["audit", "server", "groups", "transactions", "delayed", "half-messages", "held"],
      ...["coordinator", "fetch"],
      ...["partition", "metadata"],
      ...["state-machine", "log", "config", "security", "quotas", "metrics", "logging"],
      ...["env", "util"],
    ],
    groups: ["coordinator", "partition", "metadata", "config", "logging"],
    transactions: ["coordinator", "metadata", "state-machine", "logging", "env", "util"],
    delayed: ["held", "metadata", "config"],
    "half-messages": ["held", "metadata"],
    held: [
      ...["coordinator", "partition", "metadata", "state-machine", "log", "config", "logging"],
      ...["env", "util"],
    ],
    coordinator: [
      ...["partition", "metadata", "state-machine", "config", "logging", "env", "util"],
    ],
    cluster: [
      ...["rpc", "nats", "partition", "metadata", "state-machine", "log", "config", "logging"],
      ...["env", "util"],
    ],
    fetch: ["partition", "env", "util"],
    partition: ["metadata", "log", "config", "logging", "env", "util"],
    metadata: ["rpc", "state-machine", "log", "config", "security", "quotas", "env", "util"],
    "state-machine": ["log", "util"],
    rpc: ["logging", "env"],
    log: ["config", "metrics", "env", "util"],
    nats: ["discovery", "config", "logging", "env", "util"],
    sasl: ["server", "config", "security", "logging", "env"],
    tls: ["server", "config", "security", "logging", "env", "util"],
    server: ["quotas", "config", "security", "logging", "env", "util"],
    audit: ["security", "logging", "env"],
    quotas: ["config", "security", "env"],
    discovery: ["config", "logging", "env", "util"],
    config: ["logging", "util"],
    top: [],
    security: [],
    metrics: [],
    logging: ["env"],
    util: ["env"],
    env: [],
  },
  cli: {
    entrance: ["program"],
    program: ["commands", "args", "terminal"],
    commands: [
      ...["cluster", "config", "completion", "connection", "certificates", "records", "logging"],
      ...["args"],
      ...["terminal"],
    ],
    cluster: [
      ...["config", "connection", "certificates", "records", "logging", "args", "terminal"],
    ],
    config: ["args", "terminal"],
    connection: ["args", "terminal"],
    completion: ["args"],
    certificates: [],
    records: ["args", "terminal"],
    logging: ["terminal"],
    args: ["terminal"],
    terminal: [],
  },
  client: {
    entrance: [
      ...["dead-letters", "check-back", "transactions", "group", "runner", "admin", "consumer"],
      ...["producer", "connection", "top"],
    ],
    "dead-letters": [
      ...["transactions", "runner", "admin", "consumer", "connection", "checks", "top"],
    ],
    "check-back": ["group", "runner", "producer", "connection", "checks", "top"],
    transactions: ["group", "admin", "producer", "connection", "checks", "top"],
    group: ["runner", "admin", "consumer", "connection", "checks", "top"],
    runner: ["admin", "producer", "connection", "checks", "top"],
    admin: ["connection", "checks", "top"],
    consumer: ["connection", "checks", "top"],
    producer: ["connection", "checks", "top"],
    connection: ["checks", "top"],
    checks: ["top"],
    top: [],
  },
  protocol: {
    entrance: [
      ...["messages", "metadata-records", "group-records", "transaction-records"],
      ...["consumer-protocol", "records", "top"],
    ],
    messages: ["top"],
    "metadata-records": ["top"],
    "group-records": ["top"],
    "transaction-records": ["top"],
    "consumer-protocol": ["top"],
    records: [],
    top: [],
  },
  codecs: { entrance: ["top"], top: [] },
  keystores: { entrance: ["top"], top: [] },
};

interface Import {
  readonly from: string;
  readonly to: string;
}

const byFile = new Map(
  sources
    .filter((path) => /^packages\/\w+\/src\//.test(path))
    .map((path) => [path, [...new Set(syntaxOf(textOf.get(path)!).specifiers)]] as const),
);
/** All imports between files of one package, also of types. */
const within: readonly Import[] = [...byFile].flatMap(([from, specifiers]) =>
  specifiers
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => ({ from, to: join(dirname(from), specifier) })),
);

const packageOf = (path: string) => path.split("/")[1]!;
/** The room of a file, such as `handlers`. */
function roomOf(path: string): string {
  const parts = path.split("/").slice(3);
  if (parts.length > 1) return parts[0]!;
  return /^(index|main|command-line)\./.test(parts[0]!) ? "entrance" : "top";
}

describe("imports", () => {
  it("follow the arrows between packages", () => {
    const wrong = [...byFile].flatMap(([path, specifiers]) =>
      specifiers
        .filter((specifier) => /^(@tarpan\/|tarpan$|\.)/.test(specifier))
        .filter((specifier) => {
          const own = packageOf(path);
          if (specifier.startsWith(".")) {
            return packageOf(join(dirname(path), specifier)) !== own;
          }
          return !PACKAGES[own]!.includes(specifier.split("/")[1] ?? "cli");
        })
        .map((specifier) => `${path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it("leave the protocol without any dependency", () => {
    const wrong = [...byFile].filter(
      ([path, specifiers]) =>
        packageOf(path) === "protocol" && specifiers.some((one) => !one.startsWith(".")),
    );
    expect(wrong).toEqual([]);
  });

  it("name existing files", () => {
    expect(within.filter(({ to }) => !textOf.has(to))).toEqual([]);
  });

  for (const [own, table] of Object.entries(MAY_IMPORT)) {
    const arrows = within
      .filter(({ from }) => packageOf(from) === own)
      .map((one) => ({ ...one, room: roomOf(one.from), below: roomOf(one.to) }))
      .filter(({ room, below }) => room !== below);

    it(`follow the arrows between the rooms of ${own}`, () => {
      const wrong = arrows
        .filter(({ room, below }) => !(table[room] ?? []).includes(below))
        .map(({ from, to }) => `${from} imports ${to}`);
      expect(wrong).toEqual([]);
    });

    it(`has only arrows that are used and point down in ${own}`, () => {
      const rooms = Object.keys(table);
      const wrong = Object.entries(table).flatMap(([room, belows]) =>
        belows
          .filter((below) => {
            const isUsed = arrows.some((one) => one.room === room && one.below === below);
            return !isUsed || rooms.indexOf(below) <= rooms.indexOf(room);
          })
          .map((below) => `${room} → ${below}`),
      );
      expect(wrong).toEqual([]);
    });
  }

  it("have no circles between files", () => {
    expect(circlesOf(within)).toEqual([]);
  });

  it("name a log engine only where the engine is chosen", () => {
    const engine = /^packages\/broker\/src\/log\/(memory|segment|jetstream)\b/;
    const chosen = new RegExp(
      "^packages/broker/src/" +
        "(log/|runtime/(local-storage|cluster-storage|cluster-servers|nats-servers)\\.ts$)",
    );
    expect(within.filter(({ from, to }) => engine.test(to) && !chosen.test(from))).toEqual([]);
  });

  it("leave the errors of logs to those who own logs", () => {
    const owners = /^packages\/broker\/src\/(log|partition|state-machine|metadata|cluster)\//;
    const wrong = within.filter(({ from, to }) => {
      return to.endsWith("/src/log/log-error.ts") && !owners.test(from);
    });
    expect(wrong).toEqual([]);
  });

  it("go down in the room of the groups: operations, migration, model", () => {
    const floors = ["operations", "migration", "model"];
    const floorOf = (path: string) =>
      floors.findIndex((floor) => path.startsWith(`packages/broker/src/groups/${floor}/`));
    const wrong = within.filter(({ from, to }) => floorOf(to) >= 0 && floorOf(from) > floorOf(to));
    expect(wrong).toEqual([]);
  });
});

/** Groups of two or more files that import each other (Tarjan's strongly connected components). */
function circlesOf(imports: readonly Import[]): string[][] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of imports) targets.set(from, [...(targets.get(from) ?? []), to]);
  const numbers = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): number => {
    numbers.set(file, numbers.size);
    lowest.set(file, numbers.get(file)!);
    open.push(file);
    for (const to of targets.get(file) ?? []) {
      if (!numbers.has(to)) visit(to);
      if (open.includes(to)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(to)!));
    }
    if (lowest.get(file) === numbers.get(file)) {
      const circle = open.splice(open.indexOf(file));
      if (circle.length > 1) circles.push(circle);
    }
    return lowest.get(file)!;
  };
  for (const { from } of imports) if (!numbers.has(from)) visit(from);
  return circles;
}
