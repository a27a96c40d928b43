import { ClientError } from "../errors.ts";
import { Client } from "./client.ts";

/** Throws for `new Producer({ bootstrap })` and the like. */
export function requireClient(what: string, client: unknown): void {
  if (client instanceof Client) return;
  const example = "const client = new Client({ bootstrap })";
  const message = `${what}: the first argument must be a Client, as in: ${example}`;
  throw new ClientError("TARPAN_BAD_ARGUMENT", message);
}
