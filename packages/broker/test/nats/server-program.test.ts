import { describe, expect, it } from "vitest";
import { findNatsServer } from "../../src/nats/find-server.ts";
import { resolveNodeId } from "../../src/nats/node-id.ts";
import { serverConfigText } from "../../src/nats/server-config.ts";
import { versionProblem } from "../../src/nats/version.ts";
import { testEnv } from "../env/test-env.ts";

describe("the nats-server to run", () => {
  const machine = (onPath: string | null, output: string) => {
    const env = testEnv();
    const programs = {
      ...env.programs,
      find: async () => onPath,
      run: async () => ({ code: 0, output }),
    };
    return { ...env, programs };
  };

  it("is the given one, else the one on PATH", async () => {
    const env = machine("/bin/nats-server", "nats-server: v2.14.10\n");
    const found = { version: "2.14.10", problem: null };
    const given = { path: "/opt/nats-server", allowOld: false };
    expect(await findNatsServer(env, { allowOld: false })).toEqual({
      ...found,
      path: "/bin/nats-server",
    });
    expect(await findNatsServer(env, given)).toEqual({ ...found, path: "/opt/nats-server" });
  });

  it("must be installed if there is none", async () => {
    await expect(findNatsServer(machine(null, ""), { allowOld: false })).rejects.toMatchObject({
      code: "TARPAN_NATS_SERVER_MISSING",
      message: expect.stringMatching(/none on PATH: install nats-server 2\.14\.10 from/),
    });
    await expect(
      findNatsServer(machine("/bin/x", "GNU x 1"), { allowOld: false }),
    ).rejects.toMatchObject({ code: "TARPAN_NATS_SERVER_MISSING" });
  });

  it.each([
    ["2.14.8", null],
    ["2.14.10", null],
    ["2.15.1", null],
    ["2.15.3", null],
    ["3.0.0", null],
    ["2.15.0", /when a stream is trimmed.*: upgrade to 2\.15\.1 or newer$/],
    ["2.14.7", /when a stream is trimmed.*: upgrade to 2\.14\.10$/],
    ["2.14.4", /when a stream is trimmed/],
    ["2.14.3", /does not fence/],
    ["2.12.8", /does not fence/],
  ])("%s will do", (version, problem) => {
    const said = versionProblem(version, false);
    if (problem === null) expect(said).toBeNull();
    else expect(said).toMatch(problem);
  });

  it.each(["2.12.7", "2.11.17", "2.9.10"])(
    "%s is refused unless the operator allows it",
    (version) => {
      expect(() => versionProblem(version, false)).toThrow(/accept that with --allow-old-engine/);
      expect(versionProblem(version, true)).toMatch(/known to lose/);
    },
  );
});

describe("its configuration", () => {
  const config = {
    nodeId: 7,
    version: "2.14.10",
    directory: '/data of "mine"',
    clientPort: 20_001,
    raftHost: "::1",
    raftPort: 7001,
    peers: ["[::1]:7001", "b:7001"],
    flush: { mode: "interval", intervalMs: 250 },
    users: {
      broker: { user: "broker", password: "one" },
      system: { user: "system", password: "two" },
    },
    tls: null,
    password: null,
  } as const;

  it("names the server, its peers and how it syncs", () => {
    const text = serverConfigText(config);
    expect(text).toContain('server_name: "tarpan-7"');
    expect(text).toContain('server_tags: ["tarpan-broker-7"]');
    expect(text).toContain('listen: "[::1]:7001"');
    expect(text).toContain('"nats-route://b:7001"');
    expect(text).toContain('sync_interval: "250ms"');
    expect(text).toContain('store_dir: "/data of \\"mine\\""');
  });

  it("leaves out fields that an old server does not know", () => {
    const text = serverConfigText({ ...config, version: "2.9.10" });
    expect(text).not.toMatch(/sync_interval|logfile_max_num/);
  });
});

describe("the node id", () => {
  it("is drawn once and kept", async () => {
    const env = testEnv();
    const nodeId = await resolveNodeId("/data", env, null);
    expect(nodeId).toBeGreaterThan(0);
    expect(await resolveNodeId("/data", env, null)).toBe(nodeId);
    expect(await resolveNodeId("/other", env, null)).not.toBe(nodeId);
  });

  it("can't be changed", async () => {
    const env = testEnv();
    expect(await resolveNodeId("/data", env, 3)).toBe(3);
    expect(await resolveNodeId("/data", env, null)).toBe(3);
    await expect(resolveNodeId("/data", env, 4, "four")).rejects.toMatchObject({
      code: "TARPAN_ENGINE_OTHER_NODE",
      message: expect.stringContaining(
        "belongs to node 3, not to node 4 (four): start it with node id 3",
      ),
    });
  });
});
