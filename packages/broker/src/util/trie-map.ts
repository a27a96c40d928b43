/** A branch has a child for each value of so many bits of the hash. */
const BITS = 5;
const CHILDREN = 2 ** BITS;
const HASH_BITS = 32;
/** A leaf with more entries becomes a branch, unless all bits of the hash are used up. */
const MAX_LEAF = 16;

/**
 * An immutable map: `with` returns a changed one. It is a tree, in which the bits of a key's hash
 * say where the key is, and two maps share all parts of it that are the same. So a change costs the
 * same however large the map is: to copy a large map would stall the broker for many milliseconds.
 * Up to `MAX_LEAF` entries come in the order in which they were added, more by their hashes.
 */
export class TrieMap<V> implements ReadonlyMap<string, V> {
  readonly #root: Node | null;
  readonly size: number;

  constructor(root: Node | null = null, size = 0) {
    this.#root = root;
    this.size = size;
  }

  /** This map with `changes`; undefined removes a key. */
  with(changes: Iterable<readonly [string, V | undefined]>): TrieMap<V> {
    const edit = { added: 0 };
    let root = this.#root;
    for (const [key, value] of changes) {
      root = put(root, 0, { edit, hash: hashOf(key), key, value });
    }
    return root === this.#root ? this : new TrieMap(root, this.size + edit.added);
  }

