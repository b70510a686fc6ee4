import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grpcRefusal } from '../../src/event/grpc-refusal.ts';
import type { Refusal, RefusalKind } from '../../src/event/refusal.ts';

const refusal = (reason: string): Refusal => ({ detail: 'POST x', reason, code: 'OSH-EGR-022' }) as Refusal;

describe('grpcRefusal', () => {
  it.each([
    ['request_not_allowed', '7'],
    ['request_denied_by_rule', '7'],
    ['grpc_invalid', '3'],
    ['body_too_large', '8'],
    ['upstream_unreachable', '14'],
    ['too_many_connections', '14'],
    ['request_timeout', '2'],
  ] as const)('%s is status %s', (kind: RefusalKind, status) => {
    expect(grpcRefusal(kind, refusal('no rule'))).toEqual({
      'content-type': 'application/grpc',
      'grpc-status': status,
      'grpc-message': 'POST x: no rule [OSH-EGR-022]',
    });
  });

  it('escapes what a header cannot hold, and cuts no escape', () => {
    expect(grpcRefusal('grpc_invalid', refusal('50% é\n'))['grpc-message']).toContain('50%25 %C3%A9%0A');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (reason) => {
        const text = grpcRefusal('grpc_invalid', refusal(reason))['grpc-message']!;
        expect(text.length).toBeLessThanOrEqual(1024);
        expect(text).toMatch(/^[ -~]*$/);
        expect(decodeURIComponent(text).startsWith('POST x: ')).toBe(true);
      }),
    );
  });
});
