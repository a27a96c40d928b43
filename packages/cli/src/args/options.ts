/** One option of a command: what the parser accepts and the help shows. */
export interface Option {
  /** Without dashes. Taken as `--name` and, as older tools write it, `-name`. */
  readonly name: string;
  /** One letter, taken as `-x` or `-xVALUE`. */
  readonly short?: string;
  /** What follows; a switch when left out. */
  readonly argument?: string | null;
  /** May be given several times. */
  readonly repeat?: boolean;
  /** Another name for an option: its values count as that one's. */
  readonly aliasOf?: string;
  readonly help: string;
}

export const BROKER_OPTIONS: readonly Option[] = [
  { name: "bootstrap", short: "b", argument: "HOST:PORT", help: "broker to ask (localhost:9092)" },
  { name: "broker", argument: "HOST:PORT", aliasOf: "bootstrap", help: "the same" },
];

export const BOOTSTRAP_OPTIONS: readonly Option[] = [
  ...BROKER_OPTIONS,
  { name: "timeout", argument: "TIME", help: "give up when nothing works for so long (30s)" },
];

export const HELP_OPTION: Option = { name: "help", short: "h", help: "show this" };
