const MAX_NODE_ID = 2_147_483_647;

/**
 * Kafka's numeric broker id for a node's name, the same at every start: a number is itself,
 * trailing digits count (`broker-1` is 1), and any other name is hashed.
 */
export function nodeIdOf(name: string): number {
  const number = numberIn(name);
  if (number !== null) return number;
  // FNV-1a over UTF-16 units, sign bit dropped. An id of 0 has to be given explicitly.
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash & MAX_NODE_ID || 1;
}

/** The name, if its id is a hash; null if the id is a number in the name. */
export function hashedNameOf(name: string): string | null {
  return numberIn(name) === null ? name : null;
}

function numberIn(name: string): number | null {
  const digits = /\d+$/.exec(name)?.[0];
  return digits !== undefined && Number(digits) <= MAX_NODE_ID ? Number(digits) : null;
}
