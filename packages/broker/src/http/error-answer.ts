import { AdminError, type AdminErrorKind } from "../admin/admin-error.ts";
import { HttpError } from "./http-error.ts";
import { RETRY_AFTER_SECONDS } from "./limits.ts";
import { json } from "./text-response.ts";

const STATUS: Readonly<Record<AdminErrorKind, number>> = {
  "not-found": 404,
  invalid: 400,
  conflict: 409,
  unavailable: 503,
  "coordinator-not-available": 503,
  "outcome-unknown": 503,
};

/** The response for an HttpError or AdminError; null for any other error, which is a bug. */
export function errorAnswer(error: unknown): Response | null {
  if (error instanceof HttpError) {
    return json(error.status, { error: error.message }, error.headers);
  }
  if (!(error instanceof AdminError)) return null;
  const { kind, message, field } = error;
  const again = kind === "coordinator-not-available";
  return json(
    STATUS[kind],
    { error: message, ...(field === null ? {} : { field }) },
    again ? { "retry-after": `${RETRY_AFTER_SECONDS}` } : {},
  );
}
