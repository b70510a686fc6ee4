import { describe, expect, it } from 'vitest';
import { explainConnect } from '../../src/compile/explain-connect.ts';
import { NO_REQUEST } from '../../src/compile/input.ts';
import { servesInference } from '../../src/plan/inference.ts';
import { hasInspection } from '../../src/plan/plan.ts';
import { compiled, tryCompile } from '../compile/compiled.ts';

const INFERENCE = { routes: ['a', 'b'], files: ['/home/dev/project/routes.yaml'] };
const operator = { ...NO_REQUEST, inference: INFERENCE };

describe('servesInference', () => {
  const egress = { inference: ['a'] };

  it('is true of port 443 of that name, where there are routes', () => {
    expect(servesInference(egress, 'inference.local', 443)).toBe(true);
    expect(servesInference({}, 'inference.local', 443)).toBe(false);
    expect(servesInference(egress, 'inference.local', 8443)).toBe(false);
    expect(servesInference(egress, 'x.inference.local', 443)).toBe(false);
  });
});

describe('a plan with routes', () => {
  it('has the proxy without any network policy, and an authority that programs trust', () => {
    const { egress, environment } = compiled(null, { operator });
    expect(egress).toMatchObject({ mode: 'proxy', inference: ['a', 'b'], policies: [] });
    expect(hasInspection(egress)).toBe(true);
    expect(environment.map(({ name }) => name)).toContain('NODE_EXTRA_CA_CERTS');
  });

  it('without routes says nothing of them', () => {
    expect(compiled(null).egress).not.toHaveProperty('inference');
  });

  it.each(['block', 'allow'] as const)('is refused with --network %s', (network) => {
    const { problems } = tryCompile(null, { operator: { ...operator, network } });
    expect(problems.map(({ message }) => message)).toContain(
      `\`--inference\` and \`--network ${network}\` contradict each other`,
    );
  });

  it('explains who may ask', () => {
    const { egress } = compiled(null, { operator });
    const answer = (port: number) => {
      const result = explainConnect(egress, 'Inference.Local', port, '/usr/bin/curl');
      return result.ok ? result.value : result.error;
    };
    expect(answer(443)).toMatchObject({ verdict: 'allow', rule: null });
    expect(answer(80)).toMatchObject({ verdict: 'deny' });
  });
});
