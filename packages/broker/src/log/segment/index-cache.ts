import { INDEX_CACHE_BYTES } from "../limits.ts";

/** Whose index may be read again from its file. */
interface Indexed {
  index: { readonly isSaved: boolean; readonly sizeBytes: number } | null;
}

/** Bounds the indexes of sealed segments in memory; the one used longest ago goes first. */
export class IndexCache {
  readonly #held = new Map<Indexed, number>();
  readonly #limitBytes: number;
  #heldBytes = 0;

  constructor(limitBytes = INDEX_CACHE_BYTES) {
    this.#limitBytes = limitBytes;
  }

  /** Says that a sealed segment's index was used just now. */
  used(segment: Indexed): void {
    if (!segment.index?.isSaved) return;
    this.forget(segment);
    this.#held.set(segment, segment.index.sizeBytes);
    this.#heldBytes += segment.index.sizeBytes;
    for (const oldest of this.#held.keys()) {
      if (this.#heldBytes <= this.#limitBytes) return;
      this.forget(oldest);
      oldest.index = null;
    }
  }

  forget(segment: Indexed): void {
    this.#heldBytes -= this.#held.get(segment) ?? 0;
    this.#held.delete(segment);
  }
}
