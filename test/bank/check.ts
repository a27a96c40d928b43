import type { Fate, Side } from "./transfers.ts";

/** What is wrong with the committed sides of all transfers: nothing may be. */
export function wrongTransfers(
  fates: ReadonlyMap<string, Fate>,
  sides: readonly Side[],
): readonly string[] {
  const wrong: string[] = [];
  const found = new Map<string, number[]>();
  for (const { transfer, amount } of sides) {
    found.set(transfer, [...(found.get(transfer) ?? []), amount]);
  }
  for (const [transfer, fate] of fates) {
    const amounts = found.get(transfer) ?? [];
    if (fate === "committed" && amounts.length === 0) wrong.push(`${transfer} is lost`);
    if (fate === "aborted" && amounts.length > 0)
      wrong.push(`${transfer} was aborted, and is read`);
  }
  for (const [transfer, amounts] of found) {
    if (!fates.has(transfer)) wrong.push(`${transfer} was never sent`);
    const sum = amounts.reduce((total, amount) => total + amount, 0);
    if (amounts.length !== 2 || sum !== 0) wrong.push(`${transfer} is read as ${amounts}`);
  }
  return wrong;
}
