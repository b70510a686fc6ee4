/** Who the workload is, inside and on the host. */
import type { CallerFacts } from '../plan/facts.ts';
import type { Identity } from '../plan/plan.ts';
import type { Policy } from '../policy/policy.ts';
import type { OperatorRequest } from './input.ts';

const SANDBOX = { name: 'sandbox', id: 1000 };
/** A login name that may stand in a passwd file. */
const ACCOUNT_NAME = /^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,31}\$?$/;

export function compileIdentity(
  policy: Policy | null,
  operator: OperatorRequest,
  caller: CallerFacts,
): Identity {
  const user = policy?.process.runAsUser?.value ?? null;
  const group = policy?.process.runAsGroup?.value ?? null;
  const hostUid = operator.user?.uid ?? caller.uid;
  const hostGid = operator.user?.gid ?? caller.gid;
  const root = caller.uid === 0;
  const insideUid = idOf(user) ?? (hostUid === 0 ? SANDBOX.id : hostUid);
  const insideGid = idOf(group) ?? (hostGid === 0 ? SANDBOX.id : hostGid);
  const own = insideUid === caller.uid && ACCOUNT_NAME.test(caller.userName);
  const ownGroup = insideGid === caller.gid && ACCOUNT_NAME.test(caller.groupName);
  return {
    insideUid,
    insideGid,
    host: root
      ? { kind: 'drop', uid: operator.user?.uid ?? 'unused', gid: operator.user?.gid ?? 'unused' }
      : { kind: 'caller', uid: caller.uid, gid: caller.gid },
    userName: own ? caller.userName : SANDBOX.name,
    groupName: ownGroup ? caller.groupName : SANDBOX.name,
    home: caller.home,
  };
}

/** The policy layer admits `sandbox` and decimal ids only. */
const idOf = (text: string | null): number | null =>
  text === null ? null : text === SANDBOX.name ? SANDBOX.id : Number(text);
