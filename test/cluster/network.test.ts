import { afterEach, expect, test, vi } from "vitest";
import { ClusterNetwork } from "../harness/cluster-network.ts";

afterEach(() => vi.unstubAllEnvs());

test("a machine that can't have networks of hosts says why, and the tests of them are skipped", async () => {
  vi.stubEnv("PATH", "/nowhere");
  expect(await ClusterNetwork.create()).toMatch(
    /^network namespaces take (root|the command ip: in)/,
  );
});
