// A log-in by SCRAM-SHA-256, as RFC 5802 has it. The key of a password is computed once: a client
// that logs in a thousand times a second must not hash for 4,096 iterations each time.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { AlterUserScramCredentials, SaslAuthenticate, SaslHandshake } from "@tarpan/protocol";
import { Connection } from "./connection.ts";

export const SCRAM_MECHANISM = "SCRAM-SHA-256";
const SCRAM_SHA_256 = 1;
const ITERATIONS = 4_096;
const KEY_BYTES = 32;

export interface ScramLogin {
  /** Of the listener with SASL. */
  readonly port: number;
  readonly name: string;
  readonly password: string;
}

const keys = new Map<string, Buffer>();

export async function createScramUser(admin: Connection, login: ScramLogin): Promise<void> {
  const { name, password } = login;
  const salt = randomBytes(16);
  const saltedPassword = pbkdf2Sync(password, salt, ITERATIONS, KEY_BYTES, "sha256");
  const user = { name, mechanism: SCRAM_SHA_256, iterations: ITERATIONS, salt, saltedPassword };
  const request = { deletions: [], upsertions: [user] };
  const { results } = await admin.request(AlterUserScramCredentials, 0, request);
  const [result] = results;
  if (result!.errorCode !== 0) throw new Error(`A user: ${result!.errorMessage}`);
}

/** A new connection that has logged in. */
export async function loggedIn(login: ScramLogin): Promise<Connection> {
  const connection = await Connection.open(login.port);
  const handshake = await connection.request(SaslHandshake, 1, { mechanism: SCRAM_MECHANISM });
  if (handshake.errorCode !== 0) throw new Error(`SaslHandshake: ${handshake.errorCode}`);
  const clientFirst = `n=${login.name},r=${randomBytes(18).toString("base64")}`;
  const serverFirst = await authenticate(connection, `n,,${clientFirst}`);
  const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(serverFirst)!;
  const withoutProof = `c=biws,r=${nonce}`;
  const clientKey = clientKeyOf(login.password, salt!, Number(iterations));
  const storedKey = createHash("sha256").update(clientKey).digest();
  const proof = hmac(storedKey, `${clientFirst},${serverFirst},${withoutProof}`);
  for (let i = 0; i < proof.length; i++) proof[i]! ^= clientKey[i]!;
  await authenticate(connection, `${withoutProof},p=${proof.toString("base64")}`);
  return connection;
}

async function authenticate(connection: Connection, message: string): Promise<string> {
  const request = { authBytes: Buffer.from(message) };
  const answer = await connection.request(SaslAuthenticate, 2, request);
  if (answer.errorCode !== 0) throw new Error(`SaslAuthenticate: ${answer.errorMessage}`);
  return Buffer.from(answer.authBytes).toString();
}

function clientKeyOf(password: string, salt: string, iterations: number): Buffer {
  const name = `${password},${salt},${iterations}`;
  let key = keys.get(name);
  if (key === undefined) {
    const saltBytes = Buffer.from(salt, "base64");
    key = hmac(pbkdf2Sync(password, saltBytes, iterations, KEY_BYTES, "sha256"), "Client Key");
    keys.set(name, key);
  }
  return key;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
