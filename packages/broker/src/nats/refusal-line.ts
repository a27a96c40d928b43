// What a line of nats-server's log says of a connection that was refused.

/** A connection between nats-servers, or to one, that was refused. */
export interface Refusal {
  /** `host:port` of the other side. */
  readonly address: string;
  /** Which side refused the other one. */
  readonly by: "us" | "them";
  readonly why: string;
  /** Refusals of one kind may differ in what the other side's certificate says. */
  readonly kind: number;
}

const WHY_LENGTH = 300;

const CONNECTION = /\[ERR\] (\S+:\d+) - [rc]id:\d+ - (.*)$/;

/** In the order in which they are tried; `$1` is a part of the line. */
const REASONS: readonly (readonly [RegExp, Refusal["by"], string])[] = [
  [/handshake error: remote error: tls: (.*)/, "them", "certificate ($1)"],
  [
    /failed to verify certificate: (?:x509: )?(.*?)(?: \(possibly because of .*)?$/,
    "us",
    "its certificate: $1",
  ],
  [
    /client didn't provide a certificate/,
    "us",
    "it has no certificate of an authority in cluster_tls_ca_file",
  ],
  [
    /does not look like a TLS handshake|parser ERROR/,
    "us",
    "one side uses TLS, the other does not",
  ],
  [/handshake error: (tls: .*)/, "us", "$1"],
  [
    /TLS handshake timeout/,
    "us",
    "no TLS handshake within 5 s: the network is slow, or it is a flood",
  ],
  [/^authentication error/, "us", "its password is wrong or missing (cluster_password_file)"],
  [/Error '?Authorization Violation/i, "them", "password (cluster_password_file)"],
];

/** Null if the line is about something else, such as a connection that broke. */
export function refusalIn(line: string): Refusal | null {
  const [, address, message] = CONNECTION.exec(line) ?? [];
  if (address === undefined || message === undefined) return null;
  for (const [kind, [form, by, text]] of REASONS.entries()) {
    const found = form.exec(message);
    if (found === null) continue;
    // A stranger's certificate may contain anything.
    const told = (found[1] ?? "").replace(/[^\x20-\x7e]/g, "?").slice(0, WHY_LENGTH);
    return { address, by, why: text.replace("$1", () => told), kind };
  }
  return null;
}
