import { HttpError } from "./http-error.ts";

/** A number in the query; null if it is not given. */
export function numberOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,15}$/.test(text)) throw new HttpError(400, `${name} must be a number, not '${text}'`);
  return Number(text);
}
