/** One option of a command: what the parser accepts and the help shows. */
export interface Option {
  /** Without dashes. Accepted as `--name` and, as in older tools, as `-name`. */
  readonly name: string;
  /** One letter, accepted as `-x` and `-xVALUE`. */
  readonly short?: string;
  /** The name of the value in the help; left out for a switch. */
  readonly argument?: string | null;
  /** May be given several times. */
  readonly repeat?: boolean;
  /** Set if this is another name of that option. */
  readonly aliasOf?: string;
  readonly help: string;
}

export const BROKER_OPTIONS: readonly Option[] = [
  { name: "bootstrap", short: "b", argument: "HOST:PORT", help: "broker to ask (localhost:9092)" },
  { name: "broker", argument: "HOST:PORT", aliasOf: "bootstrap", help: "the same" },
  { name: "command-config", argument: "FILE", help: "a client.properties of Kafka's" },
  { name: "profile", argument: "NAME", help: "~/.config/tarpan/NAME.properties; none for none" },
  { name: "tls", help: "connect by TLS; the system's authorities are trusted" },
  { name: "tls-ca", argument: "FILE", help: "connect by TLS; authorities to trust, in PEM" },
  { name: "tls-cert", argument: "FILE", help: "connect by TLS with this certificate, in PEM" },
  { name: "tls-key", argument: "FILE", help: "the key of --tls-cert, in PEM" },
  { name: "sasl-username", argument: "NAME", help: "log in as this user" },
  { name: "sasl-password-file", argument: "FILE", help: "a file with the user's password" },
  { name: "sasl-mechanism", argument: "NAME", help: "PLAIN, SCRAM-SHA-256 or -512 (the last)" },
];

export const BOOTSTRAP_OPTIONS: readonly Option[] = [
  ...BROKER_OPTIONS,
  { name: "timeout", argument: "TIME", help: "give up after this time without success (30s)" },
];

/** What `outputFrom` takes. */
export const JSON_OPTIONS: readonly Option[] = [
  { name: "output", short: "o", argument: "FORMAT", help: "text (default) or json" },
  { name: "json", help: "the same as -o json" },
];

export const HELP_OPTION: Option = { name: "help", short: "h", help: "show this help" };
