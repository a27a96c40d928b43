import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { peer } from "./peers.ts";
import { ServerProcess } from "./server-process.ts";
import { temporaryDirectory } from "./temp.ts";

/** `natsServer.it(…)` for tests that need one. */
export const natsServer = peer("nats-server");
export const etcd = peer("etcd");

export interface BareNatsOptions {
  /** Lines for nats-server's configuration, such as `max_payload: 8388608`. */
  readonly config?: string;
  /** Lines for its `jetstream` block. */
  readonly jetStream?: string;
}

export interface BareNatsServer {
  readonly process: ServerProcess;
  readonly url: string;
}

/** One standalone nats-server with JetStream, without a broker. */
export async function startNatsServer(options: BareNatsOptions = {}): Promise<BareNatsServer> {
  const [port] = (await freePorts(1)) as [number];
  const server = await prepare("alone", port, "", options);
  await server.process.start();
  return server;
}

/** Nats-servers that form a JetStream cluster, without a broker. All accept connections. */
export async function startNatsCluster(
  size = 3,
  options: BareNatsOptions = {},
): Promise<readonly BareNatsServer[]> {
  const ports = await freePorts(2 * size);
  const routePorts = ports.slice(size);
  const routes = routePorts.map((port) => `nats-route://127.0.0.1:${port}`).join(", ");
  const servers = await Promise.all(
    routePorts.map((routePort, i) => {
      const cluster = `name: bare, listen: "127.0.0.1:${routePort}", routes: [${routes}]`;
      return prepare(`n${i + 1}`, ports[i]!, `cluster { ${cluster} }`, options);
    }),
  );
  await Promise.all(servers.map((server) => server.process.start()));
  return servers;
}

async function prepare(
  name: string,
  port: number,
  cluster: string,
  { config = "", jetStream = "" }: BareNatsOptions,
): Promise<BareNatsServer> {
  const directory = join(await temporaryDirectory(), name);
  await mkdir(directory);
  const file = join(directory, "nats-server.conf");
  await writeFile(
    file,
    `server_name: ${name}\nlisten: "127.0.0.1:${port}"\n${config}\n${cluster}
jetstream {
  store_dir: "${directory}"
  ${jetStream}
}
`,
  );
  const process = new ServerProcess(natsServer.path, ["-c", file], port);
  return { process, url: `nats://127.0.0.1:${port}` };
}

export interface BareEtcd {
  readonly process: ServerProcess;
  /** `host:port`. */
  readonly endpoint: string;
}

export async function startEtcd(): Promise<BareEtcd> {
  const [port, peerPort] = (await freePorts(2)) as [number, number];
  const url = (at: number) => `http://127.0.0.1:${at}`;
  const process = new ServerProcess(
    etcd.path,
    [
      ...["--data-dir", await temporaryDirectory(), "--log-level", "error"],
      ...["--listen-client-urls", url(port), "--advertise-client-urls", url(port)],
      ...["--listen-peer-urls", url(peerPort), "--initial-advertise-peer-urls", url(peerPort)],
      ...["--initial-cluster", `default=${url(peerPort)}`],
    ],
    port,
  );
  await process.start();
  return { process, endpoint: `127.0.0.1:${port}` };
}
