// Apache Kafka as one KRaft node, from a directory with its jars in `libs`, as its binary
// distribution has them. The JVM flags are those of its own start script.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, ServerProcess } from "./process.ts";
import type { Configs, Flush, Target } from "./target.ts";

const CLUSTER_ID = "dGFycGFuLWJlbmNoLTAwMQ";
const JVM_FLAGS = ["-Xms1G", "-Xmx1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"];
JVM_FLAGS.push("-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent");

export function kafka(kafkaDirectory: string): Target {
  const classPath = join(kafkaDirectory, "libs", "*");
  return {
    name: "kafka",

    async prepare(directory) {
      const properties = await writeProperties(directory, "never", await freePort());
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
    },

    async start(directory, flush, configs) {
      const port = await freePort();
      const properties = await writeProperties(directory, flush, port, configs);
      return new ServerProcess(port, "java", [
        ...JVM_FLAGS,
        "-cp",
        classPath,
        "kafka.Kafka",
        properties,
      ]);
    },
  };
}

async function writeProperties(
  directory: string,
  flush: Flush,
  port: number,
  configs: Configs = {},
): Promise<string> {
  const controllerPort = await freePort();
  const lines = [
    "process.roles=broker,controller",
    "node.id=1",
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    "controller.listener.names=CONTROLLER",
    `log.dirs=${join(directory, "logs")}`,
    "offsets.topic.replication.factor=1",
    "transaction.state.log.replication.factor=1",
    "transaction.state.log.min.isr=1",
  ];
  if (flush === "always") lines.push("log.flush.interval.messages=1");
  for (const [name, value] of Object.entries(configs)) lines.push(`${name}=${value}`);
  const path = join(directory, "server.properties");
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}
