import { describe, expect, it } from 'vitest';
import type { OpenshellEvent } from '../../src/event/event.ts';
import { denialMessage, messageKey } from '../../src/event/message.ts';

const request = (path: string, more: Partial<OpenshellEvent> = {}): OpenshellEvent => ({
  v: 1,
  time: '2026-01-01T00:00:00.000Z',
  seq: 1,
  sandbox: 's',
  type: 'denial',
  layer: 'egress',
  action: 'deny',
  reason: 'credential_endpoint_mismatch',
  rule: { policy: 'api', index: 0, line: 7 },
  subject: { kind: 'request', method: 'GET', host: 'a.test', port: 443, path },
  process: { pid: 1, exe: '/usr/bin/curl', sha256: null, ancestors: [] },
  count: 1,
  ...more,
});

describe('the message about a refused request', () => {
  it('says who, what, why and where', () => {
    expect(denialMessage(request('/x'), 'p.yaml')).toBe(
      'refused: /usr/bin/curl may not send GET a.test:443/x: it holds the placeholder of a credential that is not bound there (p.yaml:7)',
    );
  });

  it('is on one line, and short', () => {
    const message = denialMessage(request(`/a\n\u001b[31m${'x'.repeat(1000)}`), null);
    expect(message).not.toMatch(/[\n\u001b]/);
    expect(message.length).toBeLessThan(400);
  });

  it('is the same for every path of a host, and another for another host', () => {
    expect(messageKey(request('/x'))).toBe(messageKey(request('/y')));
    const subject = { kind: 'request', method: 'GET', host: 'b.test', port: 443, path: '/x' } as const;
    expect(messageKey(request('/x'))).not.toBe(messageKey(request('/x', { subject })));
  });
});