  /**
   * The keys whose value here is not the same object as in `before`. It costs as much as there are
   * changes between the two, because what they share is passed over.
   */
  changedSince(before: TrieMap<V>): string[] {
    const keys: string[] = [];
    compare(before.#root, this.#root, 0, keys);
    return keys;
  }

  get(key: string): V | undefined {
    if (this.#root === null) return undefined;
    return find(this.#root, 0, hashOf(key), key) as V | undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  *entries(): MapIterator<[string, V]> {
    for (const slots of leavesOf(this.#root)) {
      for (let at = 0; at < slots.length; at += STRIDE) {
        yield [slots[at + KEY] as string, slots[at + VALUE] as V];
      }
    }
  }

  *keys(): MapIterator<string> {
    for (const slots of leavesOf(this.#root)) {
      for (let at = KEY; at < slots.length; at += STRIDE) yield slots[at] as string;
    }
  }

  *values(): MapIterator<V> {
    for (const slots of leavesOf(this.#root)) {
      for (let at = VALUE; at < slots.length; at += STRIDE) yield slots[at] as V;
    }
  }

  forEach(each: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) each(value, key, this);
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }
}

/** Changes that are made together: a node that belongs to them may be changed in place. */
interface Edit {
  /** Keys that were added, less those that were removed. */
  added: number;
}

/**
 * A branch has `CHILDREN` slots, for a node or null. A leaf has entries: for each of them its hash,
 * its key and its value, in one array, because a look-up takes as long as what it has to fetch from
 * memory. No node is empty.
 */
class Node {
  readonly edit: Edit;
  readonly isLeaf: boolean;
  readonly slots: unknown[];

  constructor(edit: Edit, isLeaf: boolean, slots: unknown[]) {
    this.edit = edit;
    this.isLeaf = isLeaf;
    this.slots = slots;
  }

  /** This node, if it belongs to the edit, or a copy. */
  ownedBy(edit: Edit): Node {
    return this.edit === edit ? this : new Node(edit, this.isLeaf, this.slots.slice());
  }
}

const STRIDE = 3;
const KEY = 1;
const VALUE = 2;

/** Where the entry of a key begins in the slots of a leaf, -1 if it is not there. */
function indexIn(slots: readonly unknown[], hash: number, key: string): number {
  for (let at = 0; at < slots.length; at += STRIDE) {
    if (slots[at] === hash && slots[at + KEY] === key) return at;
  }
  return -1;
}

/**
 * FNV-1a of the even characters and of the odd ones, which a processor computes side by side. With
 * Murmur's last steps each bit of the result depends on all of the key.
 */
function hashOf(key: string): number {
  let even = 0x811c9dc5;
  let odd = 0x811c9dc5;
  const pairs = key.length & ~1;
  for (let i = 0; i < pairs; i += 2) {
    even = Math.imul(even ^ key.charCodeAt(i), 0x01000193);
    odd = Math.imul(odd ^ key.charCodeAt(i + 1), 0x01000193);
  }
  if (pairs < key.length) even = Math.imul(even ^ key.charCodeAt(pairs), 0x01000193);
  let hash = even ^ Math.imul(odd, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function childAt(hash: number, shift: number): number {
  return (hash >>> shift) & (CHILDREN - 1);
}

/** `shift` is how many bits of the hash the nodes above have used. */
function find(from: Node | null, shift: number, hash: number, key: string): unknown {
  let node = from;
  for (let used = shift; node !== null && !node.isLeaf; used += BITS) {
    node = node.slots[childAt(hash, used)] as Node | null;
  }
  if (node === null) return undefined;
  const at = indexIn(node.slots, hash, key);
  return at < 0 ? undefined : node.slots[at + VALUE];
}

/** An entry that is put into a map, and where it goes. */
interface Put {
  readonly edit: Edit;
  readonly hash: number;
  readonly key: string;
  /** Undefined removes the key. */
  readonly value: unknown;
}

function put(node: Node | null, shift: number, entry: Put): Node | null {
  const { edit, hash, key, value } = entry;
  if (node !== null && !node.isLeaf) {
    const index = childAt(hash, shift);
    const before = node.slots[index] as Node | null;
    const child = put(before, shift + BITS, entry);
    if (child === before) return node;
    const branch = node.ownedBy(edit);
    branch.slots[index] = child;
    return child === null && branch.slots.every((one) => one === null) ? null : branch;
  }
  const at = node === null ? -1 : indexIn(node.slots, hash, key);
  if (value === undefined) return at < 0 ? node : without(node!, at, edit);
  if (node !== null && at >= 0 && node.slots[at + VALUE] === value) return node;
  const leaf = node === null ? new Node(edit, true, []) : node.ownedBy(edit);
  if (at >= 0) {
    leaf.slots[at + VALUE] = value;
    return leaf;
  }
  edit.added++;
  leaf.slots.push(hash, key, value);
  return leaf.slots.length > MAX_LEAF * STRIDE && shift < HASH_BITS ? split(leaf, shift) : leaf;
}

function without(node: Node, at: number, edit: Edit): Node | null {
  edit.added--;
  if (node.slots.length === STRIDE) return null;
  const leaf = node.ownedBy(edit);
  leaf.slots.splice(at, STRIDE);
  return leaf;
}

/** Entries that all go to one child make it a branch, too, with the next one that comes. */
function split({ edit, slots }: Node, shift: number): Node {
  const children: (Node | null)[] = new Array(CHILDREN).fill(null);
  for (let at = 0; at < slots.length; at += STRIDE) {
    const index = childAt(slots[at] as number, shift);
    children[index] ??= new Node(edit, true, []);
    children[index].slots.push(slots[at], slots[at + KEY], slots[at + VALUE]);
  }
  return new Node(edit, false, children);
}

/** The slots of each leaf. A list: generators in generators would take most of a walk's time. */
function leavesOf(node: Node | null, leaves: unknown[][] = []): unknown[][] {
  if (node === null) return leaves;
  if (node.isLeaf) leaves.push(node.slots);
  else for (const child of node.slots) leavesOf(child as Node | null, leaves);
  return leaves;
}

/** Adds the keys whose values differ in two nodes of the same place. */
function compare(before: Node | null, now: Node | null, shift: number, changed: string[]): void {
  if (before === now) return;
  if (before?.isLeaf === false && now?.isLeaf === false) {
    for (let i = 0; i < CHILDREN; i++) {
      compare(before.slots[i] as Node | null, now.slots[i] as Node | null, shift + BITS, changed);
    }
    return;
  }
  for (const slots of leavesOf(before)) {
    for (let at = 0; at < slots.length; at += STRIDE) {
      const key = slots[at + KEY] as string;
      if (find(now, shift, slots[at] as number, key) === undefined) changed.push(key);
    }
  }
  for (const slots of leavesOf(now)) {
    for (let at = 0; at < slots.length; at += STRIDE) {
      const key = slots[at + KEY] as string;
      const known = find(before, shift, slots[at] as number, key);
      if (known !== slots[at + VALUE]) changed.push(key);
    }
  }
}
