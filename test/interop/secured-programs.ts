// How each client of test/peers is told to log in, in its own configs.
import { unsecuredToken } from "../../packages/broker/test/sasl/token-issuer.ts";
import { type Peer, peer } from "../harness/peers.ts";
import { CLIENT, inAnHour } from "./oauth-issuer.ts";
import { type Ask, peerSource, programPeer } from "./peer.ts";
import { BOB, type Login, type SecuredBroker, WAYS, type Way } from "./secured-broker.ts";

type Configs = Readonly<Record<string, string>>;
type Secure = (broker: SecuredBroker, way: Way) => Configs;

export interface Program {
  readonly peer: string;
  readonly args: (client: Peer, broker: SecuredBroker) => readonly string[];
  readonly security: Secure;
  readonly env?: (client: Peer) => Configs;
  /** What it does beside producing and consuming, with a password or a certificate. */
  readonly also: readonly ("admin" | "transact")[];
  /** The ways that `npm test` has time for. `npm run chaos` has all. */
  readonly quickly: readonly Way[];
}

export const unsecuredTokenOf = (sub: string) => unsecuredToken({ sub, exp: inAnHour() });

/** A token for a client that takes one, or the means to make it. */
export function tokenFor({ issuer }: SecuredBroker, way: Way): string {
  return way === "OAUTHBEARER" ? issuer.token({ sub: CLIENT.id }) : unsecuredTokenOf("carol");
}

/** Configs of librdkafka. Before its release 2.6.1 it sends a wrong nonce by SCRAM. */
function librdkafka(mechanism: string, tokens: Secure): Secure {
  return (broker, way) => {
    const { ca, certificate, key } = broker.files;
    const authority = { "ssl.ca.location": ca, "security.protocol": "sasl_ssl" };
    if (way === "mutual TLS") {
      const own = { "ssl.certificate.location": certificate, "ssl.key.location": key };
      return { ...authority, "security.protocol": "ssl", ...own };
    }
    if (way !== "SCRAM") {
      return { ...authority, "sasl.mechanism": "OAUTHBEARER", ...tokens(broker, way) };
    }
    return {
      ...{ ...authority, "sasl.mechanism": mechanism },
      ...{ "sasl.username": BOB.username, "sasl.password": BOB.password },
    };
  };
}

/** Its own ways to get a token: from an endpoint, or made by itself. */
const ownTokens: Secure = ({ issuer }, way) =>
  way === "OAUTHBEARER"
    ? {
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": CLIENT.id,
        "sasl.oauthbearer.client.secret": CLIENT.secret,
        "sasl.oauthbearer.token.endpoint.url": issuer.tokenUrl,
      }
    : {
        "enable.sasl.oauthbearer.unsecure.jwt": "true",
        "sasl.oauthbearer.config": "principal=carol scope=kafka",
      };

const givenTokens: Secure = (broker, way) => ({ token: tokenFor(broker, way) });

const kafkaPython: Secure = (broker, way) => {
  const { ca: ssl_cafile, certificate: ssl_certfile, key: ssl_keyfile } = broker.files;
  if (way === "mutual TLS") {
    return { ssl_cafile, security_protocol: "SSL", ssl_certfile, ssl_keyfile };
  }
  const sasl = { ssl_cafile, security_protocol: "SASL_SSL" };
  if (way !== "SCRAM") {
    return { ...sasl, sasl_mechanism: "OAUTHBEARER", ...givenTokens(broker, way) };
  }
  return {
    ...{ ...sasl, sasl_mechanism: "SCRAM-SHA-512" },
    ...{ sasl_plain_username: BOB.username, sasl_plain_password: BOB.password },
  };
};

const franzGo: Secure = (broker, way) => {
  const { ca, certificate, key } = broker.files;
  const tls = { "tls.ca": ca };
  if (way === "mutual TLS") return { ...tls, "tls.cert": certificate, "tls.key": key };
  if (way === "SCRAM") {
    const { username: user, password: pass } = BOB;
    return { ...tls, "sasl.mechanism": "SCRAM-SHA-512", user, pass };
  }
  return { ...tls, "sasl.mechanism": "OAUTHBEARER", ...givenTokens(broker, way) };
};

