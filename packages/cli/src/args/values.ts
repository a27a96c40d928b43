import type { CompressionName, OffsetSpec } from "@tarpan/client";
import { UsageError } from "../terminal/failures.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ...{ ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 },
};

/** `500ms`, `10s`, `5m`, `1h30m`, `7d`, in ms. */
export function parseDuration(text: string, name: string): number {
  if (/^(\d+(ms|[smhd]))+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+)(ms|[smhd])/g)];
    return parts.reduce((sumMs, [, number, unit]) => sumMs + Number(number) * UNIT_MS[unit!]!, 0);
  }
  throw new UsageError(`${name} must be a duration such as 500ms or 10s, not ${quoted(text)}`);
}

/** An offset spec, or `last`: that many records before the end of each partition. */
export type Start = OffsetSpec | { readonly last: number };

/** `earliest`, `latest`, an offset, `-N` for the last N records, `@MS` or a date for a time. */
export function parseStart(text: string): Start {
  if (text === "earliest" || text === "beginning") return "earliest";
  if (text === "latest" || text === "end") return "latest";
  if (/^\d+$/.test(text)) return Number(text);
  if (/^-\d+$/.test(text)) return { last: Number(text.slice(1)) };
  if (/^@\d+$/.test(text)) return { timestampMs: Number(text.slice(1)) };
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(date)) return { timestampMs: date };
  throw new UsageError(
    "--offset must be earliest, latest, an offset, -N (the last N records), @MILLISECONDS or a date " +
      `such as 2026-11-20T10:00:00Z, not ${quoted(text)}`,
  );
}

/** `@MS` or a date, as ms since the epoch. */
export function parseTime(text: string, name: string): number {
  const time = /^(@|\d{4}-)/.test(text) ? parseStart(text) : null;
  if (time !== null && typeof time === "object" && "timestampMs" in time) return time.timestampMs;
  const wanted = "@MILLISECONDS or a date such as 2026-11-20T10:00:00Z";
  throw new UsageError(`${name} must be ${wanted}, not ${quoted(text)}`);
}

const COMPRESSIONS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

/** Kafka's names; `zlib` is accepted for gzip. */
export function parseCompression(text: string): CompressionName {
  const name = text === "zlib" ? "gzip" : text;
  const known = COMPRESSIONS.find((each) => each === name);
  if (known !== undefined) return known;
  throw new UsageError(`--compression must be ${COMPRESSIONS.join(" | ")}, not ${quoted(text)}`);
}

/** `name=value`. */
export function parsePair(text: string, name: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`${name} must be name=value, not ${quoted(text)}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

const quoted = (text: string) => JSON.stringify(text);
