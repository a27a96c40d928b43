/** A broker's id as people are to read it: the number, and the name it was made of. */
export function nodeText(nodeId: number, name: string | undefined): string {
  return name ? `${nodeId} (${name})` : String(nodeId);
}
