import { describe, expect, it } from "vitest";
import { advertisedProblem } from "../../src/config/kafka/listener.ts";
import { advertisedAddress } from "../../src/metadata/advertised-address.ts";
import { newTopicId } from "../../src/metadata/topic-ids.ts";
import { SeededRandom } from "../env/seeded-random.ts";

describe("the advertised address", () => {
  const advertised = (bindAddress: string, localAddress: string, listeners?: string) =>
    advertisedAddress(
      {
        ...{ bindAddress, bindPort: 9092 },
        kafkaConfigs: listeners ? { "advertised.listeners": listeners } : {},
      },
      { listener: "PLAINTEXT", localAddress, localPort: 9092 },
    );

  it("is that of advertised.listeners, if it is set", () => {
    const to = (listeners: string) => advertised("0.0.0.0", "10.1.2.3", listeners);
    expect(to("PLAINTEXT://kafka.example:19092")).toEqual({ host: "kafka.example", port: 19092 });
    expect(to("PLAINTEXT://[fe80::1]:9092")).toEqual({ host: "fe80::1", port: 9092 });
    for (const bad of ["kafka:9092", "PLAINTEXT://:9092", "PLAINTEXT://a:0", "PLAINTEXT://a:99999"])
      expect(advertisedProblem(bad)).not.toBeNull();
  });

  it("is the bind address, with the port the client used", () => {
    expect(advertised("localhost", "127.0.0.1")).toEqual({ host: "localhost", port: 9092 });
  });

  it("is the one that the client reached if every address is bound", () => {
    expect(advertised("0.0.0.0", "10.1.2.3").host).toBe("10.1.2.3");
    expect(advertised("::", "::ffff:10.1.2.3").host).toBe("10.1.2.3");
    expect(advertised("::", "fe80::1").host).toBe("fe80::1");
  });
});

describe("topic ids", () => {
  it("are version 4 UUIDs that do not look like a flag on a command line", () => {
    const random = new SeededRandom(1);
    for (let i = 0; i < 500; i++) {
      const id = newTopicId(random);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      const base64 = Buffer.from(id.replaceAll("-", ""), "hex").toString("base64url");
      expect(base64.startsWith("-")).toBe(false);
    }
  });
});
