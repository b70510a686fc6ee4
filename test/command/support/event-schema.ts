/** What every event line must look like (docs/events.md, version 1): returns what is wrong with it. */
import { type OpenshellEvent, REASONS } from '../../../src/event/event.ts';

const KEYS = [
  'action',
  'count',
  'layer',
  'process',
  'reason',
  'rule',
  'sandbox',
  'seq',
  'subject',
  'time',
  'type',
  'v',
];
const TYPES = ['start', 'decision', 'denial', 'exit', 'degraded', 'reload'];
const LAYERS = ['session', 'egress', 'names', 'unix', 'syscalls', 'limits', 'inference'];
/** RFC 3339, UTC, milliseconds. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** Problems of one event by itself. */
export function faultsOf(event: OpenshellEvent): string[] {
  const { v, time, seq, sandbox, type, layer, action, reason, rule, process, count } = event;
  const checks: [string, boolean][] = [
    [`keys ${Object.keys(event).sort()}`, Object.keys(event).sort().join() === KEYS.join()],
    [`v ${v}`, v === 1],
    [`time ${time}`, TIME.test(time) && !Number.isNaN(Date.parse(time))],
    [`seq ${seq}`, Number.isInteger(seq) && seq >= 1],
    [`sandbox ${sandbox}`, typeof sandbox === 'string' && sandbox.length > 0],
    [`type ${type}`, TYPES.includes(type)],
    [`layer ${layer}`, LAYERS.includes(layer)],
    [`action ${action}`, ['allow', 'deny', 'audit'].includes(action)],
    [`reason ${reason}`, REASONS.includes(reason)],
    [`a denial that is no deny`, type !== 'denial' || action === 'deny'],
    [`count ${count}`, Number.isInteger(count) && count >= 1],
    [
      `rule ${JSON.stringify(rule)}`,
      rule === null || ('policy' in rule && 'index' in rule && 'line' in rule && rule.policy !== ''),
    ],
    [
      `process ${JSON.stringify(process)}`,
      process === null ||
        (Number.isInteger(process.pid) &&
          typeof process.exe === 'string' &&
          Array.isArray(process.ancestors)),
    ],
  ];
  return checks.filter(([, good]) => !good).map(([what]) => what);
}

/** Problems of the events of one sandbox, in their order. */
export function faultsOfAll(events: readonly OpenshellEvent[]): string[] {
  const faults = events.flatMap((event, i) => faultsOf(event).map((fault) => `event ${i}: ${fault}`));
  events.forEach(({ seq }, i) => {
    if (seq !== i + 1) faults.push(`event ${i}: seq is ${seq}`);
  });
  if (new Set(events.map(({ sandbox }) => sandbox)).size > 1) faults.push('events of several sandboxes');
  if (events[0]?.type !== 'start') faults.push(`the first event is ${events[0]?.type}`);
  if (events.at(-1)?.type !== 'exit') faults.push(`the last event is ${events.at(-1)?.type}`);
  return faults;
}
