import { expect, it } from "vitest";
import { applyMetadata } from "../../src/metadata/apply.ts";
import { EMPTY_IMAGE, endPointOf } from "../../src/metadata/image.ts";
import { metadataMachine } from "../../src/metadata/machine.ts";
import { registerBrokerRecord, scramCredentialRecord } from "../../src/metadata/records.ts";

it("users survive a snapshot", () => {
  const credential = (n: number) => ({
    ...{ salt: Uint8Array.of(n), iterations: 4_096 + n },
    ...{ storedKey: Uint8Array.of(n, 1), serverKey: Uint8Array.of(n, 2) },
  });
  const image = applyMetadata(EMPTY_IMAGE, [
    scramCredentialRecord("a", "SCRAM-SHA-256", credential(1)),
    scramCredentialRecord("a", "SCRAM-SHA-512", credential(2)),
    scramCredentialRecord("b", "SCRAM-SHA-512", credential(3)),
    scramCredentialRecord("b", "SCRAM-SHA-512", credential(4)),
  ]);
  expect(image.users.get("b")?.get("SCRAM-SHA-512")).toEqual(credential(4));
  const records = [...metadataMachine.snapshot(image)].flat();
  const replayed = applyMetadata(
    EMPTY_IMAGE,
    records.map((record) => metadataMachine.decode(metadataMachine.encode(record))!),
  );
  expect(new Map(replayed.users)).toEqual(new Map(image.users));
});

it("a broker's listeners survive a snapshot, and one PLAINTEXT needs no list", () => {
  const at = { id: 1, epoch: 0, incarnationId: "00010203-0405-0607-0809-0a0b0c0d0e0f" };
  const rest = { rack: null, fenced: false, features: [] };
  const endPoints = [
    { name: "INSIDE", host: "in", port: 1, securityProtocol: 0 },
    { name: "OUTSIDE", host: "out", port: 2, securityProtocol: 3 },
  ];
  const several = { ...at, ...rest, host: "in", port: 1, endPoints };
  const plain = { ...at, ...rest, id: 2, host: "h", port: 3 };
  const image = applyMetadata(EMPTY_IMAGE, [several, plain].map(registerBrokerRecord));
  expect(image.brokers.get(1)).toEqual(several);
  expect(image.brokers.get(2)).toEqual(plain);
  expect(endPointOf(several, "OUTSIDE")).toMatchObject({ host: "out", port: 2 });
  expect(endPointOf(several, "PLAINTEXT")).toBeNull();
  expect(endPointOf(plain, "PLAINTEXT")).toEqual({ host: "h", port: 3 });
  expect(endPointOf(plain, "OUTSIDE")).toBeNull();
});
