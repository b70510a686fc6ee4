import { describe, expect, it } from 'vitest';
import { REFUSALS, type RefusalKind } from '../../src/event/refusal.ts';
import { websocketRefusal } from '../../src/event/websocket-refusal.ts';

describe('websocketRefusal', () => {
  it('closes as a matter of policy, or of size', () => {
    expect(websocketRefusal('request_not_allowed', { code: 'OSH-EGR-022' })).toEqual({
      code: 1008,
      reason: 'OSH-EGR-022 request_not_allowed',
    });
    expect(websocketRefusal('body_too_large', { code: 'OSH-EGR-040' }).code).toBe(1009);
  });

  it('fits into a control frame, whatever is refused', () => {
    for (const [kind, { code }] of Object.entries(REFUSALS))
      expect(websocketRefusal(kind as RefusalKind, { code }).reason).toMatch(/^[ -~]{1,123}$/);
  });
});
