import { X509Certificate } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { connect as connectTcp, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { expect } from "vitest";
import { atFileEnd } from "../../../../test/harness/file-end.ts";
import { freePorts } from "../../../../test/harness/free-ports.ts";
import { natsServer } from "../../../../test/harness/nats-server.ts";
import { temporaryDirectory } from "../../../../test/harness/temp.ts";
import type { ClusterSettings, ClusterTls } from "../../src/config/settings.ts";
import { nodeEnv } from "../../src/env/node-env.ts";
import { requestJson } from "../../src/nats/request-json.ts";
import { startEngine } from "../../src/nats/start-engine.ts";
import { TestAuthority } from "../tls/certificates.ts";
import { eventually, managedCluster, recordingLogger, start } from "./own-engine.ts";

const HOST = "127.0.0.1";
const PASSWORD = "s3cr3t-between-brokers";

interface Files extends ClusterTls {
  readonly directory: string;
}

async function filesOf(name: string, maker: TestAuthority, hosts = [HOST]): Promise<Files> {
  const directory = await temporaryDirectory();
  const at = (file: string) => join(directory, file);
  const files = { certFile: at("own.crt"), keyFile: at("own.key"), caFile: at("ca.crt") };
  await write(files, name, maker, hosts);
  return { ...files, directory };
}

async function write(files: ClusterTls, name: string, maker: TestAuthority, hosts = [HOST]) {
  const { certificate, key } = maker.issue(name, { hosts });
  await writeFile(files.keyFile, key);
  await writeFile(files.certFile, certificate);
  await writeFile(files.caFile, maker.certificate);
}

function secured(
  raftPort: number,
  ports: readonly number[],
  more: { tls?: ClusterTls; passwordFile?: string },
): ClusterSettings {
  const peers = ports.map((port) => `${HOST}:${port}`);
  const cluster = managedCluster(raftPort, { type: "static", peers });
  return { ...cluster, engine: { ...cluster.engine, ...more } as ClusterSettings["engine"] };
}

/** Begins TLS at a nats-server's port for routes or, after its greeting, for clients. */
async function handshake(
  port: number,
  kind: "route" | "client",
  tls: Partial<ClusterTls>,
): Promise<TLSSocket> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opened = connectTcp(port, HOST).once("error", reject);
    opened.once(kind === "route" ? "connect" : "data", () => resolve(opened));
  });
  const text = async (path: string | undefined) => path && (await readFile(path));
  const [cert, key] = await Promise.all([text(tls.certFile), text(tls.keyFile)]);
  return new Promise((resolve, reject) => {
    const options = { socket, rejectUnauthorized: false, ...(cert && { cert, key }) };
    const encrypted = connectTls(options as object, () => {});
    encrypted.once("secureConnect", () => resolve(encrypted)).once("error", reject);
  });
}

