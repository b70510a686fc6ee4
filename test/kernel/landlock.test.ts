import { describe, expect, it } from 'vitest';
import {
  FILE_RIGHTS,
  FS_RIGHTS,
  fsRights,
  handledFs,
  handledNet,
  handledScopes,
  rightNames,
} from '../../src/kernel/landlock.ts';

describe('Landlock', () => {
  // linux/landlock.h: 13 rights at first, then one each with ABI 2, 3 and 5.
  it.each([
    [0, 0, 0, 0],
    [1, 0x1fff, 0, 0],
    [2, 0x3fff, 0, 0],
    [3, 0x7fff, 0, 0],
    [4, 0x7fff, 3, 0],
    [5, 0xffff, 3, 0],
    [6, 0xffff, 3, 3],
    [7, 0xffff, 3, 3],
    [9, 0xffff, 3, 3],
  ])('handles at ABI %i the rights %i, %i and %i', (abi, fs, net, scopes) => {
    expect(handledFs(abi)).toBe(fs);
    expect(handledNet(abi)).toBe(net);
    expect(handledScopes(abi)).toBe(scopes);
  });

  it('gives a file only what a file has', () => {
    expect(rightNames('fs', FILE_RIGHTS)).toEqual([
      'execute',
      'write_file',
      'read_file',
      'truncate',
      'ioctl_dev',
    ]);
  });

  it('has one bit for each right, in order', () => {
    expect(FS_RIGHTS.map(({ bit }) => Math.log2(bit))).toEqual(FS_RIGHTS.map((_, index) => index));
  });

  it('drops rights that the ABI does not know', () => {
    expect(fsRights(['read_file', 'refer', 'truncate'], 1)).toBe(1 << 2);
    expect(fsRights(['read_file', 'refer', 'truncate'], 3)).toBe((1 << 2) | (1 << 13) | (1 << 14));
  });

  it('names rights, and shows bits that it does not know', () => {
    expect(rightNames('net', 3)).toEqual(['bind_tcp', 'connect_tcp']);
    expect(rightNames('scope', 2)).toEqual(['signal']);
    expect(rightNames('fs', 0x10001)).toEqual(['execute', '0x10000']);
    expect(rightNames('fs', 0)).toEqual([]);
  });
});
