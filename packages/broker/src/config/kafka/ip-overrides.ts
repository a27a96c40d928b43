/** Of `max.connections.per.ip.overrides`. Kafka resolves names, too; an address does not move. */
export function ipOverridesProblem(list: string): string | null {
  const wrong = items(list).find((item) => parsed(item) === null);
  return wrong === undefined ? null : `${JSON.stringify(wrong)} must be like 10.0.0.1:100`;
}

/** Limits by address, written as sockets tell it. The list is valid. */
export function ipOverrides(list: string): ReadonlyMap<string, number> {
  return new Map(items(list).map((item) => parsed(item)!));
}

function items(list: string): string[] {
  return list
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function parsed(item: string): [address: string, count: number] | null {
  const match = /^\[?([0-9a-fA-F:.]+?)\]?:\s*(\d{1,10})$/.exec(item);
  const address = match === null ? null : canonicalAddress(match[1]!);
  return address === null ? null : [address, Number(match![2])];
}

/** An address as sockets tell it, which is how URL writes it; null for what is no address. */
export function canonicalAddress(text: string): string | null {
  const isIpv6 = text.includes(":");
  if (!isIpv6 && !/^[\d.]+$/.test(text)) return null;
  const url = isIpv6 ? `http://[${text}]` : `http://${text}`;
  if (!URL.canParse(url)) return null;
  const { hostname } = new URL(url);
  if (isIpv6) return hostname.slice(1, -1);
  return hostname === text ? text : null;
}
