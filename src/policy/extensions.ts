/** The sections `limits` and `dns`, which OpenShell does not have. */
import type { Read } from './fields.ts';
import type { At, Limits, Policy } from './policy.ts';
import type { DNS, LIMITS } from './schema.ts';

export function limitsOf(read: Read<typeof LIMITS> | undefined): Limits {
  const fields = read?.value.fields ?? {};
  const at = (field: At<number> | undefined): At<number> | null =>
    field === undefined ? null : { value: field.value, span: field.span };
  return {
    processes: at(fields.processes),
    openFiles: at(fields.open_files),
    memory: at(fields.memory),
    cpuTime: at(fields.cpu_time),
    wallTime: at(fields.wall_time),
    disk: at(fields.disk),
  };
}

export function dnsOf(read: Read<typeof DNS> | undefined): Policy['dns'] {
  return { pin: read?.value.fields.pin?.value ?? 'connect' };
}
