import { expect } from "vitest";
import { Bank, type BankOptions } from "./bank.ts";
import { TcpWire } from "./wire.ts";

const GO_ON_LIMIT_MS = 30_000;

interface KeptBank extends Pick<BankOptions, "name" | "seed" | "replicas" | "limitMs"> {
  readonly bootstrap: readonly string[];
}

/** Keeps a bank while `faults` happen, and checks it. */
export async function keepBank(options: KeptBank, faults: () => Promise<void>): Promise<void> {
  const wires: TcpWire[] = [];
  const newWire = () => {
    const wire = new TcpWire(options.bootstrap);
    wires.push(wire);
    return wire;
  };
  try {
    const bank = new Bank(newWire, { ...options, partitions: 4, tellers: 4, pauseMs: 0 });
    await bank.open();
    const load = bank.run();
    await Promise.race([faults(), load]);
    // Transfers go on after the faults, however slow they were meanwhile.
    const goOn = () => bank.hasCommitted;
    await Promise.race([expect.poll(goOn, { timeout: GO_ON_LIMIT_MS }).toBe(true), load]);
    bank.end();
    await load;
    const counts = await bank.check();
    console.log(`transfers: ${JSON.stringify(counts)}`);
    expect(counts.committed).toBeGreaterThan(0);
  } finally {
    for (const wire of wires) wire.close();
  }
}