natsServer.it("brokers with certificates and a password let in nobody else", async () => {
  const maker = new TestAuthority();
  const passwordFile = join(await temporaryDirectory(), "password");
  await writeFile(passwordFile, `${PASSWORD}\n`);
  const ports = await freePorts(5);
  const [fourthPort, fifthPort] = ports.slice(3) as [number, number];
  const three = ports.slice(0, 3);
  const files = await Promise.all(three.map((port) => filesOf(`broker-${port}`, maker)));
  const started = await Promise.all(
    three.map((port, i) => {
      const cluster = secured(port, three, { tls: files[i]!, passwordFile });
      return start(cluster, { nodeId: i + 1 });
    }),
  );
  const [first] = started as [(typeof started)[0]];
  await eventually("all three are in", async () => {
    return (await first.engine.facts()).replicasMax === 3;
  });
  expect(first.log.lines.join("\n")).not.toMatch(/is open|not encrypted/);
  const conf = await readFile(join(first.dataDirectory, "nats/nats-server.conf"), "utf8");
  expect(conf).toContain("verify: true");
  expect(conf).not.toContain(PASSWORD);

  // Wrong servers try for ever, so they are started together, and stopped at the end.
  const stopping = new AbortController();
  const intruder = async (port: number, more: Parameters<typeof secured>[2], nodeId: number) => {
    const logger = recordingLogger();
    const options = { dataDirectory: await temporaryDirectory(), nodeId, env: nodeEnv, logger };
    const { signal } = stopping;
    const flush = { mode: "always" } as const;
    const ended = startEngine(secured(port, [...three, port], more), { ...options, flush, signal });
    const waits = expect(ended).rejects.toThrow("told to stop");
    atFileEnd(async () => stopping.abort(new Error("told to stop")));
    return { logger, waits };
  };
  const strange = await intruder(
    fourthPort,
    { tls: await filesOf("mallory", new TestAuthority()), passwordFile },
    4,
  );
  const nameless = await intruder(fifthPort, { tls: await filesOf("eve", maker) }, 5);
  const said = (lines: readonly string[], form: RegExp) =>
    eventually(String(form), () => lines.some((line) => form.test(line)));
  await said(first.log.lines, /refused a connection with 127.*: its password is wrong or missing/);
  await said(strange.logger.lines, /refuses this broker's certificate|refused a connection with/);
  await said(nameless.logger.lines, /:\d+ refuses this broker's password/);
  await said(
    nameless.logger.lines,
    /^waiting for a majority of the brokers: .*refuses this broker's password/,
  );
  const { security, replicasMax, problems } = await first.engine.facts();
  expect(replicasMax).toBe(3);
  expect(security).toMatchObject({ tls: true, password: true, reloadFailures: 0 });
  expect(security!.refusedByThis).toBeGreaterThan(0);
  expect(problems.join("\n")).toContain("its password is wrong or missing");
  // A broker that is part of its cluster stays ready, whoever knocks.
  expect(first.engine.problem).toBeNull();
  stopping.abort(new Error("told to stop"));
  await Promise.all([strange.waits, nameless.waits]);

  // The port for the broker itself lets in nobody without a certificate, either.
  const clientPort = Number(new URL(first.engine.server!.clientUrl).port);
  const open = await handshake(clientPort, "client", {});
  await new Promise((resolve) => open.once("error", resolve).once("close", resolve));
  await renews();

  /** New certificates of a new authority, while everything runs. */
  async function renews() {
    const next = new TestAuthority();
    const serverId = first.engine.server!.processId;
    const both = `${maker.certificate}${next.certificate}`;
    const allSay = (count: number) =>
      eventually(`new certificates are in use, ${count}`, () =>
        started.every(
          ({ log }) => log.lines.filter((line) => line.includes("new cert")).length === count,
        ),
      );
    await Promise.all(files.map(({ caFile }) => writeFile(caFile, both)));
    await allSay(1);
    await Promise.all(files.map((own, i) => write(own, `broker-${i}`, next)));
    await Promise.all(files.map(({ caFile }) => writeFile(caFile, both)));
    await eventually("the server shows the new certificate", async () => {
      const socket = await handshake(three[0]!, "route", files[0]!);
      const shown = socket.getPeerX509Certificate()!;
      socket.destroy();
      return shown.checkIssued(new X509Certificate(next.certificate));
    });
    // A connection that breaks is made again with them.
    process.kill(started[1]!.engine.server!.processId!, "SIGKILL");
    await eventually("the second server is back", async () => {
      const reply = requestJson(started[1]!.engine.nc, "$JS.API.INFO", {}, 500);
      return reply.then(
        () => started[1]!.engine.server!.restarts === 1,
        () => false,
      );
    });
    expect(first.engine.server).toMatchObject({ processId: serverId, restarts: 0 });

    await writeFile(files[0]!.keyFile, "half a k");
    await eventually("a bad file is told", () => first.engine.problem !== null);
    expect(first.engine.problem).toMatch(/keeps its certificates: .*own.key is no private key/);
    expect((await first.engine.facts()).security!.reloadFailures).toBeGreaterThan(0);
  }
});
