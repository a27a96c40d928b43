// What the clients of a soak write to their standard output, a JSON object per line.

/** A record as it was stored or read. Records of a partition are numbered as they were sent. */
export type Seen = readonly [number: number, offset: number, key: string | null, isDeletion: 0 | 1];

export type SoakEvent =
  | { readonly event: "acknowledged"; readonly at: string; readonly records: readonly Seen[] }
  /** The producer gave them up: each may be stored or not. */
  | { readonly event: "unknown"; readonly at: string; readonly numbers: readonly number[] }
  | { readonly event: "read"; readonly at: string; readonly records: readonly Seen[] }
  /** A scan has read from the start of the log to where it ended when the scan began. */
  | { readonly event: "scanned"; readonly at: string }
  /** A fault of a client, which says nothing about the log by itself. */
  | { readonly event: "failed"; readonly at: string; readonly error: string }
  /** What a record or an answer contained can't be right. */
  | { readonly event: "wrong"; readonly at: string; readonly error: string }
  | { readonly event: "stopped" };

export function tell(event: SoakEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** How a partition is called in events. */
export const place = (topic: string, partition: number): string => `${topic}-${partition}`;

/** The value of a record: its number and key, so that a reader can check it. */
export const textOf = (number: number, key: string | null): string => `${number} ${key} `;
