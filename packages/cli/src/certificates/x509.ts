// Makes X.509 certificates (RFC 5280) with keys on the curve P-256.
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";
import { isIP } from "node:net";
import {
  bits,
  der,
  OCTET_STRING,
  objectId,
  SET,
  sequence,
  tagged,
  time,
  UTF8_STRING,
  unsigned,
} from "./der.ts";

/** A certificate with its key, both in PEM. */
export interface Issued {
  readonly certificate: string;
  /** PKCS#8, as Kafka reads it. */
  readonly key: string;
}

/** An authority, or the owner of a certificate, with the key object that signs. */
export interface Authority extends Issued {
  readonly name: string;
  readonly privateKey: KeyObject;
}

interface Validity {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A certificate that signs others, and itself. */
export function newAuthority(name: string, validity: Validity): Authority {
  const keys = newKeys();
  const extensions = [
    extension("2.5.29.19", sequence(TRUE), true),
    // keyCertSign and cRLSign.
    extension("2.5.29.15", bits(Buffer.of(0x06), 1), true),
    keyIdExtension(keys.publicKey),
  ];
  const issuer = { name, privateKey: keys.privateKey };
  const certificate = signed({ name, ...keys, issuer, extensions, ...validity });
  return { name, certificate, key: pemOf(keys.privateKey), privateKey: keys.privateKey };
}

interface Request extends Validity {
  readonly name: string;
  /** Names and addresses of the host; none for the certificate of a client. */
  readonly hosts: readonly string[];
  readonly authority: Pick<Authority, "name" | "privateKey">;
}

/** A certificate for a broker or a client. */
export function newCertificate({ name, hosts, authority, ...validity }: Request): Issued {
  const keys = newKeys();
  const extensions = [
    extension("2.5.29.19", sequence(), true),
    // digitalSignature.
    extension("2.5.29.15", bits(Buffer.of(0x80), 7), true),
    extension("2.5.29.37", sequence(objectId(SERVER_AUTH), objectId(CLIENT_AUTH))),
    keyIdExtension(keys.publicKey),
    authorityKeyExtension(authority),
    ...(hosts.length === 0 ? [] : [extension("2.5.29.17", sequence(...hosts.map(generalName)))]),
  ];
  const certificate = signed({ name, ...keys, issuer: authority, extensions, ...validity });
  return { certificate, key: pemOf(keys.privateKey) };
}

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const COMMON_NAME = "2.5.4.3";
const TRUE = Buffer.of(0x01, 0x01, 0xff);
const ECDSA_WITH_SHA256 = sequence(objectId("1.2.840.10045.4.3.2"));

interface Contents extends Validity {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly issuer: Pick<Authority, "name" | "privateKey">;
  readonly extensions: readonly Buffer[];
}

function signed({ name, publicKey, issuer, extensions, fromMs, untilMs }: Contents): string {
  const serial = randomBytes(16);
  // Never zero or negative.
  serial[0] = (serial[0]! & 0x7f) | 0x01;
  const contents = sequence(
    tagged(0, unsigned(Buffer.of(2))),
    unsigned(serial),
    ECDSA_WITH_SHA256,
    commonName(issuer.name),
    sequence(time(fromMs), time(untilMs)),
    commonName(name),
    publicKey.export({ type: "spki", format: "der" }),
    tagged(3, sequence(...extensions)),
  );
  const signature = sign("sha256", contents, issuer.privateKey);
  return pemText("CERTIFICATE", sequence(contents, ECDSA_WITH_SHA256, bits(signature)));
}

function newKeys() {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function commonName(name: string): Buffer {
  const value = der(UTF8_STRING, Buffer.from(name));
  return sequence(der(SET, sequence(objectId(COMMON_NAME), value)));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(objectId(id), ...(critical ? [TRUE] : []), der(OCTET_STRING, value));
}

function keyIdExtension(publicKey: KeyObject): Buffer {
  return extension("2.5.29.14", der(OCTET_STRING, keyId(publicKey)));
}

function authorityKeyExtension({ privateKey }: Request["authority"]): Buffer {
  const id = keyId(createPublicKey(privateKey));
  return extension("2.5.29.35", sequence(tagged(0, id, false)));
}

function keyId(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: "spki", format: "der" });
  return createHash("sha1").update(spki).digest();
}

const DNS_NAME = 2;
const IP_ADDRESS = 7;

function generalName(host: string): Buffer {
  if (isIP(host) === 0) return tagged(DNS_NAME, Buffer.from(host), false);
  return tagged(IP_ADDRESS, Buffer.from(isIP(host) === 4 ? ipv4(host) : ipv6(host)), false);
}

function ipv4(address: string): number[] {
  return address.split(".").map(Number);
}

function ipv6(address: string): number[] {
  // Without an IPv4 address at its end: `::ffff:127.0.0.1`.
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = "", tail] = plain.split("::");
  const words = (part: string) => (part === "" ? [] : part.split(":").map((w) => parseInt(w, 16)));
  const before = words(head);
  const after = words(tail ?? "");
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...zeros, ...after].flatMap((word) => [word >> 8, word & 0xff]);
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

function pemText(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
