// Kafka's client.properties.
import { fileURLToPath } from "node:url";
import { nearest } from "@tarpan/protocol/internal/nearest";
import { CommandError } from "../terminal/failures.ts";
import { fileText } from "./files.ts";
import { loginModuleOf } from "./jaas.ts";
import { identityOf, trustedBy } from "./key-stores.ts";
import { MECHANISMS } from "./named-values.ts";
import { PropertiesFile } from "./properties-file.ts";
import type { Credentials, Source } from "./source.ts";
import { tokenOptions, unsecuredToken } from "./tokens.ts";

const PROTOCOLS = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

const OAUTH = {
  endpointUrl: "sasl.oauthbearer.token.endpoint.url",
  clientId: "sasl.oauthbearer.client.credentials.client.id",
  clientSecret: "sasl.oauthbearer.client.credentials.client.secret",
  scope: "sasl.oauthbearer.scope",
  headerUrlEncode: "sasl.oauthbearer.header.urlencode",
};

const KNOWN = [
  ...["bootstrap.servers", "client.id", "request.timeout.ms", "default.api.timeout.ms"],
  ...["security.protocol", "sasl.mechanism", "sasl.jaas.config"],
  ...Object.values(OAUTH),
  // Names classes of Java that do what is done here.
  "sasl.login.callback.handler.class",
  ...["ssl.truststore.location", "ssl.truststore.type", "ssl.truststore.password"],
  ...["ssl.truststore.certificates", "ssl.keystore.location", "ssl.keystore.type"],
  ...["ssl.keystore.password", "ssl.keystore.key", "ssl.keystore.certificate.chain"],
  ...["ssl.key.password", "ssl.endpoint.identification.algorithm"],
];

/** `directory` is where relative paths begin; Kafka's clients begin at the working directory. */
export async function readProperties(
  path: string,
  label: string,
  directory: string,
): Promise<Source> {
  return sourceOf(new PropertiesFile(path, await fileText(path, label), directory));
}

async function sourceOf(properties: PropertiesFile): Promise<Source> {
  const protocol = protocolOf(properties);
  const names = properties.names.filter((name) => KNOWN.includes(name));
  return {
    bootstrap: properties.text("bootstrap.servers"),
    clientId: properties.text("client.id"),
    timeoutMs: timeoutOf(properties),
    tls: protocol?.endsWith("SSL"),
    sasl: protocol?.startsWith("SASL_"),
    ca: await trustedBy(properties),
    identity: await identityOf(properties),
    checkHost: checksHost(properties),
    mechanism: mechanismOf(properties),
    credentials: credentialsOf(properties),
    needs: missingOf(properties),
    onlyForTls: names.filter((name) => name.startsWith("ssl.")).map((n) => properties.label(n)),
    onlyForSasl: names.filter((name) => name.startsWith("sasl.")).map((n) => properties.label(n)),
    warnings: unused(properties),
  };
}

/** Kafka uses PLAINTEXT without it, whatever else is set; here another source may say it. */
function protocolOf(properties: PropertiesFile): string | undefined {
  const protocol = properties.text("security.protocol")?.toUpperCase();
  if (protocol === undefined || PROTOCOLS.includes(protocol)) return protocol;
  throw properties.wrong("security.protocol", `must be one of ${PROTOCOLS.join(", ")}`);
}

/** An operation's time with all its retries; if it is not set, a request's. */
function timeoutOf(properties: PropertiesFile): number | undefined {
  for (const name of ["default.api.timeout.ms", "request.timeout.ms"]) {
    const text = properties.text(name);
    if (text === undefined) continue;
    const isRight = /^[1-9]\d{0,8}$/.test(text);
    if (!isRight) throw properties.wrong(name, "must be a number of milliseconds");
    return Number(text);
  }
  return undefined;
}

function checksHost(properties: PropertiesFile): boolean | undefined {
  const name = "ssl.endpoint.identification.algorithm";
  if (!properties.has(name)) return undefined;
  const algorithm = properties.text(name);
  if (algorithm === undefined || algorithm.toLowerCase() === "https")
    return algorithm !== undefined;
  throw properties.wrong(name, "must be https, or empty");
}

function mechanismOf(properties: PropertiesFile): Source["mechanism"] {
  const name = properties.text("sasl.mechanism");
  const known = MECHANISMS.find((mechanism) => mechanism === name);
  if (name === undefined || known !== undefined) return known;
  throw properties.wrong("sasl.mechanism", `must be one of ${MECHANISMS.join(", ")}, not ${name}`);
}

