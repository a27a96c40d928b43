// Installs the clients for the interop tests and the servers for clusters. Writes .peers/peers.json
// for the tests: each peer's path, or why it is missing and whether CI may run without it. Existing
// peers are kept, so a second run is fast.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { kafkaJavascriptPeer } from "./lib/kafka-javascript-peer.mjs";
import { natsServerPeer } from "./lib/nats-server-peer.mjs";
import { canInstallPackages, findProgram, installPackages } from "./lib/programs.mjs";
import { exitOnFailure, root, run, StepFailed, step } from "./lib/steps.mjs";

const home = join(root, ".peers");
const sources = join(root, "test/peers");
const DEBIAN_PYTHON = "/usr/bin/python3";

export async function preparePeers({ isChaos = false } = {}) {
  mkdirSync(home, { recursive: true });
  const debian = await debianPeers();
  const peers = {
    ...debian,
    "confluent-kafka-python-2": await attempt(newConfluentPeer),
    "kafka-javascript": await attempt(() => kafkaJavascriptPeer(home)),
    java: await attempt(javaPeer),
    "java-applications": isChaos
      ? await attempt(javaApplications)
      : missing("only npm run chaos installs it", false),
    "franz-go": await attempt(goPeer),
    "nats-server": await attempt(() => natsServerPeer(home)),
  };
  writeFileSync(join(home, "peers.json"), `${JSON.stringify(peers, null, 2)}\n`);
  for (const [name, { missing }] of Object.entries(peers)) {
    if (missing) console.error(`Peer ${name} is missing: ${missing}`);
  }
}

const missing = (reason, required) => ({ missing: reason, required });

async function attempt(prepare) {
  try {
    return await prepare();
  } catch (error) {
    if (error instanceof StepFailed) return missing(error.message, true);
    throw error;
  }
}

// ---- kcat, the two Python clients and etcd, from Debian's packages ----

const DEBIAN_PEERS = {
  kcat: { packages: ["kcat"], path: () => findProgram("kcat") ?? findProgram("kafkacat") },
  "kafka-python": {
    // Without the last three packages it has only gzip.
    packages: ["python3-kafka", "python3-snappy", "python3-lz4", "python3-zstandard"],
    path: () => pythonWith("kafka, snappy, lz4.frame, zstandard"),
  },
  "confluent-kafka-python": {
    packages: ["python3-confluent-kafka"],
    path: () => pythonWith("confluent_kafka"),
  },
  etcd: { packages: ["etcd-server"], path: () => findProgram("etcd") },
  // For the hosts of test/harness/cluster-network.ts.
  ip: { packages: ["iproute2"], path: () => findProgram("ip") },
};

async function debianPeers() {
  const found = await findDebianPeers();
  const absent = Object.keys(found).filter((name) => !found[name]);
  let reason = "not installed: installing it needs apt-get and root";
  if (absent.length > 0 && canInstallPackages()) {
    reason = "Debian has no package of it for this machine";
    try {
      await installPackages(absent.flatMap((name) => DEBIAN_PEERS[name].packages));
    } catch (error) {
      reason = error.message;
    }
    Object.assign(found, await findDebianPeers());
  }
  return Object.fromEntries(
    Object.entries(found).map(([name, path]) => [name, path ? { path } : missing(reason, true)]),
  );
}

async function findDebianPeers() {
  const found = {};
  for (const [name, { path }] of Object.entries(DEBIAN_PEERS)) found[name] = await path();
  return found;
}

async function pythonWith(modules) {
  for (const python of [DEBIAN_PYTHON, findProgram("python3")]) {
    if (!python || !existsSync(python)) continue;
    const imported = run(python, ["-c", `import ${modules}`]).then(
      () => true,
      () => false,
    );
    if (await imported) return python;
  }
  return null;
}

// ---- a current librdkafka: Debian's is older than KIP-848 ----

const NEW_CONFLUENT = "confluent-kafka==2.16.1";

async function newConfluentPeer() {
  const python = findProgram("python3");
  if (!python) return missing("no python3 on this machine", false);
  const target = join(home, "confluent-kafka-python-2");
  const peer = { path: python, modules: target };
  if (existsSync(join(target, "confluent_kafka"))) return peer;
  const args = ["-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:"];
  try {
    await step("Installing confluent-kafka for Python", python, [
      ...args,
      "--disable-pip-version-check",
      "--target",
      target,
      NEW_CONFLUENT,
    ]);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    rmSync(target, { recursive: true, force: true });
    return missing("pip is missing, or has no such package for this machine", false);
  }
  return peer;
}

// ---- the Java client, and Kafka's own tools ----

const javaPeer = () => javaPrograms("java", ["Peer.java", "Member.java"]);

async function javaPrograms(name, files) {
  const absent = ["java", "javac", "mvn"].filter((program) => !findProgram(program));
  if (absent.length > 0) return missing(`no ${absent.join(", ")} on this machine`, false);
  const source = join(sources, name);
  return cached(name, source, async (target) => {
    const libraries = join(target, "lib");
    const pom = ["-f", join(source, "pom.xml"), `-DoutputDirectory=${libraries}`];
    await step(`Downloading the libraries of test/peers/${name}`, "mvn", [
      "-q",
      "-B",
      ...pom,
      "dependency:copy-dependencies",
    ]);
    const classPath = `${libraries}/*`;
    await step(`Compiling test/peers/${name}`, "javac", [
      "-d",
      join(target, "classes"),
      "-cp",
      classPath,
      ...files.map((file) => join(source, file)),
    ]);
    return { path: findProgram("java"), classPath: `${join(target, "classes")}:${classPath}` };
  });
}

// ---- Kafka Streams and Kafka Connect ----

/** `npm run chaos` alone needs their 100 MB. */
const javaApplications = () => javaPrograms("java-applications", ["Latest.java", "WordCount.java"]);

// ---- franz-go ----

async function goPeer() {
  const go = findProgram("go") ?? ["/usr/local/go/bin/go"].find(existsSync);
  if (!go) return missing("no go on this machine", false);
  const source = join(sources, "franz-go");
  return cached("franz-go", source, async (target) => {
    const path = join(target, "peer");
    await step("Building the franz-go peer", go, ["build", "-C", source, "-o", path, "."], {
      env: { ...process.env, GOFLAGS: "-mod=readonly -buildvcs=false" },
    });
    return { path };
  });
}

/** Runs `make`, and keeps its result until a file in `source` changes. */
async function cached(name, source, make) {
  const hash = createHash("sha256");
  for (const file of readdirSync(source).sort()) hash.update(readFileSync(join(source, file)));
  const stamp = hash.digest("hex");
  const target = join(home, name);
  const stampPath = join(target, "stamp.json");
  if (existsSync(stampPath)) {
    const kept = JSON.parse(readFileSync(stampPath, "utf8"));
    if (kept.stamp === stamp && existsSync(kept.peer.path)) return kept.peer;
  }
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const peer = await make(target);
  writeFileSync(stampPath, JSON.stringify({ stamp, peer }));
  return peer;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await exitOnFailure(() => preparePeers());
}
