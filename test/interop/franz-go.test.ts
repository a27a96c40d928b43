import { expect } from "vitest";
import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { createTopic } from "../harness/records.ts";
import { programPeer } from "./peer.ts";
import * as suite from "./suite.ts";

const { address } = useClientBroker();
const franzGo = peer("franz-go");
const ask = programPeer(franzGo, [], address);

suite.administers(franzGo.it, ask);
suite.producesExactly(franzGo.it, address, ask);
suite.consumesExactly(franzGo.it, address, ask);
suite.skipsGaps(franzGo.it, address, ask);
suite.findsOffsets(franzGo.it, address, ask);
suite.deletesRecords(franzGo.it, address, ask);

franzGo.it("is told of transactions and their producers, as rpk asks for them", async () => {
  const connection = await RawConnection.open(address.port);
  await createTopic(connection, "described");
  connection.close();
  const common = { timeoutMs: 50_000, listed: ["described"], others: [] };
  expect(await ask("transactions", "described", {})).toEqual({
    open: { ...common, state: "Ongoing", partitions: 1, starts: [0], ongoing: ["described"] },
    ended: { ...common, state: "CompleteCommit", partitions: 0, starts: [-1], ongoing: [] },
  });
});