function credentialsOf(properties: PropertiesFile): Credentials | undefined {
  const config = properties.text("sasl.jaas.config");
  if (config === undefined) return undefined;
  const wrong = (message: string) => properties.wrong("sasl.jaas.config", message);
  const module = loginModuleOf(config);
  // Never quoted: it has a password.
  if (module === null) throw wrong('must be like: CLASS required username="…" password="…";');
  const { name, options } = module;
  if (name === "OAuthBearerLoginModule") return tokenOf(properties, options);
  if (name !== "PlainLoginModule" && name !== "ScramLoginModule") {
    throw wrong(`must name Plain-, Scram- or OAuthBearerLoginModule, not ${name}`);
  }
  const [username, password] = [options.get("username"), options.get("password")];
  if (!username || !password) throw wrong(`has no ${username ? "password" : "username"}`);
  return { username, password, mechanism: name[0] === "P" ? "PLAIN" : "SCRAM-SHA-512" };
}

/** What the file lacks, if it has no credentials. */
function missingOf(properties: PropertiesFile): string {
  // The module is there, and says not where the token comes from.
  if (properties.text("sasl.jaas.config") !== undefined) return properties.label(OAUTH.endpointUrl);
  const label = properties.label("sasl.jaas.config");
  return properties.has("sasl.username")
    ? `${label} (sasl.username and sasl.password are librdkafka's, and are not read)`
    : label;
}

/** Kafka's options of the module count, too, where its configs are not set. */
function tokenOf(
  properties: PropertiesFile,
  options: ReadonlyMap<string, string>,
): Credentials | undefined {
  const subject = options.get("unsecuredLoginStringClaim_sub");
  if (subject !== undefined) return unsecuredToken(subject, Date.now);
  const url = properties.text(OAUTH.endpointUrl);
  const isFile = url?.startsWith("file:") === true;
  const source = {
    file: isFile ? fileURLToPath(url) : undefined,
    endpointUrl: isFile ? undefined : url,
    clientId: properties.text(OAUTH.clientId) ?? options.get("clientId"),
    clientSecret: properties.text(OAUTH.clientSecret) ?? options.get("clientSecret"),
    scope: properties.text(OAUTH.scope) ?? options.get("scope"),
    headerUrlEncode: properties.text(OAUTH.headerUrlEncode) === "true",
  };
  const labels = { ...OAUTH, file: OAUTH.endpointUrl };
  return tokenOptions(
    source,
    labels,
    (message) => new CommandError(`${properties.path}: ${message}`),
  );
}

/** Options of the login modules that count here. Extensions (KIP-342) do not. */
const JAAS_OPTIONS = [
  ...["username", "password", "clientId", "clientSecret", "scope"],
  "unsecuredLoginStringClaim_sub",
];

function unusedOptions(properties: PropertiesFile): string[] {
  const module = loginModuleOf(properties.text("sasl.jaas.config") ?? "");
  const names = [...(module?.options.keys() ?? [])].filter((name) => !JAAS_OPTIONS.includes(name));
  if (names.length === 0) return [];
  return [`${properties.label("sasl.jaas.config")}: this command does not use ${names.join(", ")}`];
}

/** Kafka's clients have these, too, which are as near to those above as if they were misspelt. */
const NOT_MISSPELT = [
  ...["session.timeout.ms", "delivery.timeout.ms", "bootstrap.controllers"],
  ...["sasl.client.callback.handler.class", "security.providers"],
];

/** One line for names that are misspelt, and one for those that commands do not use. */
function unused(properties: PropertiesFile): string[] {
  const warnings: string[] = [];
  const unknown: string[] = [];
  for (const name of properties.names) {
    if (KNOWN.includes(name)) continue;
    const near = NOT_MISSPELT.includes(name) ? null : nearest(name, KNOWN);
    const isClose = near !== null && near.split(".").length === name.split(".").length;
    if (isClose) warnings.push(`${properties.label(name)} is not known; did you mean ${near}?`);
    else unknown.push(name);
  }
  const both = properties.text("default.api.timeout.ms") && properties.text("request.timeout.ms");
  if (both) unknown.push("request.timeout.ms");
  if (unknown.length > 0) {
    warnings.push(`${properties.path}: this command does not use ${unknown.join(", ")}`);
  }
  return [...warnings, ...unusedOptions(properties)];
}
