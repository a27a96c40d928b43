import {
  type AnyApi,
  apiOf,
  CreatePartitions,
  CreateTopics,
  decodeRequest,
  encodeRequest,
  Produce,
  rangeOf,
} from "@tarpan/protocol";
import type { SeededRandom } from "../harness/random.ts";
import { type Known, structOf } from "./generate.ts";
import { mutate } from "./mutate.ts";

const LENGTH_BYTES = 4;
/**
 * Larger numbers only test the broker's limits, and take long.
 */
const MOST_PARTITIONS = 50;

/** What a broker must do with a frame, according to the schemas. */
export interface MutatedFrame {
  readonly bytes: Buffer;
  /** The API and version of the response; null if the connection must or may be closed instead. */
  readonly answeredAs: { readonly api: AnyApi; readonly version: number } | null;
}

export interface ServedVersions {
  readonly min: number;
  readonly max: number;
}

/** Endless damaged requests, the same for the same seed. */
export class FrameSource {
  readonly #random: SeededRandom;
  readonly #served: ReadonlyMap<number, ServedVersions>;
  readonly #known: Known;
  readonly #choices: { api: AnyApi; version: number }[];
  #previous: Buffer = Buffer.alloc(0);

  constructor(random: SeededRandom, served: ReadonlyMap<number, ServedVersions>, known: Known) {
    this.#random = random;
    this.#served = served;
    this.#known = known;
    this.#choices = [...served.keys()].flatMap((key) => versionsOf(apiOf(key)!));
  }

  /** The number of APIs and versions from which the requests are drawn. */
  get choices(): number {
    return this.#choices.length;
  }

  next(): MutatedFrame {
    for (;;) {
      const bytes = mutate(this.#valid(), this.#previous, this.#random);
      const frame = this.#judge(bytes);
      if (frame) return frame;
    }
  }

  #valid(): Buffer {
    const { api, version } = this.#random.pick(this.#choices);
    const body = structOf(api.request, version, this.#random, this.#known);
    const header = { correlationId: this.#random.below(1000), clientId: "fuzz" };
    this.#previous = Buffer.concat(encodeRequest(api, version, header, body));
    return this.#previous;
  }

  /** Null for a frame that is not worth sending. */
  #judge(bytes: Buffer): MutatedFrame | null {
    const ends = { bytes, answeredAs: null };
    if (bytes.readInt32BE(0) !== bytes.length - LENGTH_BYTES) return ends;
    const body = bytes.subarray(LENGTH_BYTES);
    if (body.length < 4) return ends;
    const api = apiOf(body.readInt16BE(0));
    const version = body.readInt16BE(2);
    const served = this.#served.get(body.readInt16BE(0));
    // Another test covers ApiVersions of an unknown version.
    if (!api || !served || version < served.min || version > served.max) return ends;
    let request: unknown;
    try {
      request = decodeRequest(api, body).body;
    } catch {
      return ends;
    }
    if (ordersTooMuch(api, request)) return null;
    // With acks=0 there is no response, and an error closes the connection.
    if (api === Produce && (request as { acks: number }).acks === 0) return ends;
    return { bytes, answeredAs: { api, version } };
  }
}

function versionsOf(api: AnyApi): { api: AnyApi; version: number }[] {
  const { min, max } = rangeOf(api.versions);
  return Array.from({ length: max - min + 1 }, (_, index) => ({ api, version: min + index }));
}

function ordersTooMuch(api: AnyApi, request: unknown): boolean {
  const { topics } = request as { topics: { numPartitions?: number; count?: number }[] };
  if (api === CreateTopics) return topics.some((topic) => topic.numPartitions! > MOST_PARTITIONS);
  return api === CreatePartitions && topics.some((topic) => topic.count! > MOST_PARTITIONS);
}
