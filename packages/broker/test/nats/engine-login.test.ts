import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nkeys } from "@nats-io/nats-core";
import { describe, expect, it } from "vitest";
import { natsServer, startNatsServer } from "../../../../test/harness/nats-server.ts";
import { temporaryDirectory } from "../../../../test/harness/temp.ts";
import type { ClusterSettings, ExternalEngine } from "../../src/config/settings.ts";
import { engineTls } from "../../src/nats/engine-tls.ts";
import { Secret } from "../../src/util/secret.ts";
import { TestAuthority } from "../tls/certificates.ts";
import { eventually, start } from "./own-engine.ts";

function external(url: string, more: Partial<ExternalEngine> = {}): ClusterSettings {
  return {
    engine: { kind: "external", urls: new Secret([url]), ...more },
    discovery: { type: "static", peers: [] },
    followerRead: false,
    allowOldEngine: natsServer.old,
  };
}

async function file(text: string, name = "credentials"): Promise<string> {
  const path = join(await temporaryDirectory(), name);
  await writeFile(path, text);
  return path;
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const publicKey = (pair: ReturnType<typeof nkeys.createUser>) => pair.getPublicKey();

/** A JWT of NATS's, without what its own tools add. */
function jwt(issuer: ReturnType<typeof nkeys.createUser>, subject: string, nats: object): string {
  const head = encoded({ typ: "JWT", alg: "ed25519-nkey" });
  const claims = { jti: "test", iat: 1_700_000_000, iss: publicKey(issuer), sub: subject, nats };
  const signed = `${head}.${encoded({ name: "test", ...claims })}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString("base64url")}`;
}

describe("external NATS servers take", () => {
  natsServer.it("the password in a file, or a token", async () => {
    const user = `authorization { user: tarpan, password: "s3cr3t-one" }`;
    const { process } = await startNatsServer({ config: user });
    const url = `nats://tarpan@127.0.0.1:${process.port}`;
    const credentialsFile = await file("s3cr3t-one\n");
    const { engine, log } = await start(external(url, { credentialsFile }));
    expect(engine.nc.getServer()).toBe(`127.0.0.1:${process.port}`);
    await expect(start(external(url, { credentialsFile: await file("no") }))).rejects.toThrow(
      /refuses the broker .*: check its credentials$/,
    );
    await expect(start(external(url, { credentialsFile: "/no/such" }))).rejects.toMatchObject({
      code: "TARPAN_CLUSTER_CREDENTIALS",
      message: "credentials between brokers: there is no file /no/such",
    });
    expect(log.lines.join("\n")).not.toContain("s3cr3t");

    const open = await startNatsServer({ config: `authorization { token: "s3cr3t-token" }` });
    const at = `nats://127.0.0.1:${open.process.port}`;
    await start(external(at, { credentialsFile: await file("s3cr3t-token") }));
  });

  natsServer.it("an nkey", async () => {
    const pair = nkeys.createUser();
    const { process } = await startNatsServer({
      config: `authorization { users: [{ nkey: ${publicKey(pair)} }] }`,
    });
    const credentialsFile = await file(new TextDecoder().decode(pair.getSeed()));
    await start(external(`127.0.0.1:${process.port}`, { credentialsFile }));
    const other = await file(new TextDecoder().decode(nkeys.createUser().getSeed()));
    await expect(
      start(external(`127.0.0.1:${process.port}`, { credentialsFile: other })),
    ).rejects.toMatchObject({ code: "TARPAN_ENGINE_REFUSED" });
  });

  natsServer.it("a .creds file", async () => {
    const operator = nkeys.createOperator();
    const [account, system] = [nkeys.createAccount(), nkeys.createAccount()];
    const user = nkeys.createUser();
    const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, conn: -1 };
    const jetStream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
    const accountJwt = jwt(operator, publicKey(account), {
      ...{ type: "account", version: 2 },
      limits: { ...limits, ...jetStream, wildcards: true, leaf: -1 },
    });
    const systemJwt = jwt(operator, publicKey(system), { type: "account", version: 2, limits });
    const userJwt = jwt(account, publicKey(user), {
      ...{ type: "user", version: 2, subs: -1, data: -1, payload: -1 },
      ...{ pub: {}, sub: {} },
    });
    const operatorJwt = jwt(operator, publicKey(operator), { type: "operator", version: 2 });
    const { process } = await startNatsServer({
      config: `operator: ${operatorJwt}
resolver: MEMORY
system_account: ${publicKey(system)}
resolver_preload: { ${publicKey(account)}: ${accountJwt}, ${publicKey(system)}: ${systemJwt} }`,
    });
    const credentialsFile = await file(`-----BEGIN NATS USER JWT-----
${userJwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${new TextDecoder().decode(user.getSeed())}
------END USER NKEY SEED------
`);
    await start(external(`127.0.0.1:${process.port}`, { credentialsFile }));
  });

  natsServer.it("TLS, with a certificate if they ask for one", async () => {
    const authority = new TestAuthority();
    const pair = async (name: string) => {
      const { certificate, key } = authority.issue(name, { hosts: ["127.0.0.1"] });
      return { certFile: await file(certificate, "crt"), keyFile: await file(key, "key") };
    };
    const caFile = await file(authority.certificate);
    const own = await pair("nats");
    const { process } = await startNatsServer({
      config: `tls { cert_file: "${own.certFile}", key_file: "${own.keyFile}", ca_file: "${caFile}"
  verify: true }`,
    });
    const url = `tls://127.0.0.1:${process.port}`;
    const { engine } = await start(external(url, { tls: { caFile, ...(await pair("broker")) } }));
    await process.kill9();
    await eventually("the connection is lost", () => engine.problem !== null);
    await process.start();
    await eventually("there is another one", () => engine.problem === null);
  });
});

it("a certificate must be for an address of the configuration", () => {
  const check = engineTls({}, ["nats://10.0.0.1:4222", "nats://[::1]:4222"])!.checkServerIdentity;
  const certificate = (subjectaltname: string) => ({ subject: {}, subjectaltname }) as never;
  expect(check("localhost", certificate("IP Address:10.0.0.1"))).toBeUndefined();
  expect(check("localhost", certificate("IP Address:0:0:0:0:0:0:0:1"))).toBeUndefined();
  expect(check("localhost", certificate("DNS:localhost"))).toBeInstanceOf(Error);
  expect(check("nats.example.com", certificate("IP Address:10.0.0.1"))).toBeInstanceOf(Error);
  expect(check("nats.example.com", certificate("DNS:nats.example.com"))).toBeUndefined();
  expect(engineTls(undefined, ["nats://10.0.0.1:4222"])).toBeNull();
});
