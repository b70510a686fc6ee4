import { expect, it } from 'vitest';
import type { Draft } from '../../../src/event/event.ts';
import {
  notPermitted,
  type RequestToRefuse,
  refuse,
  refusedAs,
} from '../../../src/http/inspected/refusing.ts';
import { host } from '../../match/tables.ts';

const REQUEST: RequestToRefuse = {
  authority: { host: host('api.example.com'), port: 8443 },
  method: 'POST',
  path: '/v1/keys',
  process: { pid: 7, exe: '/usr/bin/curl', sha256: 'ab', ancestors: [] },
};
const WHY = {
  kind: 'request_not_allowed',
  detail: 'POST refused',
  reason: 'no rule allows it',
  rule: null,
} as const;

function telling(): { readonly events: Draft[]; readonly emit: (draft: Draft) => void } {
  const events: Draft[] = [];
  return { events, emit: (draft) => void events.push(draft) };
}

it('a refusal is told of once, with what the body says', () => {
  const context = telling();
  const { kind, body, form } = refuse(context, REQUEST, WHY);
  expect(kind).toBe('request_not_allowed');
  expect(body).toMatchObject({
    detail: 'POST refused',
    reason: 'no rule allows it',
    method: 'POST',
    path: '/v1/keys',
    host: 'api.example.com',
    port: 8443,
    binary: '/usr/bin/curl',
  });
  expect(form).toBeUndefined();
  expect(context.events).toMatchObject([
    {
      type: 'denial',
      rule: null,
      subject: { kind: 'request', method: 'POST', host: 'api.example.com', port: 8443, path: '/v1/keys' },
      process: { exe: '/usr/bin/curl' },
    },
  ]);
});

it('a path that cannot be read is null in the body, and empty in the event', () => {
  const context = telling();
  const request = { ...REQUEST, path: null, process: null };
  expect(refuse(context, request, WHY).body).toMatchObject({ path: null, binary: null });
  expect(context.events).toMatchObject([{ subject: { path: '' }, process: null }]);
  expect(notPermitted(request, 'by policy')).toBe('POST api.example.com:8443 not permitted by policy');
});

it('what was seen of the request is in the event, and gives the answer its form', () => {
  const context = telling();
  const seen = {
    asked: ['tools/call delete'],
    formOf: (kind: string) => ({ kind: 'json', text: `{"error":"${kind}"}` }) as const,
  };
  const refused = refuse(context, { ...REQUEST, seen }, WHY);
  expect(refused.form).toEqual({ kind: 'json', text: '{"error":"request_not_allowed"}' });
  expect(context.events).toMatchObject([{ subject: { asked: ['tools/call delete'] } }]);
  expect(refusedAs({ ...REQUEST, seen: { formOf: null } }, WHY)).not.toHaveProperty('form');
});

it('the refused address says what an operator could do', () => {
  const why = { ...WHY, kind: 'special_address', address: { text: '10.0.0.1', class: 'private' } } as const;
  const { body } = refusedAs(REQUEST, why);
  expect(body.next_steps.join('\n')).toContain('10.0.0.1');
});
