// What `tarpan broker` prints when it is ready.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type LoadedConfig,
  listenersOf,
  nodeText,
  type RunningBroker,
} from "@tarpan/broker/internal/command-line";

type Settings = LoadedConfig["settings"];
type Listener = ReturnType<typeof listenersOf>[number];

export function readyLines(
  { bootstrap, port, nodeId }: Pick<RunningBroker, "bootstrap" | "port" | "nodeId">,
  settings: Settings,
): string {
  const listener = listenersOf(settings)[0]!;
  const isOpen = listener.tls === null && listener.sasl === null;
  const reached = listener.tls === null ? bootstrap : nameOf(listener, { bootstrap, port });
  const at = [
    ...(reached.endsWith(":9092") ? [] : [`--bootstrap ${reached}`]),
    ...tlsOptions(listener),
    ...saslOptions(listener, settings),
  ];
  const how = at.map((option) => `${option} `).join("");
  const kcat = isOpen ? `     or: kcat -b ${bootstrap} -L` : "";
  return `tarpan broker ${nodeText(nodeId, settings.nodeName)} is ready on ${bootstrap} (${whereKept(settings)})
try: npx tarpan produce ${how}--topic test --message Hello
     npx tarpan consume ${how}--topic test --offset earliest${kcat}
`;
}

/** A name that the certificate may have, and at which the broker can be reached. */
function nameOf(
  { advertised, host }: Listener,
  { bootstrap, port }: Pick<RunningBroker, "bootstrap" | "port">,
): string {
  if (advertised !== null) return `${advertised.host}:${advertised.port}`;
  return ["0.0.0.0", "::"].includes(host) ? `localhost:${port}` : bootstrap;
}

function tlsOptions({ tls }: Listener): string[] {
  if (tls === null) return [];
  const own = tls.clientAuth === "required" ? ["--tls-cert FILE --tls-key FILE"] : [];
  const { keystore } = tls;
  // Where `tarpan certificate create` leaves it.
  const beside = "path" in keystore ? join(dirname(keystore.path), "ca.crt") : null;
  const known = beside !== null && existsSync(beside);
  return [`--tls-ca ${known ? beside : "FILE"}`, ...own];
}

function saslOptions({ sasl }: Listener, { initialAdmin }: Settings): string[] {
  if (sasl === null) return [];
  const { name = "NAME", password = null } = initialAdmin ?? {};
  const file = password !== null && "file" in password ? password.file : "FILE";
  const user = `--sasl-username ${name} --sasl-password-file ${file}`;
  const { mechanisms } = sasl;
  if (mechanisms.includes("SCRAM-SHA-512")) return [user];
  const first = mechanisms.find((one) => one !== "PLAIN") ?? "PLAIN";
  return [user, `--sasl-mechanism ${first}`];
}

function whereKept({ storage, flush, dataDirectory, cluster }: Settings): string {
  if (storage === "memory") return "memory engine: no data survives a stop";
  const interval = flush.mode === "interval" ? ` every ${flush.intervalMs} ms` : "";
  const kept = `data in ${dataDirectory}, ${storage} engine, flush ${flush.mode}${interval}`;
  return cluster?.engine.kind === "external" ? "data in the NATS servers of engine_url" : kept;
}
