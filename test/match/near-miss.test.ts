import { describe, expect, it } from 'vitest';
import { decide } from '../../src/match/decide.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import { binary, endpoint, host, identity, policy, SHA_B, table } from './tables.ts';

const CURL = identity('/usr/bin/curl');

const RULES = table([
  policy('git', [endpoint('github.com:22,443')], [binary('/usr/bin/git')]),
  policy('aws', [endpoint('*.s3.*.amazonaws.com:443'), endpoint('**.example.com:443')]),
  policy('web', [endpoint('api.example.com:80,443'), endpoint('10.0.0.5:8080'), endpoint('2001:db8::1:80')]),
  policy('lan', [endpoint(':5432', { allowedIps: ['10.0.0.0/8'] })]),
]);

describe('the message of a denial', () => {
  const message = (to: string, who = CURL, rules = RULES) => {
    const colon = to.lastIndexOf(':');
    const verdict = decide(buildIndex(rules), {
      host: host(to.slice(0, colon)),
      port: Number(to.slice(colon + 1)),
      identity: who,
    });
    return verdict.kind === 'deny'
      ? `${verdict.message} @${verdict.rule?.policy}:${verdict.rule?.line}`
      : 'allowed';
  };

  it.each([
    [
      'other ports',
      'github.com:80',
      'endpoint github.com:80 is not allowed by any policy; the host is listed on ports 22, 443 @git:10',
    ],
    [
      'the apex beside a wildcard',
      'example.com:443',
      'policy `aws` lists **.example.com, which does not match it @aws:10',
    ],
    [
      'a name below the listed one',
      'www.github.com:443',
      'policy `git` lists github.com, which does not match it @git:10',
    ],
    [
      'nothing when nothing is near',
      'unlisted.test:443',
      'endpoint unlisted.test:443 is not allowed by any policy @undefined:undefined',
    ],
    [
      'the binaries that are listed',
      'github.com:443',
      'binary `/usr/bin/curl` not allowed in policy `git`: it lists /usr/bin/git @git:10',
    ],
  ])('names %s', (_what, to, expected) => {
    expect(message(to)).toContain(expected);
  });

  it('names one label too many', () => {
    const rules = table([policy('a', [endpoint('*.example.com:443')])]);
    expect(message('a.b.example.com:443', CURL, rules)).toContain('policy `a` lists *.example.com');
  });

  it('names a missing www', () => {
    const rules = table([policy('a', [endpoint('www.example.com:443')])]);
    expect(message('example.com:443', CURL, rules)).toContain('policy `a` lists www.example.com');
  });

  it('tells other content from another path, and a barred ancestor from none', () => {
    const rules = table([
      policy('pin', [endpoint('x.test:1')], [binary('/usr/bin/curl', { sha256: SHA_B })]),
      policy('own', [endpoint('x.test:1')], [binary('/bin/sh', { ancestors: false })]),
    ]);
    const text = message('x.test:1', identity('/usr/bin/curl', ['/bin/sh']), rules);
    expect(text).toContain('its path is listed, its content has another sha256');
    expect(text).toContain('its entry says `ancestors: false`');
    expect(text).toContain('(ancestors: `/bin/sh`)');
  });

  it('names few policies, few binaries and few ports, and how many more there are', () => {
    const others = Array.from({ length: 50 }, (_, i) => binary(`/bin/b${i}`));
    const lists = Array.from({ length: 50 }, (_, i) => policy(`p${i}`, [endpoint('x.test:1')], others));
    const text = message('x.test:1', CURL, table(lists));
    expect(text.match(/not allowed in policy/g)).toHaveLength(3);
    expect(text).toContain('it lists /bin/b0, /bin/b1, /bin/b2, /bin/b3, /bin/b4 and 45 more');
    const ports = Array.from({ length: 50 }, (_, i) => policy(`p${i}`, [endpoint(`x.test:${i + 1}`)]));
    expect(message('x.test:99', CURL, table(ports))).toContain('on ports 1, 2, 3, 4, 5, 6, 7, 8 and 42 more');
  });

  it('is bounded and cannot steer a terminal, whatever the program is called', () => {
    const evil = `/tmp/\u001b[2J\n\u202e${'x'.repeat(5000)}`;
    const text = message('github.com:443', identity(evil, Array(64).fill(evil)));
    expect(text.length).toBeLessThan(2000);
    expect(text).not.toMatch(/[\u0000-\u001f\u202e]/);
  });
});
