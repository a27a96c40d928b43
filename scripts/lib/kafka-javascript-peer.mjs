// @confluentinc/kafka-javascript, librdkafka for Node. Its install script would download a binary,
// so we build it from the librdkafka sources in its package.

import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { findProgram } from "./programs.mjs";
import { StepFailed, step } from "./steps.mjs";

const NAME = "@confluentinc/kafka-javascript";
const PINNED = "1.10.1";
const TOOLS = ["make", "gcc", "g++", "python3"];

/** `home` is the folder where it is kept. */
export async function kafkaJavascriptPeer(home) {
  const target = join(home, "kafka-javascript");
  const peer = { path: process.execPath, modules: join(target, "node_modules") };
  const stampPath = join(target, "stamp");
  // The built addon works only with one version of Node.
  const stamp = `${PINNED} ${process.versions.modules}`;
  if (existsSync(stampPath) && readFileSync(stampPath, "utf8") === stamp) return peer;
  const headers = [process.env.npm_config_nodedir, dirname(dirname(process.execPath))].find(
    (directory) => directory && existsSync(join(directory, "include/node/node.h")),
  );
  const npm = process.env.npm_execpath ?? npmHere();
  const gyp = npm && join(dirname(npm), "../node_modules/node-gyp/bin/node-gyp.js");
  const absent = TOOLS.filter((program) => !findProgram(program));
  if (!headers) absent.push("headers of Node");
  if (!gyp || !existsSync(gyp)) absent.push("node-gyp beside npm");
  if (absent.length > 0) return missing(`no ${absent.join(", ")} on this machine`);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  try {
    await download(target, npm);
    await build(join(target, "node_modules", NAME), gyp, headers);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    const lines = error.message.split("\n");
    return missing([lines[0], ...lines.slice(1).slice(-3)].join("\n"));
  }
  writeFileSync(stampPath, stamp);
  return peer;
}

const missing = (reason) => ({ missing: reason, required: false });

function npmHere() {
  const npm = findProgram("npm");
  return npm && realpathSync(npm);
}

async function download(target, npm) {
  writeFileSync(join(target, "package.json"), '{ "private": true }\n');
  const args = ["install", "--prefix", target, "--ignore-scripts", "--no-audit", "--no-fund"];
  const env = { ...process.env, npm_config_workspaces: "false" };
  const title = `Downloading ${NAME}`;
  await step(title, process.execPath, [npm, ...args, `${NAME}@${PINNED}`], { env });
}

/** Without optimisation the build takes half the time; the tests only check what it sends. */
async function build(source, gyp, headers) {
  const jobs = availableParallelism();
  const script = `
    cd '${source}'
    gyp() { '${process.execPath}' '${gyp}' "$@" --debug --nodedir='${headers}'; }
    gyp configure
    ./configure --disable-optimization
    make -j ${jobs} -C deps/librdkafka libs install-subdirs
    gyp build -j ${jobs}
    rm -rf deps/librdkafka build/Debug/obj.target`;
  const env = { ...process.env, CKJS_LINKING: "dynamic" };
  await step(`Building ${NAME} ${PINNED}`, "sh", ["-e", "-c", script], { env });
}
