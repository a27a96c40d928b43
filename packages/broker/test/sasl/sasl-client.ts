import { pbkdf2Sync } from "node:crypto";
import {
  AlterUserScramCredentials,
  ErrorCode,
  SaslAuthenticate,
  SaslHandshake,
} from "@tarpan/protocol";
import type { KafkaSocket } from "../runtime/kafka-socket.ts";
import { ScramClient } from "./scram-client.ts";

export type Scram = "SCRAM-SHA-256" | "SCRAM-SHA-512";

export function plainToken(user: string, password: string, authorizationId = ""): Buffer {
  return Buffer.from(`${authorizationId}\0${user}\0${password}`);
}

export async function handshake(client: KafkaSocket, mechanism: string, version = 1) {
  return client.send(SaslHandshake, version, { mechanism });
}

export async function authenticatePlain(client: KafkaSocket, user: string, password: string) {
  await handshake(client, "PLAIN");
  return client.send(SaslAuthenticate, 2, { authBytes: plainToken(user, password) });
}

/** Resolves to the last response. */
export async function authenticateScram(
  client: KafkaSocket,
  mechanism: Scram,
  user: string,
  password: string,
) {
  await handshake(client, mechanism);
  const scram = new ScramClient(mechanism, user, password);
  const first = await client.send(SaslAuthenticate, 2, { authBytes: scram.first() });
  if (first.errorCode !== ErrorCode.NONE) return first;
  const final = { authBytes: scram.final(first.authBytes) };
  const last = await client.send(SaslAuthenticate, 2, final);
  if (last.errorCode === ErrorCode.NONE && !scram.trusts(last.authBytes)) throw new Error("forged");
  return last;
}

export const MECHANISM = { "SCRAM-SHA-256": 1, "SCRAM-SHA-512": 2 } as const;

/** As Kafka's admin client does it: the password never leaves the client. */
export function upsertion(mechanism: Scram, name: string, password: string, iterations = 4096) {
  const salt = Buffer.from(`salt of ${name}`);
  const [hash, length] = mechanism === "SCRAM-SHA-256" ? ["sha256", 32] : ["sha512", 64];
  const saltedPassword = pbkdf2Sync(password, salt, iterations, length as number, hash as string);
  return { name, mechanism: MECHANISM[mechanism], iterations, salt, saltedPassword };
}

export async function createUser(
  client: KafkaSocket,
  mechanism: Scram,
  name: string,
  pass: string,
) {
  const request = { deletions: [], upsertions: [upsertion(mechanism, name, pass)] };
  const { results } = await client.send(AlterUserScramCredentials, 0, request);
  if (results[0]?.errorCode !== ErrorCode.NONE) throw new Error(JSON.stringify(results));
}
