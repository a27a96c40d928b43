// Apache Kafka as KRaft nodes, from a directory with Kafka's jars in `libs`, as in its binary
// distribution. The JVM flags are those of Kafka's start script.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ClusterNode } from "./cluster.ts";
import { freePort, ServerProcess } from "./process.ts";
import type { Configs, Flush, SecondListener, Target } from "./target.ts";

const CLUSTER_ID = "dGFycGFuLWJlbmNoLTAwMQ";
const JVM_FLAGS = ["-Xms1G", "-Xmx1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"];
JVM_FLAGS.push("-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent");

interface Node {
  readonly id: number;
  readonly directory: string;
  readonly port: number;
  readonly controllerPort: number;
}

export function kafka(kafkaDirectory: string): Target {
  const classPath = join(kafkaDirectory, "libs", "*");
  const start = (port: number, properties: string) =>
    new ServerProcess(port, "java", [...JVM_FLAGS, "-cp", classPath, "kafka.Kafka", properties]);

  return {
    name: "kafka",

    async prepare(directory) {
      const node = await nodeIn(directory, 1);
      await format(classPath, await writeProperties(node, [node], "never"));
    },

    async start(directory, flush, configs, second) {
      const node = await nodeIn(directory, 1);
      return start(node.port, await writeProperties(node, [node], flush, configs, second));
    },

    async startCluster(directory, flush, brokers) {
      const nodes: Node[] = [];
      for (let id = 1; id <= brokers; id++) {
        const own = join(directory, String(id));
        await mkdir(own, { recursive: true });
        nodes.push(await nodeIn(own, id));
      }
      const started: ClusterNode[] = [];
      for (const node of nodes) {
        const properties = await writeProperties(node, nodes, flush);
        await format(classPath, properties);
        started.push(
          new ClusterNode({
            id: node.id,
            start: () => start(node.port, properties),
            killEngine: null,
          }),
        );
      }
      return started;
    },
  };
}

async function nodeIn(directory: string, id: number): Promise<Node> {
  return { id, directory, port: await freePort(), controllerPort: await freePort() };
}

async function format(classPath: string, properties: string): Promise<void> {
  const tool = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", properties];
  const child = spawn("java", ["-cp", classPath, ...tool], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`Kafka's storage tool ended with ${code}:\n${errors}`);
}

/** `nodes`: all nodes of the cluster, each of them broker and controller. */
async function writeProperties(
  node: Node,
  nodes: readonly Node[],
  flush: Flush,
  configs: Configs = {},
  second?: SecondListener,
): Promise<string> {
  const voters = nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`);
  const copies = Math.min(nodes.length, 3);
  const listeners = [`PLAINTEXT://127.0.0.1:${node.port}`];
  if (second !== undefined) listeners.push(`${second.protocol}://127.0.0.1:${second.port}`);
  const lines = [
    "process.roles=broker,controller",
    `node.id=${node.id}`,
    `controller.quorum.voters=${voters.join(",")}`,
    `listeners=${listeners.join(",")},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    `advertised.listeners=${listeners.join(",")}`,
    "controller.listener.names=CONTROLLER",
    `log.dirs=${join(node.directory, "logs")}`,
    `offsets.topic.replication.factor=${copies}`,
    `transaction.state.log.replication.factor=${copies}`,
    `transaction.state.log.min.isr=${Math.min(copies, 2)}`,
    `min.insync.replicas=${Math.min(copies, 2)}`,
  ];
  if (flush === "always") lines.push("log.flush.interval.messages=1");
  for (const [name, value] of Object.entries(configs)) lines.push(`${name}=${value}`);
  const path = join(node.directory, "server.properties");
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}
