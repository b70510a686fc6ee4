import { describe, expect, it } from 'vitest';
import {
  type Action,
  ALLOW,
  actionKey,
  actionProblem,
  errno,
  KILL,
  NOTIFY,
  returnName,
  returnValue,
} from '../../src/bpf/action.ts';

describe('an action', () => {
  // linux/seccomp.h
  it.each<[Action, number, string]>([
    [ALLOW, 0x7fff0000, 'allow'],
    [NOTIFY, 0x7fc00000, 'notify'],
    [KILL, 0x80000000, 'killProcess'],
    [errno(1), 0x00050001, 'errno'],
    [errno(0), 0x00050000, 'errno'],
    [errno(4095), 0x00050fff, 'errno'],
  ])('%o is returned as the kernel knows it', (action, value, name) => {
    expect(returnValue(action)).toBe(value);
    expect(returnName(value)).toBe(name);
    expect(actionProblem(action)).toBeNull();
  });

  it('is not known for any other returned value', () => {
    expect(returnName(0x12340000)).toBe('unknown');
    expect(returnName(0)).toBe('killThread');
  });

  it.each([-1, 4096, 1.5, Number.NaN])('cannot answer errno %d', (number) => {
    expect(actionProblem(errno(number))).toMatch(/not a number from 0 to 4095/);
  });

  it('has a key that tells errnos apart', () => {
    expect(actionKey(errno(1))).not.toBe(actionKey(errno(2)));
    expect(actionKey(errno(1))).toBe(actionKey(errno(1)));
    expect(actionKey(ALLOW)).not.toBe(actionKey(NOTIFY));
  });
});
