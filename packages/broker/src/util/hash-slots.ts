/**
 * The slots of an open hash table with linear probing, over entries whose hashes stand in one
 * array: `stride` words each, the first of which says where the search for an entry begins. A slot
 * holds an entry plus one; 0 is empty. The length of `slots` is a power of two, and never all are
 * in use. An entry is in one slot at most, which is reached from its first one without crossing an
 * empty one.
 */
export function enterSlot(
  slots: Int32Array,
  words: Int32Array,
  stride: number,
  entry: number,
): void {
  const mask = slots.length - 1;
  let slot = words[stride * entry]! & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = entry + 1;
}

/** Empties the entry's slot, and moves later ones back so that no search ends too early. */
export function leaveSlot(
  slots: Int32Array,
  words: Int32Array,
  stride: number,
  entry: number,
): void {
  const mask = slots.length - 1;
  let hole = words[stride * entry]! & mask;
  while (slots[hole] !== entry + 1) hole = (hole + 1) & mask;
  for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
    const first = words[stride * (slots[slot]! - 1)]! & mask;
    // An entry whose first slot is behind the hole is found without it.
    if (((slot - first) & mask) < ((slot - hole) & mask)) continue;
    slots[hole] = slots[slot]!;
    hole = slot;
  }
  slots[hole] = 0;
}

/** Whether the hash of `entry` is the one that begins at `given[at]`. */
export function isHashOf(
  words: Int32Array,
  stride: number,
  entry: number,
  given: ArrayLike<number>,
  at: number,
): boolean {
  const own = stride * entry;
  for (let i = 0; i < stride; i++) if (words[own + i] !== given[at + i]) return false;
  return true;
}
