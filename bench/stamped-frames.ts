// Produce requests of producers with sequences. Each batch is stamped before it is sent, so the
// load computes a checksum for each; the same is done for batches without a producer id, so that
// both cost the load the same.

import { crc32c } from "@tarpan/codecs";
import {
  BASE_SEQUENCE_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  setInt64,
  stampCrc,
  viewOf,
} from "@tarpan/protocol";
import { batchPlace, produceRequest } from "./frames.ts";

export interface Producers {
  /** They take turns; 0: the batches have no producer id. */
  readonly count: number;
  /** Made up. A newer epoch begins with sequence 0 again. */
  readonly epoch: number;
}

const FIRST_PRODUCER_ID = 1_000_000;
const SEQUENCES = 2 ** 31;

export class StampedFrames {
  readonly #frames: Buffer[];
  readonly #batchAt: number;
  readonly #records: number;
  readonly #producers: Producers;
  #sent = 0;

  /** As many frames as are in flight at most: one that is stamped again was sent. */
  constructor(
    topic: string,
    { batch, records }: { readonly batch: Uint8Array; readonly records: number },
    producers: Producers,
    window: number,
  ) {
    this.#frames = Array.from({ length: window }, (_, i) => produceRequest(topic, 0, batch, i));
    this.#batchAt = batchPlace(topic, batch.length).at;
    this.#records = records;
    this.#producers = producers;
  }

  next(): Buffer {
    const turn = this.#sent++;
    const frame = this.#frames[turn % this.#frames.length]!;
    const { count, epoch } = this.#producers;
    if (count > 0) {
      const view = viewOf(frame.subarray(this.#batchAt));
      setInt64(view, PRODUCER_ID_AT, FIRST_PRODUCER_ID + (turn % count));
      view.setInt16(PRODUCER_EPOCH_AT, epoch);
      const sequence = Math.floor(turn / count) * this.#records;
      view.setInt32(BASE_SEQUENCE_AT, sequence % SEQUENCES);
    }
    stampCrc(frame, this.#batchAt, crc32c);
    return frame;
  }
}
