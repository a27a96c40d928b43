import { ClientError } from "../errors.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 9092;

/**
 * Parses `host:port`, `host` (port 9092) and `[v6]:port`, one or several separated by commas.
 * Throws TARPAN_BAD_ADDRESS on anything else.
 */
export function parseBootstrap(bootstrap: string | readonly string[]): Address[] {
  const texts = [bootstrap].flat().flatMap((text) => text.split(","));
  const addresses = texts.map((text) => text.trim()).filter((text) => text !== "");
  if (addresses.length === 0)
    throw new ClientError("TARPAN_BAD_ADDRESS", "no broker address given, such as localhost:9092");
  return addresses.map(parseAddress);
}

function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (match === null || port > 65_535 || port === 0)
    throw new ClientError(
      "TARPAN_BAD_ADDRESS",
      `${JSON.stringify(text)} is not a broker address such as localhost:9092`,
    );
  return { host: match[1] ?? match[2]!, port };
}
