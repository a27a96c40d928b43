/** A broker's id for people: the number, and the name that it was derived from. */
export function nodeText(nodeId: number, name: string | undefined): string {
  return name ? `${nodeId} (${name})` : String(nodeId);
}
