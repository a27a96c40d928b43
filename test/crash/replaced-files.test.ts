import { cp, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { atFileEnd } from "../harness/file-end.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { consumerHeartbeat, coordinatorReady } from "../harness/raw-group.ts";
import { temporaryDirectory } from "../harness/temp.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

it("serves after its version's files, and the packages that it needs, were removed", async () => {
  const home = await temporaryDirectory();
  const bundle = join(home, "dist/bundle");
  await cp(join(root, "packages/cli/dist/bundle"), bundle, { recursive: true });
  await cp(join(root, "packages/cli/bin"), join(home, "bin"), { recursive: true });
  await writeFile(join(home, "package.json"), '{ "type": "module" }');
  await symlink(join(root, "node_modules"), join(home, "node_modules"));
  const program = join(home, "bin/tarpan.js");
  const env = { TARPAN_LOGGING_LEVEL: "debug" };
  const broker = new BrokerProcess({ program, env });
  atFileEnd(() => broker.kill9());
  await broker.start();
  await rm(join(home, "dist"), { recursive: true });
  const status = async (path: string) => (await fetch(`http://${broker.bootstrap}${path}`)).status;
  for (const path of ["/health", "/ready", "/cluster/status", "/api/v1/groups"])
    expect([path, await status(path)]).toEqual([path, 200]);
  expect(await status("/api/v1/groups/%zz")).toBe(400);
  const loaded = () => expect(broker.output).toContain("loaded what may be needed later");
  await vi.waitFor(loaded, { timeout: 20_000 });
  await rm(join(home, "node_modules"));
  expect(await status("/metrics")).toBe(200);
  expect(await subscribeByRegex(broker.port)).toBe(0);
  expect(await broker.stop()).toBe(0);
});

/** The error code of the heartbeat whose pattern is the broker's first. */
async function subscribeByRegex(port: number): Promise<number> {
  const connection = await RawConnection.open(port);
  await coordinatorReady(connection, "readers");
  const pattern = { subscribedTopicNames: null, subscribedTopicRegex: "orders.*" };
  const { errorCode } = await consumerHeartbeat(connection, "readers", pattern);
  connection.close();
  return errorCode;
}