const JAVA_SECURITY = "org.apache.kafka.common.security";

function javaAuthority({ files }: SecuredBroker): Configs {
  return { "ssl.truststore.type": "PEM", "ssl.truststore.location": files.ca };
}

/** Configs of a program of Kafka that logs in by SCRAM. */
export function javaLogin(broker: SecuredBroker, { username, password }: Login): Configs {
  const module = `${JAVA_SECURITY}.scram.ScramLoginModule required`;
  return {
    ...javaAuthority(broker),
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.jaas.config": `${module} username="${username}" password="${password}";`,
  };
}

const java: Secure = (broker, way) => {
  if (way === "SCRAM") return javaLogin(broker, BOB);
  const authority = javaAuthority(broker);
  const { certificate, key } = broker.pem;
  if (way === "mutual TLS") {
    return {
      ...{ ...authority, "security.protocol": "SSL", "ssl.keystore.type": "PEM" },
      ...{ "ssl.keystore.certificate.chain": certificate, "ssl.keystore.key": key },
    };
  }
  const module = `${JAVA_SECURITY}.oauthbearer.OAuthBearerLoginModule required`;
  const sasl = { "security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER" };
  const bearer = { ...authority, ...sasl };
  if (way === "unsecured OAUTHBEARER") {
    const claims = 'unsecuredLoginStringClaim_sub="carol"';
    return { ...bearer, "sasl.jaas.config": `${module} ${claims};` };
  }
  return {
    ...bearer,
    "sasl.login.callback.handler.class": `${JAVA_SECURITY}.oauthbearer.OAuthBearerLoginCallbackHandler`,
    "sasl.oauthbearer.token.endpoint.url": broker.issuer.tokenUrl,
    "sasl.jaas.config": `${module} clientId="${CLIENT.id}" clientSecret="${CLIENT.secret}";`,
  };
};

/** A JVM that may ask these URLs for tokens. */
export function javaArgs({ classPath }: Peer, main: string, ...urls: readonly string[]): string[] {
  return [
    `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${urls.join()}`,
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-XX:TieredStopAtLevel=1",
    ...["-cp", classPath, main],
  ];
}

export const PROGRAMS: readonly Program[] = [
  {
    peer: "confluent-kafka-python",
    args: () => [peerSource("confluent-kafka-python/peer.py")],
    security: librdkafka("PLAIN", givenTokens),
    also: ["admin"],
    quickly: [],
  },
  {
    peer: "confluent-kafka-python-2",
    args: () => [peerSource("confluent-kafka-python/peer.py")],
    security: librdkafka("SCRAM-SHA-512", ownTokens),
    env: ({ modules }) => ({ PYTHONPATH: modules }),
    also: ["transact"],
    quickly: ["SCRAM", "mutual TLS"],
  },
  {
    peer: "kafka-javascript",
    args: () => [peerSource("kafka-javascript/peer.mjs")],
    security: librdkafka("SCRAM-SHA-512", givenTokens),
    env: ({ modules }) => ({ NODE_PATH: modules }),
    also: ["transact"],
    quickly: [],
  },
  {
    peer: "kafka-python",
    args: () => [peerSource("kafka-python/peer.py")],
    security: kafkaPython,
    also: ["admin"],
    quickly: [],
  },
  { peer: "franz-go", args: () => [], security: franzGo, also: ["admin"], quickly: WAYS },
  {
    peer: "java",
    args: (client, { issuer }) => javaArgs(client, "Peer", issuer.tokenUrl),
    security: java,
    also: ["admin"],
    quickly: ["SCRAM"],
  },
];

/** The program as a client of the broker that comes in this way. */
export function asker(program: Program, broker: SecuredBroker, way: Way): Ask {
  const client = peer(program.peer);
  const args = program.args(client, broker);
  const ask = programPeer(client, args, broker.addressOf(way), program.env?.(client));
  const security = program.security(broker, way);
  return (command, topic, request) => ask(command, topic, { security, ...request });
}
