import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Draft, OpenshellEvent } from '../../src/event/event.ts';
import { DenialPrinter } from '../../src/observe/printer.ts';
import { EventSink } from '../../src/observe/sink.ts';

const refusal = (host: string, exe = '/usr/bin/curl'): Draft => ({
  type: 'denial',
  layer: 'egress',
  action: 'deny',
  reason: 'endpoint_not_listed',
  rule: null,
  subject: { kind: 'connect', host, port: 443, address: null, via: 'connect' },
  process: { pid: 7, exe, sha256: null, ancestors: [] },
  count: 1,
});

describe('the event sink', () => {
  let events: OpenshellEvent[];
  let sink: EventSink;

  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 2, 3, 4, 5, 6) });
    events = [];
    sink = new EventSink('box', [{ denialsOnly: false, receive: (event) => void events.push(event) }]);
  });
  afterEach(() => vi.useRealTimers());

  it('INV-04 counts equal refusals of one second in one event', () => {
    for (let i = 0; i < 5; i += 1) sink.emit(refusal('a.example'));
    sink.emit(refusal('b.example'));
    sink.emit(refusal('a.example', '/usr/bin/wget'));
    expect(events).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(
      events.map(({ subject, count, process }) => [
        subject.kind === 'connect' && subject.host,
        process?.exe,
        count,
      ]),
    ).toEqual([
      ['a.example', '/usr/bin/curl', 5],
      ['b.example', '/usr/bin/curl', 1],
      ['a.example', '/usr/bin/wget', 1],
    ]);
    sink.emit(refusal('a.example'));
    vi.advanceTimersByTime(1000);
    expect(events).toHaveLength(4);
    expect(sink.denials).toBe(8);
  });

  it('numbers events without gaps and gives the time of the first of equal refusals', () => {
    sink.emit(refusal('a.example'));
    vi.advanceTimersByTime(700);
    sink.emit(refusal('a.example'));
    sink.flush();
    sink.emit({ ...refusal('a.example'), type: 'decision', action: 'allow', reason: 'allowed' });
    expect(events.map(({ seq, time, v, sandbox }) => [v, seq, sandbox, time])).toEqual([
      [1, 1, 'box', '2026-01-02T03:04:05.006Z'],
      [1, 2, 'box', '2026-01-02T03:04:05.706Z'],
    ]);
  });

  it('loses nothing when more different refusals come than wait at a time', () => {
    for (let i = 0; i < 1000; i += 1) sink.emit(refusal(`h${i}.example`));
    sink.flush();
    expect(events.reduce((sum, { count }) => sum + count, 0)).toBe(1000);
  });

  it('tells of a flood of different refusals in a bounded number of events', () => {
    const other: Partial<Draft> = { reason: 'binary_not_listed' };
    for (let i = 0; i < 100_000; i += 1) sink.emit(refusal(`h${i}.example`, `/tmp/p${i}`));
    for (let i = 0; i < 500; i += 1) sink.emit({ ...refusal(`h${i}.test`), ...other });
    sink.flush();
    expect(events).toHaveLength(258);
    const many = { subject: { kind: 'many', of: 'connect' }, process: null };
    expect(events.slice(256)).toMatchObject([
      { ...many, reason: 'endpoint_not_listed', count: 99_744 },
      { ...many, reason: 'binary_not_listed', count: 500 },
    ]);
    expect(sink.denials).toBe(100_500);
  });

  it('tells of a limit in such a flood as well', () => {
    for (let i = 0; i < 300; i += 1) sink.emit(refusal(`h${i}.example`));
    const subject = { kind: 'limit', limit: 'memory', value: 1 } as const;
    sink.emit({ ...refusal(''), layer: 'limits', reason: 'memory_limit', subject, process: null });
    sink.flush();
    expect(events.at(-1)).toMatchObject({ subject });
  });
});

describe('the printer of refusals', () => {
  const event = (host: string): OpenshellEvent => ({
    v: 1,
    time: '',
    seq: 1,
    sandbox: 'x',
    ...refusal(host),
  });

  it('prints each distinct refusal once', () => {
    const lines: string[] = [];
    const printer = new DenialPrinter({
      policyFile: null,
      afterwards: false,
      isQuiet: () => false,
      write: (line) => lines.push(line),
    });
    for (const host of ['a.example', 'a.example', 'b.example']) printer.receive(event(host));
    expect(lines).toHaveLength(2);
    printer.finish();
    expect(lines).toHaveLength(2);
  });

  it('keeps back everything until the program has ended when the terminal is its own', () => {
    const lines: string[] = [];
    const printer = new DenialPrinter({
      policyFile: null,
      afterwards: true,
      isQuiet: () => false,
      write: (line) => lines.push(line),
    });
    printer.receive(event('a.example'));
    printer.receive(event('a.example'));
    expect(lines).toEqual([]);
    printer.finish();
    expect(lines).toEqual([expect.stringContaining('(2 times)')]);
  });

  it('cannot be made to steer the terminal by a host name', () => {
    const lines: string[] = [];
    const printer = new DenialPrinter({
      policyFile: null,
      afterwards: false,
      isQuiet: () => false,
      write: (line) => lines.push(line),
    });
    printer.receive(event('\u001b]0;x\u0007evil\u202e.example'));
    expect(lines[0]).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  it('is bounded: what is beyond is counted', () => {
    const lines: string[] = [];
    const printer = new DenialPrinter({
      policyFile: null,
      afterwards: false,
      isQuiet: () => false,
      write: (line) => lines.push(line),
    });
    for (let i = 0; i < 150; i += 1) printer.receive(event(`h${i}.example`));
    printer.finish();
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toContain('50 further refusals');
  });
});
