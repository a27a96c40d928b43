import { DescribeGroups, ErrorCode, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { describeFailed, describeGroup } from "../groups/operations/classic-describe.ts";
import { NOT_ASKED } from "../security/authorized-operations.ts";
import { onEach } from "../security/permission.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { allows, operationsOn } from "./allowed.ts";
import { handler, type RequestContext, type Services } from "./handler.ts";

/**
 * DescribeGroups: v0-6. v3 authorized operations (KIP-430) · v4 instance ids (KIP-345) · v5
 * flexible · v6 an unknown group is the error GROUP_ID_NOT_FOUND (KIP-1043); before v6 it is a
 * group in state `Dead`. Groups of the consumer protocol are unknown here: ConsumerGroupDescribe
 * describes them.
 */
export const describeGroups = handler({
  api: DescribeGroups,
  versions: "0-6",
  authorize: [onEach("describe", "group")],
  handle,
  failure,
});

type Request = RequestOf<typeof DescribeGroups>;
type Response = ResponseInput<typeof DescribeGroups>;

const NOT_FOUND_VERSION = 6;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services, version } = context;
  // Each group once, however often it is named: the answer for one may be long.
  const groupIds = [...new Set(request.groups)];
  const described = await Promise.all(
    groupIds.map((groupId) => {
      if (allows(context, "describe", "group", groupId)) return describe(services, groupId);
      return describeFailed(groupId, ErrorCode.GROUP_AUTHORIZATION_FAILED);
    }),
  );
  const groups = described.map((group) => {
    const { NONE, GROUP_ID_NOT_FOUND } = ErrorCode;
    const unknown = version >= NOT_FOUND_VERSION && group.groupState === "Dead";
    const errorCode = unknown ? GROUP_ID_NOT_FOUND : group.errorCode;
    const asked = request.includeAuthorizedOperations && errorCode === NONE;
    const operations = asked ? operationsOn(context, "group", group.groupId) : NOT_ASKED;
    return { ...group, errorCode, authorizedOperations: operations };
  });
  return { groups };
}

/** When a coordinator is unavailable, only its own groups get an error. */
async function describe(services: Services, groupId: string): Promise<Response["groups"][number]> {
  try {
    return await services.groups.run(groupId, describeGroup(groupId));
  } catch (error) {
    if (error instanceof KafkaError) return describeFailed(groupId, error.errorCode);
    throw error;
  }
}

function failure({ groups }: Request, errorCode: number): Response {
  return { groups: groups.map((groupId) => describeFailed(groupId, errorCode)) };
}
