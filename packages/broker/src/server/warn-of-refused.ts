import type { Logger } from "../logging/logger.ts";
import type { ThrottledWarnings } from "../logging/throttled-warnings.ts";
import type { RefusedConnection } from "./refused-request.ts";

/** How much of a client id is logged: it may have 32 KiB. */
const SHOWN_CHARACTERS = 200;

/** Warns the operator of connections that were closed because of their input. */
export function warnOfRefused(
  { reason, remoteAddress, request, error }: RefusedConnection,
  warnings: ThrottledWarnings,
  logger: Logger,
): void {
  const from = remoteAddress === "" ? "a client" : remoteAddress;
  const clientId = request?.clientId?.slice(0, SHOWN_CHARACTERS);
  const client = clientId === undefined ? "" : ` (client id ${clientId})`;
  const message = `closed a connection of ${from}${client}: ${error.message}`;
  const fields = { reason, remoteAddress, ...request, ...(clientId !== undefined && { clientId }) };
  const key = `${reason} ${remoteAddress}`;
  // Isolation is logged once, where it is detected.
  if (reason === "isolated") logger.debug(message, fields);
  else if (reason === "bug") warnings.warn(key, message, { ...fields, error }, "error");
  else warnings.warn(key, message, fields);
}
