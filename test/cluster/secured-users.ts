import { type Acl, Admin, Client, type ClientError } from "@tarpan/client";
import { type SecuredCluster, secret } from "./secured-cluster.ts";

/** The load's user needs everything; `guest` has nothing. */
const LOAD = "load";
const GUEST = "guest";
const MECHANISM = "SCRAM-SHA-512";
const REVOKE_LIMIT_MS = 90_000;
/** So much that nobody is throttled, and still each request is measured. */
const AMPLE_BYTES_PER_SECOND = 50_000_000;

/** The administrator's changes, which reach whichever brokers are alive. */
export class SecuredUsers {
  readonly #cluster: SecuredCluster;

  constructor(cluster: SecuredCluster) {
    this.#cluster = cluster;
  }

  async asAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const { bootstrap } = this.#cluster;
    const client = new Client({ bootstrap, timeoutMs: 5_000, ...this.#cluster.as("admin") });
    return work(new Admin(client)).finally(() => client.close());
  }

  async make(): Promise<void> {
    await this.add(LOAD);
    await this.add(GUEST);
    await this.asAdmin(async (admin) => {
      await admin.createAcls([
        acl(LOAD, "topic", "*", "all"),
        acl(LOAD, "group", "*", "all"),
        acl(LOAD, "cluster", "kafka-cluster", "all"),
      ]);
      const ample = AMPLE_BYTES_PER_SECOND;
      await admin.alterClientQuotas(
        { user: LOAD },
        { producer_byte_rate: ample, consumer_byte_rate: ample, request_percentage: 10_000 },
      );
    });
  }

  add(user: string): Promise<void> {
    const credential = { mechanism: MECHANISM, password: secret(user) } as const;
    return this.asAdmin((admin) => admin.upsertUserScramCredential(user, credential));
  }

  async letRead(user: string, topic: string): Promise<void> {
    await this.add(user);
    await this.asAdmin((admin) => admin.createAcls([acl(user, "topic", topic, "read")]));
  }

  /** Takes away the ACLs and then the user, also while the controller changes. */
  async revoke(user: string): Promise<void> {
    const untilMs = performance.now() + REVOKE_LIMIT_MS;
    for (;;) {
      try {
        await this.asAdmin(async (admin) => {
          await admin.deleteAcls([{ principal: `User:${user}` }]);
          const known = await admin.describeUserScramCredentials([user]);
          if (known.length > 0) await admin.deleteUserScramCredential(user, MECHANISM);
        });
        return;
      } catch (error) {
        // A change whose outcome is not known may have been made.
        if (!(error as ClientError).retriable || performance.now() > untilMs) throw error;
      }
    }
  }
}

function acl(
  user: string,
  resourceType: Acl["resourceType"],
  resourceName: string,
  operation: Acl["operation"],
): Acl {
  const all = { patternType: "literal", host: "*", permission: "allow" } as const;
  return { ...all, principal: `User:${user}`, resourceType, resourceName, operation };
}
