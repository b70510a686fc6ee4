/** What a refused program reads from connect(2), where it is not EACCES: that nothing is there, rather than that it may not. */
import type { Draft } from '../event/event.ts';
import { errnoNumber } from '../kernel/errno.ts';
import type { Verdict } from '../launch/launcher.ts';

/** `nobody_listens` is no refusal of ours, and no event tells of it. */
type Cause = Draft['reason'] | 'nobody_listens';

const ERRNO: Partial<Record<Cause, string>> = {
  nobody_listens: 'ECONNREFUSED',
  network_off: 'ENETUNREACH',
  name_not_resolved: 'EHOSTUNREACH',
  upstream_unreachable: 'EHOSTUNREACH',
};

export const refusal = (cause: Cause): Verdict => ({
  kind: 'refuse',
  errno: errnoNumber(ERRNO[cause] ?? 'EACCES')!,
});
