/** The nodes that are on a cycle, or between two: what is left when all others are taken away. */
export function onCycles<Node>(edges: ReadonlyMap<Node, ReadonlySet<Node>>): Node[] {
  const reversed = new Map<Node, Set<Node>>();
  for (const [from, targets] of edges) {
    for (const to of targets) {
      const sources = reversed.get(to) ?? new Set();
      reversed.set(to, sources.add(from));
    }
  }
  const left = new Set([...edges.keys(), ...reversed.keys()]);
  peel(left, reversed, edges);
  peel(left, edges, reversed);
  return [...left];
}

/** Takes away what has no neighbour before it that is left, again and again. */
function peel<Node>(
  left: Set<Node>,
  before: ReadonlyMap<Node, ReadonlySet<Node>>,
  after: ReadonlyMap<Node, ReadonlySet<Node>>,
): void {
  const count = (node: Node) => [...(before.get(node) ?? [])].filter((one) => left.has(one)).length;
  const counts = new Map([...left].map((node) => [node, count(node)]));
  const free = [...left].filter((node) => counts.get(node) === 0);
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    left.delete(node);
    for (const next of after.get(node) ?? []) {
      if (!left.has(next)) continue;
      const rest = counts.get(next)! - 1;
      counts.set(next, rest);
      if (rest === 0) free.push(next);
    }
  }
}
